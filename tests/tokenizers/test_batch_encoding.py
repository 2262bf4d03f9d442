from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from pellucid.errors import InputError, RaggedBatchError, UnknownKeyError
from pellucid.tokenizers import BatchEncoding


@pytest.fixture
def pair(tiny: Any) -> Any:
    return tiny(["hello, ae b", "a"], ["world!", "b c"], padding=True, return_offsets_mapping=True)


def test_rows_are_read_by_key_by_attribute_and_as_a_dictionary(pair: Any) -> None:
    assert pair["input_ids"] is pair.input_ids is pair.data["input_ids"]
    assert list(pair) == list(pair.keys()) == ["input_ids", "token_type_ids", "attention_mask", "offset_mapping"]
    assert "input_ids" in pair
    assert pair.get("labels") is None
    assert len(pair) == 4
    assert dict(**pair)["input_ids"] == pair.input_ids
    assert repr(pair) == str(pair) == repr(pair.data)


def test_an_index_gives_the_encoding_of_a_row(pair: Any) -> None:
    assert pair[0].tokens == ["[CLS]", "hello", ",", "a", "##e", "b", "[SEP]", "world", "!", "[SEP]"]
    assert pair[1].tokens == ["[CLS]", "a", "[SEP]", "b", "c", "[SEP]", "[PAD]", "[PAD]", "[PAD]", "[PAD]"]
    assert pair[-1].ids == pair.input_ids[1]
    assert [row.ids for row in pair[0:2]] == pair.input_ids
    assert repr(pair[0]).startswith("Encoding(num_tokens=10, attributes=[ids, type_ids, tokens, offsets")


def test_every_token_is_traced_to_its_text_word_and_characters(pair: Any) -> None:
    assert pair.is_fast
    assert pair.n_sequences == 2
    assert pair.sequence_ids() == [None, 0, 0, 0, 0, 0, None, 1, 1, None]
    assert pair.word_ids() == pair.words() == [None, 0, 1, 2, 2, 3, None, 0, 1, None]
    assert pair.token_to_sequence(7) == pair.token_to_sequence(0, 7) == 1
    assert pair.token_to_word(4) == pair.token_to_word(-6) == 2
    assert pair.token_to_chars(4) == (8, 9)
    assert pair.token_to_chars(0) is None
    assert pair.word_to_tokens(2) == pair.word_to_tokens(0, 2) == (3, 5)
    assert pair.word_to_tokens(0, 0, sequence_index=1) == (7, 8)
    assert pair.word_to_tokens(9) is None
    assert pair.word_to_chars(2).start == 7
    assert pair.word_to_chars(2).end == 9
    assert pair.char_to_token(0, 8) == 4
    assert pair.char_to_token(6) is None
    assert pair.char_to_token(5, sequence_index=1) == 8
    assert pair.char_to_word(8) == 2
    assert pair.char_to_word(0, 1, sequence_index=1) == 0


def test_unknown_keys_say_which_there_are(pair: Any) -> None:
    with pytest.raises(UnknownKeyError, match=r"'labels'.*input_ids, token_type_ids"):
        pair["labels"]
    with pytest.raises(KeyError, match="No row 7: the batch has 2"):
        pair[7]
    with pytest.raises(KeyError, match=r"Invalid key. Only three types of key are available"):
        pair[1.5]
    with pytest.raises(AttributeError, match="'labels'; its rows are: input_ids"):
        _ = pair.labels


def test_rows_without_encodings_know_no_text() -> None:
    rows = BatchEncoding({"input_ids": [[1, 2], [3, 4]]})
    assert not rows.is_fast
    assert rows.n_sequences is None
    assert rows[0:1] == {"input_ids": [[1, 2]]}
    with pytest.raises(KeyError, match="Invalid key"):
        rows[0]
    for method in ("tokens", "word_ids", "sequence_ids"):
        with pytest.raises(ValueError, match=rf"{method}\(\) is not available when using non-fast tokenizers"):
            getattr(rows, method)()
    for method in ("token_to_word", "char_to_token", "word_to_chars"):
        with pytest.raises(ValueError, match=rf"{method}\(\) is not available when using Python based tokenizers"):
            getattr(rows, method)(0)


def test_rows_become_arrays_of_int64(pair: Any) -> None:
    arrays = pair.convert_to_tensors("np")
    assert arrays is pair
    assert pair.input_ids.shape == (2, 10)
    assert pair.input_ids.dtype == np.int64
    assert pair.offset_mapping.shape == (2, 10, 2)
    single = BatchEncoding({"input_ids": [1, 2]}, tensor_type="np", prepend_batch_axis=True)
    assert single.input_ids.shape == (1, 2)


def test_ragged_rows_are_refused_with_their_lengths_and_stay_as_they_are(tiny: Any) -> None:
    rows = tiny(["a", "a b c"])
    with pytest.raises(RaggedBatchError, match=r"padding=True.*`input_ids` have the lengths 3, 5") as caught:
        rows.convert_to_tensors("np")
    assert isinstance(caught.value, ValueError)
    assert caught.value.lengths == [3, 5]
    assert rows.input_ids == [[2, 5, 3], [2, 5, 6, 7, 3]]


def test_an_unknown_kind_of_arrays_lists_those_there_are(tiny: Any) -> None:
    with pytest.raises(InputError, match=r"return_tensors='jax' is not available. Give one of 'np'"):
        tiny("a", return_tensors="jax")


def test_rows_move_to_the_cpu_and_nowhere_else(tiny: Any) -> None:
    rows = tiny("a", return_tensors="np")
    assert rows.to("cpu") is rows
    with pytest.raises(InputError, match="ndarray and cannot be moved to 'cuda:0'"):
        rows.to("cuda:0")


def test_movable_rows_move(tiny: Any) -> None:
    class Movable:
        place = "cpu"

        def to(self, device: str, non_blocking: bool) -> Movable:
            moved = Movable()
            moved.place = device
            return moved

    rows = BatchEncoding({"input_ids": Movable(), "names": ["a"]})
    assert rows.to("cuda").input_ids.place == "cuda"
    assert rows.names == ["a"]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_know_the_text_too(tiny: Any, copied: Any) -> None:
    rows = tiny(["a b hello", "c"], truncation=True, max_length=4, return_overflowing_tokens=True, padding=True)
    twin = copied(rows)
    assert twin.data == rows.data
    assert twin.n_sequences == 1
    assert [twin.tokens(row) for row in range(3)] == [rows.tokens(row) for row in range(3)]
    assert twin[0].overflowing[0].tokens == rows[0].overflowing[0].tokens


def test_ids_are_plain_ints(tiny: Any) -> None:
    rows = tiny("a b", padding="max_length", max_length=8, return_special_tokens_mask=True, return_length=True)
    assert {type(value) for row in rows.values() for value in row} == {int}
