"""Values written out, for where the reference is not installed, and everything that is refused."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from pellucid.errors import InputError, InputTypeError, TokenizerError
from pellucid.tokenizers import BertTokenizerFast, DistilBertTokenizer, PreTrainedTokenizerFast

LONG = "a b c d hello world"


def test_one_text_gives_rows_and_a_batch_gives_lists_of_rows(tiny: Any) -> None:
    assert tiny("hello ae!").data == {
        "input_ids": [2, 11, 5, 9, 13, 3],
        "token_type_ids": [0] * 6,
        "attention_mask": [1] * 6,
    }
    assert tiny(["hello"]).input_ids == [[2, 11, 3]]
    assert tiny("hello", return_tensors="np").input_ids.tolist() == [[2, 11, 3]]
    assert tiny("hello", return_length=True).length == [3]


def test_a_pair_has_two_types(tiny: Any) -> None:
    assert tiny("hello", "a b").token_type_ids == [0, 0, 0, 1, 1, 1]
    assert tiny([("hello", "a b")]).token_type_ids == [[0, 0, 0, 1, 1, 1]]
    assert tiny.batch_encode_plus([("hello", "a b")]).token_type_ids == [[0, 0, 0, 1, 1, 1]]
    assert tiny.encode("hello", "a b") == [2, 11, 3, 5, 6, 3]
    assert tiny.tokenize("hello", "ae", add_special_tokens=True) == ["[CLS]", "hello", "[SEP]", "a", "##e", "[SEP]"]


def test_words_that_are_split_already(tiny: Any) -> None:
    row = tiny(["hello", "ae!", "b"], is_split_into_words=True)
    assert row.word_ids() == [None, 0, 1, 1, 1, 2, None]
    batch = tiny([["a"], ["b", "c"]], is_split_into_words=True)
    assert batch.input_ids == [[2, 5, 3], [2, 6, 7, 3]]


def test_targets_become_labels(tiny: Any) -> None:
    assert tiny("a", text_target="b").labels == [2, 6, 3]
    assert tiny(text_target=["b"]).input_ids == [[2, 6, 3]]


def test_truncation_keeps_the_side_that_is_asked_for(tiny: Any) -> None:
    assert tiny.tokenize(LONG, truncation=True, max_length=3) == ["a", "b", "c"]
    tiny.truncation_side = "left"
    assert tiny(LONG, truncation=True, max_length=4).tokens() == ["[CLS]", "hello", "world", "[SEP]"]


def test_pairs_are_cut_as_their_strategy_says(tiny: Any) -> None:
    def tokens(strategy: str, length: int) -> list[str]:
        return tiny(LONG, "hello ! , b", truncation=strategy, max_length=length).tokens()

    assert tokens("longest_first", 9) == ["[CLS]", "a", "b", "c", "[SEP]", "hello", "!", ",", "[SEP]"]
    assert tokens("only_first", 9) == ["[CLS]", "a", "b", "[SEP]", "hello", "!", ",", "b", "[SEP]"]
    assert tokens("only_second", 10) == ["[CLS]", "a", "b", "c", "d", "hello", "world", "[SEP]", "hello", "[SEP]"]


def test_windows_share_the_stride_and_name_their_text(tiny: Any) -> None:
    rows = tiny(
        ["b", LONG], truncation=True, max_length=5, stride=1, return_overflowing_tokens=True, padding="max_length"
    )
    assert rows.overflow_to_sample_mapping == [0, 1, 1, 1]
    assert rows.tokens(2) == ["[CLS]", "c", "d", "hello", "[SEP]"]
    assert rows.tokens(3) == ["[CLS]", "hello", "world", "[SEP]", "[PAD]"]
    single = tiny(LONG, truncation=True, max_length=5, return_overflowing_tokens=True, return_offsets_mapping=True)
    assert single.overflow_to_sample_mapping == [0, 0]
    assert single.offset_mapping[1] == [(0, 0), (6, 7), (8, 13), (14, 19), (0, 0)]


def test_padding_in_all_its_forms(tiny: Any) -> None:
    texts = ["a", "a b c"]
    assert tiny(texts, padding=True).input_ids == [[2, 5, 3, 0, 0], [2, 5, 6, 7, 3]]
    assert tiny(texts, padding="longest", padding_side="left").input_ids[0] == [0, 0, 2, 5, 3]
    assert tiny(texts, padding="longest", padding_side="left").attention_mask[0] == [0, 0, 1, 1, 1]
    assert [len(row) for row in tiny(texts, padding="max_length", max_length=7).input_ids] == [7, 7]
    assert [len(row) for row in tiny(texts, padding=True, pad_to_multiple_of=4).input_ids] == [8, 8]
    assert [len(row) for row in tiny(texts, padding="do_not_pad").input_ids] == [3, 5]
    assert tiny(texts, padding=True, return_special_tokens_mask=True).special_tokens_mask[0] == [1, 0, 1, 1, 1]


def test_model_input_names_decide_the_rows(tiny_vocabulary: Any) -> None:
    tokenizer = DistilBertTokenizer(tiny_vocabulary)
    assert list(tokenizer("a")) == ["input_ids", "attention_mask"]
    assert list(tokenizer("a", return_token_type_ids=True, return_attention_mask=False)) == [
        "input_ids",
        "token_type_ids",
    ]


def test_an_empty_batch_has_empty_rows(tiny: Any) -> None:
    assert tiny([], padding=True).data == {"input_ids": [], "token_type_ids": [], "attention_mask": []}
    assert tiny("").input_ids == [2, 3]
    assert tiny(" \u200b\ufeff\u00a0").input_ids == [2, 3]


def test_special_tokens_in_the_text_may_be_split(uncased: Any) -> None:
    assert uncased.tokenize("[SEP]") == ["[SEP]"]
    assert uncased.tokenize("[SEP]", split_special_tokens=True) == ["[", "sep", "]"]
    assert uncased.tokenize("[SEP]") == ["[SEP]"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (["a", None], "Item 1 is None; expected a string, or a pair of strings. Drop or fill the missing values first"),
        (["a", float("nan")], r"Item 1 is float \(nan\); .* missing values"),
        ([b"a"], r"Item 0 is bytes .* value.decode"),
        (["a", "b", 3], r"Item 2 is int \(3\)"),
        ([("a", None)], "The second text of item 0 is None"),
        (7, "`text` is int"),
        (b"a", "`text` is bytes"),
        (np.array(["a"]), "value.tolist"),
        ({"a": 1}, "`text` is dict"),
    ],
)
def test_what_is_no_text_is_named_by_place_and_type(tiny: Any, bad: Any, message: str) -> None:
    with pytest.raises(InputTypeError, match=message):
        tiny(bad)


def test_words_that_are_no_text_are_named(tiny: Any) -> None:
    with pytest.raises(InputTypeError, match="Word 1 of item 0 is None"):
        tiny([["a", None]], is_split_into_words=True)
    with pytest.raises(InputTypeError, match="expected a list of words"):
        tiny("a b", is_split_into_words=True)


def test_a_lone_surrogate_is_named_by_place(tiny: Any) -> None:
    with pytest.raises(InputError, match=r"Item 1 has a lone surrogate \('\\ud800'\) at character 2") as caught:
        tiny(["a", "b \ud800"])
    assert (caught.value.index, caught.value.position) == (1, 2)
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_length": 1, "truncation": True}, r"max_length=1 leaves no room: the 2 special tokens"),
        ({"max_length": -1, "truncation": True}, "max_length=-1 is too small"),
        ({"max_length": "8", "truncation": True}, "max_length='8' is not a whole number"),
        ({"max_length": 5, "truncation": True, "stride": 3}, "stride=3 is not smaller than the window"),
        ({"max_length": 5, "truncation": True, "stride": -1}, "stride=-1 is too small"),
        ({"max_length": 5, "truncation": "only_second"}, "no second text"),
        ({"truncation": "longest"}, "truncation='longest' is not known.*'longest_first', 'only_first'"),
        ({"padding": "left"}, "padding='left' is not known.*'longest', 'max_length', 'do_not_pad'"),
        ({"padding": True, "padding_side": "top"}, "Padding side should be selected between 'right' and 'left'"),
        ({"padding": True, "pad_to_multiple_of": 0}, "pad_to_multiple_of=0 is too small"),
        (
            {"padding": True, "truncation": True, "max_length": 6, "pad_to_multiple_of": 4},
            r"truncation length \(6\) is not a multiple of pad_to_multiple_of \(4\)",
        ),
        ({"pad": True}, "unexpected keyword argument 'pad'. Known are: add_special_tokens, padding, truncation"),
    ],
)
def test_impossible_arguments_are_refused(tiny: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tiny(LONG, **arguments)


def test_pairs_must_fit_each_other(tiny: Any) -> None:
    with pytest.raises(InputError, match="batch length of `text`: 2 does not match batch length of `text_pair`: 1"):
        tiny(["a", "b"], ["c"])
    with pytest.raises(InputTypeError, match="`text_pair` must be a list or tuple"):
        tiny(["a", "b"], "c")
    with pytest.raises(InputError, match="You need to specify either `text` or `text_target`"):
        tiny()
    with pytest.raises(InputError, match="too short to respect the provided max_length"):
        tiny("a b", "c d a b c d", truncation="only_first", max_length=6)


def test_padding_needs_a_padding_token(tiny: Any) -> None:
    tiny.pad_token = None
    with pytest.raises(InputError, match="Asking to pad but the tokenizer does not have a padding token"):
        tiny(["a", "a b"], padding=True)


def test_too_long_texts_are_warned_of_once(tiny_vocabulary: Any, caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = BertTokenizerFast(tiny_vocabulary, model_max_length=4)
    with caplog.at_level(logging.WARNING, logger="pellucid.tokenizers"):
        tokenizer("a b", verbose=True)
        tokenizer(LONG, verbose=False)
        tokenizer(LONG, truncation=True)
        assert not caplog.records
        tokenizer(LONG)
        tokenizer(LONG)
    assert [record.getMessage() for record in caplog.records] == [
        "Token indices sequence length is longer than the specified maximum sequence length for this model (8 > 4). "
        "Running this sequence through the model will result in indexing errors"
    ]


def test_a_length_alone_truncates_and_says_so(tiny: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="pellucid.tokenizers"):
        assert len(tiny(LONG, max_length=4).input_ids) == 4
        assert len(tiny(LONG, truncation=True).input_ids) == 8
        assert len(tiny("a", padding="max_length").input_ids) == 3
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 3
    assert messages[0].startswith("Truncation was not explicitly activated but `max_length` is provided")
    assert messages[1].startswith("Asking to truncate to max_length but no maximum length is provided")
    assert messages[2].startswith("Asking to pad to max_length but no maximum length is provided")


def test_a_tokenizer_that_breaks_on_a_text_raises_a_tokenizer_error() -> None:
    from tokenizers import Tokenizer, models

    # A WordLevel model without its unknown token fails on any unknown word.
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="[UNK]")))
    assert tokenizer("a").input_ids == [0]
    with pytest.raises(TokenizerError, match="The tokenizer failed on a text"):
        tokenizer("zzz")


class PanicException(BaseException):  # the name under which PyO3 raises a Rust panic
    pass


def test_a_panic_of_the_rust_library_is_caught(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tiny._backend.tokenizer

    class Panicking:
        def __getattr__(self, name: str) -> Any:
            return getattr(whole, name)

        def encode_batch(self, *_: Any, **__: Any) -> Any:
            raise PanicException("index out of bounds")

        encode = encode_batch

    monkeypatch.setattr(tiny._backend, "tokenizer", Panicking())
    for texts in ("a", ["a", "b"]):
        with pytest.raises(TokenizerError, match="index out of bounds"):
            tiny(texts)
