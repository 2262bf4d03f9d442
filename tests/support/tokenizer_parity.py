"""Calls as wild as they may be, and whether a tokenizer answers them as that of `transformers` does."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pellucid.errors import PellucidError
from pellucid.tokenizers import BatchEncoding

PIECES = [
    "hello", "world", "Transformers", "unaffable", "[SEP]", "[MASK]", "[CLS]", "[sep]", "<mask>", "<s>", "</s>",
    "don't", "naïve", "café", "İ",
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


def compare_encodings(mine: BatchEncoding, reference: Any, *, types: bool = True) -> None:
    assert mine.n_sequences == reference.n_sequences
    assert mine.encodings is not None
    assert len(mine.encodings) == len(reference.encodings)
    for row, (ours, theirs) in enumerate(zip(mine.encodings, reference.encodings, strict=True)):
        names = ("ids", "tokens", "type_ids", "offsets", "attention_mask", "special_tokens_mask", "word_ids")
        for name in names if types else (name for name in names if name != "type_ids"):
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


TEXTS = ["Hello, WORLD! naïve café", "中文字 don't [MASK] unaffable", "a\u0301 ﬃ İstanbul <new> [unk]"]


def check_same_tokenizer(ours: Any, theirs: Any) -> None:
    assert type(ours).__name__ == type(theirs).__name__
    assert repr(ours) == repr(theirs)
    assert len(ours) == len(theirs)
    names = (
        "special_tokens_map all_special_tokens all_special_ids added_tokens_encoder model_max_length padding_side "
        "truncation_side model_input_names clean_up_tokenization_spaces pad_token_id mask_token_id unk_token_id "
        "vocab_size"
    )
    for name in names.split():
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.get_vocab() == theirs.get_vocab()
    for text in TEXTS:
        assert ours.tokenize(text) == theirs.tokenize(text)
        assert ours(text).data == theirs(text).data
        assert ours(text, "pair").data == theirs(text, "pair").data
        ids = ours(text)["input_ids"]
        for skip in (False, True):
            assert ours.decode(ids, skip_special_tokens=skip) == theirs.decode(ids, skip_special_tokens=skip)
    assert ours(TEXTS, padding=True).data == theirs(TEXTS, padding=True).data
    kept = {key: str(value) for key, value in ours.init_kwargs.items()}
    assert kept == {key: str(value) for key, value in theirs.init_kwargs.items() if key not in IGNORED}


# Paths, and marks of what the reference did to find the files.
IGNORED = {"vocab_file", "tokenizer_file", "special_tokens_map_file"}
