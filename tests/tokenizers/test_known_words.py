"""Words that were met before give the tokens that the Rust tokenizer gives to the whole text."""

from __future__ import annotations

import copy
import pickle
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from pellucid import AutoTokenizer, BertTokenizer, PreTrainedTokenizerFast
from pellucid.tokenizers import known_words
from pellucid.tokenizers.backend import Backend
from pellucid.tokenizers.known_words import KnownText
from support.family_tokenizers import write_family_tokenizer

BUILTIN = Path(known_words.__file__).parents[1] / "builtin"

PIECES = st.sampled_from(
    [
        "the", "The", "THE", "film", "'s", "'S", "'ll", "don't", "isn", "_", "a_b", "x" * 70, "0", "2026", "3.14", "!",
        "...", "#", "[", "]", "[MASK]", "[mask]", "[CLS]", "<", "<s>", "</s>", " ", "  ", "\t", "\n", "\r\n", "\x00",
        "\x0b", "\x7f", "\u00e9", "e\u0301", "\u2019", "\u65e5\u672c", "\U0001f600", "\u200d", "\u0130", "new1", "NEW1",
    ]
) | st.text(string.printable, max_size=6)  # fmt: skip
TEXTS = st.lists(st.lists(PIECES, max_size=12).map("".join) | st.lists(PIECES, max_size=12).map(" ".join), max_size=5)


def cased() -> Tokenizer:
    vocabulary = Tokenizer.from_file(str(BUILTIN / "tokenizer.json")).get_vocab(with_added_tokens=False)
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=20))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def paired() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(BUILTIN / "tokenizer.json"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] [CLS] $A:1 [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


@pytest.fixture(scope="module", params=["builtin", "cased", "template", "grown", "roberta", "modernbert", "spaces"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backend:
    if request.param in ("roberta", "modernbert", "spaces"):
        folder = tmp_path_factory.mktemp(request.param)
        write_family_tokenizer(folder, "modernbert" if request.param == "modernbert" else "roberta")
        made = AutoTokenizer.from_pretrained(folder)._backend
        return made.with_tokens(["  ", "   ", "new1"], False)[0] if request.param == "spaces" else made
    tokenizer = {"cased": cased, "template": paired}.get(
        request.param, lambda: Tokenizer.from_file(str(BUILTIN / "tokenizer.json"))
    )()
    if request.param == "grown":
        tokenizer.add_tokens([AddedToken("new1", normalized=True), AddedToken("#film", single_word=True)])
    return Backend(tokenizer)


@given(texts=TEXTS, special=st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_tokens_are_those_of_the_whole_text(backend: Backend, texts: list[str], special: bool) -> None:
    found = backend.encode_batch(texts, add_special_tokens=special)
    assert backend._words is not None
    for text, one in zip(texts, found, strict=True):
        whole = backend.tokenizer.encode(text, add_special_tokens=special)
        assert one.ids == whole.ids, text
        assert one.type_ids == whole.type_ids
        assert one.sequence_ids == whole.sequence_ids
        assert one.special_tokens_mask == whole.special_tokens_mask
        assert (one.tokens, one.offsets, one.word_ids) == (whole.tokens, whole.offsets, whole.word_ids)
        assert (len(one), one.n_sequences) == (len(whole), whole.n_sequences)


def test_plain_texts_are_looked_up_and_others_are_not(backend: Backend) -> None:
    plain, odd = "the film is good", ["caf\u00e9", "a\x00b", "x" * (known_words.LONGEST_TEXT + 1)]
    first, *others = backend.encode_batch([plain, *odd])
    assert isinstance(first, KnownText)
    assert not any(isinstance(one, KnownText) for one in others)
    assert not isinstance(backend.encode_batch([plain], offsets=True)[0], KnownText)


def test_a_word_is_split_once(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    backend.encode_batch(["some words that come again"])
    words = backend._words
    assert words is not None

    def split(word: str) -> Any:
        raise AssertionError(word)

    monkeypatch.setattr(words._ids_of.__self__, "_split", split)
    assert backend.encode_batch(["some words that come again"])[0].ids


def test_the_table_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_words, "MOST_WORDS", 10)
    backend = Backend(Tokenizer.from_file(str(BUILTIN / "tokenizer.json")))
    texts = [f"word{number} good" for number in range(50)]
    assert [one.ids for one in backend.encode_batch(texts)] == [backend.tokenizer.encode(text).ids for text in texts]
    backend.encode_batch(["x" * (known_words.LONGEST_WORD + 1)])
    table = backend._words._ids_of.__self__  # type: ignore[union-attr]
    assert 0 < len(table) <= 10
    assert max(map(len, table)) <= known_words.LONGEST_WORD


def test_a_tokenizer_that_was_handed_out_may_be_changed() -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(BUILTIN / "tokenizer.json"))
    assert tokenizer("Good FILM")["input_ids"] == tokenizer("good film")["input_ids"]
    tokenizer.backend_tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    assert tokenizer("Good FILM")["input_ids"] != tokenizer("good film")["input_ids"]


def test_added_tokens_are_found(tmp_path: Path) -> None:
    tokenizer = BertTokenizer.from_pretrained(BUILTIN)
    assert "zzyzx" not in tokenizer("a zzyzx film").tokens()
    before = tokenizer("a ZZYZX film")["input_ids"]
    tokenizer.add_tokens(["zzyzx"])
    number = tokenizer.convert_tokens_to_ids("zzyzx")
    assert tokenizer("a zzyzx film")["input_ids"] == [before[0], before[1], number, *before[-2:]]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: setattr(one, "pre_tokenizer", pre_tokenizers.ByteLevel(add_prefix_space=True)),
        lambda one: setattr(one, "pre_tokenizer", pre_tokenizers.WhitespaceSplit()),
        lambda one: setattr(one, "normalizer", normalizers.Replace("a", " ")),
        lambda one: one.add_tokens([AddedToken("caf\u00e9", normalized=True)]),
    ],
)
def test_what_is_not_sure_is_left_to_the_library(change: Any) -> None:
    tokenizer = Tokenizer.from_file(str(BUILTIN / "tokenizer.json"))
    change(tokenizer)
    backend = Backend(tokenizer)
    assert backend.encode_batch(["a cafe good"])[0].ids == tokenizer.encode("a cafe good").ids
    assert backend._words is None


def test_what_was_looked_up_can_be_sent_and_copied() -> None:
    tokenizer = AutoTokenizer.from_pretrained(BUILTIN)
    batch = tokenizer(["the film is good", "caf\u00e9"])
    for other in (pickle.loads(pickle.dumps(batch)), copy.deepcopy(batch)):
        assert other.data == batch.data
        assert other.tokens(0) == batch.tokens(0)
        assert other.word_ids(0) == batch.word_ids(0)
