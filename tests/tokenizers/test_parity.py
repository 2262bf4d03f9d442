"""Every form of calling against the fast tokenizers of transformers, on wild text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.tokenizer_parity import batches, check_same, compare_encodings, options, wild_text

pytestmark = pytest.mark.reference

quick = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.mark.parametrize("name", ["uncased", "cased"])
@quick
@given(call=batches(), arguments=options(), truncation_side=st.sampled_from(["right", "left"]))
def test_calls_give_what_the_reference_gives(
    name: str, request: Any, call: dict[str, Any], arguments: dict[str, Any], truncation_side: str
) -> None:
    ours, theirs = request.getfixturevalue(name), request.getfixturevalue(f"reference_{name}")
    pair = check_same(ours, theirs, truncation_side, {**call, **arguments})
    if pair is not None:
        compare_encodings(*pair)


@quick
@given(text=wild_text, skip=st.booleans(), clean=st.sampled_from([None, True, False]))
def test_decoding_gives_what_the_reference_gives(
    uncased: Any, reference_uncased: Any, text: str, skip: bool, clean: bool | None
) -> None:
    ids = uncased.encode(text)
    arguments = {"skip_special_tokens": skip, "clean_up_tokenization_spaces": clean}
    assert uncased.decode(ids, **arguments) == reference_uncased.decode(ids, **arguments)
    tokens = uncased.tokenize(text)
    assert tokens == reference_uncased.tokenize(text)
    assert uncased.convert_tokens_to_string(tokens) == reference_uncased.convert_tokens_to_string(tokens)
    assert uncased.convert_ids_to_tokens(ids, skip) == reference_uncased.convert_ids_to_tokens(ids, skip)


@quick
@given(text=wild_text)
def test_the_vocabulary_file_alone_gives_what_tokenizer_json_gives(
    uncased: Any, uncased_from_vocabulary: Any, text: str
) -> None:
    one, other = uncased(text, return_offsets_mapping=True), uncased_from_vocabulary(text, return_offsets_mapping=True)
    assert one.data == other.data
    assert one.word_ids() == other.word_ids()


@pytest.fixture(scope="session")
def uncased_from_vocabulary(minilm: Any) -> Any:
    from pellucid.tokenizers import BertTokenizerFast

    return BertTokenizerFast(minilm / "vocab.txt")
