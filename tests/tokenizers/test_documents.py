"""A document that is split while it is read has the windows of one that is split at once."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.errors import InputError
from pellucid.tokenizers import AutoTokenizer, pieces
from support.family_tokenizers import TOKENIZER_CLASSES, write_family_tokenizer
from support.tokenizer_files import CORPUS

SEEN = ("ids", "type_ids", "tokens", "offsets", "word_ids", "sequence_ids", "special_tokens_mask", "attention_mask")

WORDS = [
    *" ".join(CORPUS).split(), "a", "I", "12.5", "don't", "…", "é", "é", "́x", "日本語", "مرحبا", "👩‍👧", "x" * 90, "_",
    "[MASK]", "<mask>", "[SEP]", "</s>", "tab\there", "two\nlines", "  ", "\u00a0", "\u200d", "𝒳",
]  # fmt: skip

quick = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    made = {}
    for family in TOKENIZER_CLASSES:
        folder: Path = tmp_path_factory.mktemp(family)
        (folder / "config.json").write_text(f'{{"model_type": "{family}"}}', encoding="utf-8")
        write_family_tokenizer(folder, family)
        made[family] = AutoTokenizer.from_pretrained(str(folder))
    return made


def seen(encodings: Any) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in SEEN} for one in encodings]


@pytest.mark.parametrize("family", TOKENIZER_CLASSES)
@quick
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=60, max_size=120),
    question=st.sampled_from([None, "what is it ?", "日本 ?"]),
    is_first=st.booleans(),
    stride=st.integers(0, 9),
    max_length=st.integers(30, 40),
)
def test_every_window_is_the_same(
    tokenizers: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    family: str,
    words: list[str],
    question: str | None,
    is_first: bool,
    stride: int,
    max_length: int,
) -> None:
    tokenizer, document = tokenizers[family], " ".join(words)
    monkeypatch.setattr(pieces, "PIECE", 60)
    monkeypatch.setattr(pieces, "LEAD", 8)
    text, pair, strategy = document, question, "only_first"
    if question is not None and not is_first:
        text, pair, strategy = question, document, "only_second"
    arguments: dict[str, Any] = {"truncation": strategy, "max_length": max_length, "stride": stride}
    # The tokenizers of these families have no token with a blank, and split at blanks.
    found = tokenizer.encode_document(text, pair, stride_gives_way=True, **arguments)
    expected = tokenizer.encode_ragged(
        [text], None if pair is None else [pair], overflow=True, stride_gives_way=True, **arguments
    )
    assert found is not None
    windows = list(found)
    assert seen(windows) == seen(expected)
    assert windows[-1].untruncated_length == expected[0].untruncated_length


def test_a_document_is_split_in_many_pieces(tokenizers: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 60)
    monkeypatch.setattr(pieces, "LEAD", 8)
    document = " ".join(CORPUS * 3)
    bounds = list(pieces._bounds(document))
    assert len(bounds) > len(document) / 100
    assert [start for _, start, _ in bounds[1:]] == [stop for _, _, stop in bounds[:-1]]
    assert all(lead < start for lead, start, _ in bounds[1:])
    backend = tokenizers["bert"]._backend
    assert len(list(pieces._tokens_of(document, backend, 0))) == len(bounds)


@pytest.mark.parametrize(
    ("text", "pair", "arguments"),
    [
        ("short", None, {"truncation": True}),
        ("a b " * 50, "a b " * 50, {"truncation": True}),
        ("a b " * 50, None, {"truncation": False}),
        ("a b " * 50, "a b " * 50, {"truncation": "only_first"}),
    ],
)
def test_the_rest_is_split_at_once(
    tokenizers: dict[str, Any], monkeypatch: pytest.MonkeyPatch, text: str, pair: str | None, arguments: dict[str, Any]
) -> None:
    monkeypatch.setattr(pieces, "PIECE", 60)
    assert tokenizers["bert"].encode_document(text, pair, max_length=20, **arguments) is None


def test_rules_that_reach_across_blanks_need_the_whole(
    tokenizers: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pieces, "PIECE", 60)
    tokenizers["bert"].save_pretrained(tmp_path)
    changed = AutoTokenizer.from_pretrained(str(tmp_path))
    assert changed.encode_document("a b " * 50, truncation=True, max_length=20) is not None
    changed.truncation_side = "left"
    assert changed.encode_document("a b " * 50, truncation=True, max_length=20) is None
    changed.truncation_side = "right"
    changed.add_tokens(["New York"])
    assert changed.encode_document("a b " * 50, truncation=True, max_length=20) is None


def test_impossible_lengths_are_refused(tokenizers: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 60)
    with pytest.raises(InputError, match="stride=19 is not smaller than the window"):
        tokenizers["bert"].encode_document("a b " * 50, truncation=True, max_length=20, stride=19, number=7)
    with pytest.raises(InputError, match="surrogate"):
        list(tokenizers["bert"].encode_document("a b \ud800 " * 50, truncation=True, max_length=20))


def test_memory_does_not_grow_with_the_document(tokenizers: dict[str, Any]) -> None:
    def peak(words: int) -> int:
        document = " ".join(["was", "good"] * (words // 2))
        tracemalloc.start()
        for _ in tokenizers["bert"].encode_document(document, truncation=True, max_length=40):
            pass
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(20_000)
    assert peak(160_000) < 1.1 * peak(20_000)
