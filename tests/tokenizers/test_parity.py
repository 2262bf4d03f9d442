"""Every form of calling against the fast tokenizers of transformers, on wild text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.errors import PellucidError
from pellucid.tokenizers import BatchEncoding

pytestmark = pytest.mark.reference

quick = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

PIECES = [
    "hello", "world", "Transformers", "unaffable", "[SEP]", "[MASK]", "[CLS]", "[sep]", "don't", "naïve", "café", "İ",
    "ﬃ", "ß",
    "中文", "日本語", "한국어", "العربية", "שלום", "नमस्ते", "👨‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u0301", "a\u0300\u0316\u0330",
    "\u200b", "\ufeff", "\u00a0", "\x00", "\x07", "\x85", "\u2028", "\t", "\n", "  ", ".", "...", "?!", "$5.00",
    "a" * 120, "##ing", "1234567890", "x²", "\U0001d54f", "\ufffd", "'", "-", "__",
]  # fmt: skip
wild_text = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)
words = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)), max_size=8
)


@st.composite
def batches(draw: Any) -> dict[str, Any]:
    """The texts of a call: one or several, alone or in pairs, whole or as words."""
    split = draw(st.booleans())
    text = words if split else wild_text
    if draw(st.booleans()):
        call: dict[str, Any] = {"text": draw(text)}
        if draw(st.booleans()):
            call["text_pair"] = draw(text)
    else:
        size = draw(st.integers(1, 4))
        call = {"text": draw(st.lists(text, min_size=size, max_size=size))}
        if draw(st.booleans()):
            call["text_pair"] = draw(st.lists(text, min_size=size, max_size=size))
        if split and not call["text"][0] and not any(call["text"]):
            call["text"][0] = ["hello"]
    if split:
        call["is_split_into_words"] = True
    return call


@st.composite
def options(draw: Any) -> dict[str, Any]:
    """The arguments of a call, as wild as they may be."""
    chosen: dict[str, Any] = {
        "padding": draw(st.sampled_from([False, True, "longest", "max_length", "do_not_pad"])),
        "truncation": draw(st.sampled_from([None, False, True, "longest_first", "only_first", "only_second"])),
        "max_length": draw(st.one_of(st.none(), st.integers(2, 24))),
        "stride": draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
        "add_special_tokens": draw(st.booleans()),
        "padding_side": draw(st.sampled_from([None, "left", "right"])),
        "pad_to_multiple_of": draw(st.sampled_from([None, None, 4, 8])),
    }
    for name in ("overflowing_tokens", "special_tokens_mask", "offsets_mapping", "length", "token_type_ids"):
        chosen[f"return_{name}"] = draw(st.booleans())
    return chosen


def outcome(tokenizer: Any, call: dict[str, Any]) -> Any:
    try:
        return tokenizer(**call, verbose=False)
    except PellucidError as error:
        return error
    except BaseException as error:
        if type(error).__name__ == "PanicException" or isinstance(error, Exception):
            return error
        raise


def check_same(ours: Any, theirs: Any, truncation_side: str, call: dict[str, Any]) -> Any:
    ours.truncation_side = theirs.truncation_side = truncation_side
    mine, reference = outcome(ours, call), outcome(theirs, call)
    if isinstance(reference, BaseException):
        # Its check of the stride counts special tokens even where none are added and nothing is cut.
        assert isinstance(mine, PellucidError) or "effective max length" in str(reference), (mine, reference)
        return None
    if isinstance(mine, PellucidError):
        # The reference takes a length below the special tokens', and then silently does not truncate.
        assert "leaves no room" in str(mine) or "stride" in str(mine), (mine, reference)
        return None
    assert mine.data == reference.data
    return mine, reference


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


def compare_encodings(mine: BatchEncoding, reference: Any) -> None:
    assert mine.n_sequences == reference.n_sequences
    assert mine.encodings is not None
    assert len(mine.encodings) == len(reference.encodings)
    for row, (ours, theirs) in enumerate(zip(mine.encodings, reference.encodings, strict=True)):
        names = ("ids", "tokens", "type_ids", "offsets", "attention_mask", "special_tokens_mask", "word_ids")
        for name in names:
            assert getattr(ours, name) == getattr(theirs, name), name
        assert len(ours) == len(theirs)
        assert ours.n_sequences == theirs.n_sequences
        # The reference's windows can lose which text a token came from; those of whole rows never do.
        assert ours.sequence_ids == theirs.sequence_ids
        assert mine.tokens(row) == reference.tokens(row)
        if "overflow_to_sample_mapping" not in mine:
            # A window of the reference can hold windows again, from the way in which it merges pairs.
            assert [window.ids for window in ours.overflowing] == [window.ids for window in theirs.overflowing]
        for token in range(len(ours)):
            assert mine.token_to_sequence(row, token) == reference.token_to_sequence(row, token)
            assert mine.token_to_word(row, token) == reference.token_to_word(row, token)
            assert mine.token_to_chars(row, token) == reference.token_to_chars(row, token)
        for sequence in range(ours.n_sequences):
            for place in range(6):
                assert mine.char_to_token(row, place, sequence) == reference.char_to_token(row, place, sequence)
                assert mine.char_to_word(row, place, sequence) == reference.char_to_word(row, place, sequence)
                span = theirs.word_to_tokens(place, sequence)
                assert mine.word_to_tokens(row, place, sequence) == span
                if span is not None:
                    assert mine.word_to_chars(row, place, sequence) == reference.word_to_chars(row, place, sequence)


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
