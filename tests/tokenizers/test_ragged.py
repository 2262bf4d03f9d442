from __future__ import annotations

from typing import Any

import pytest

from pellucid.errors import InputError, InputTypeError

TEXTS = ["hello", "a b c d ae !", ""]


def test_rows_come_without_padding(tiny: Any) -> None:
    rows = tiny.encode_ragged(TEXTS)
    assert rows.ids == tiny(TEXTS).input_ids
    assert rows.type_ids == tiny(TEXTS).token_type_ids
    assert rows.lengths == rows.token_counts == [3, 9, 2]
    assert rows.truncated == [False, False, False]
    assert rows.samples == [0, 1, 2]
    assert len(rows) == 3
    assert repr(rows) == "RaggedEncodings(3 rows, 14 tokens)"


def test_a_cut_text_tells_how_long_it_was(tiny: Any) -> None:
    rows = tiny.encode_ragged(TEXTS, truncation=True, max_length=5)
    assert rows.ids == tiny(TEXTS, truncation=True, max_length=5).input_ids
    assert rows.token_counts == [3, 9, 2]
    assert rows.truncated == [False, True, False]


def test_windows_name_their_text(tiny: Any) -> None:
    rows = tiny.encode_ragged(TEXTS, truncation=True, max_length=5, stride=1, overflow=True)
    assert rows.samples == [0, 1, 1, 1, 2]
    assert rows.token_counts == [3, 9, 2]
    reference = tiny(TEXTS, truncation=True, max_length=5, stride=1, return_overflowing_tokens=True)
    assert rows.ids == reference.input_ids
    assert rows[2].offsets == reference[2].offsets
    assert [row.tokens for row in rows[1:3]] == [reference.tokens(1), reference.tokens(2)]


def test_pairs_and_words(tiny: Any) -> None:
    rows = tiny.encode_ragged(["a", "b"], ["c", "hello d"], truncation="only_second", max_length=5)
    assert rows.type_ids == [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1]]
    assert rows.truncated == [False, True]
    split = tiny.encode_ragged([["ae", "b"]], is_split_into_words=True, add_special_tokens=False)
    assert split[0].word_ids == [0, 0, 1]


def test_truncation_is_off_unless_asked_for_even_with_a_length(tiny: Any) -> None:
    assert tiny.encode_ragged(TEXTS, max_length=5).lengths == [3, 9, 2]
    assert tiny.encode_ragged(TEXTS, truncation=None, max_length=5).lengths == [3, 9, 2]


def test_nothing_at_all_is_no_rows(tiny: Any) -> None:
    rows = tiny.encode_ragged([], truncation=True, max_length=5)
    assert (rows.ids, rows.token_counts, list(rows)) == ([], [], [])


def test_bad_input_is_refused(tiny: Any) -> None:
    with pytest.raises(InputTypeError, match="Item 1 is None"):
        tiny.encode_ragged(["a", None])
    with pytest.raises(InputTypeError, match="one string where a list of texts"):
        tiny.encode_ragged("hello")
    with pytest.raises(InputError, match="batch length"):
        tiny.encode_ragged(["a"], ["b", "c"])
