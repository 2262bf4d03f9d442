from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.errors import InputError, InputTypeError
from pellucid.tokenizers import DistilBertTokenizerFast

ROWS = [{"input_ids": [2, 5, 3]}, {"input_ids": [2, 5, 6, 7, 3]}]


def test_rows_that_were_encoded_one_by_one_become_a_batch(tiny: Any) -> None:
    batch = tiny.pad([tiny("a"), tiny("a b c")], return_tensors="np")
    assert batch.input_ids.tolist() == [[2, 5, 3, 0, 0], [2, 5, 6, 7, 3]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch.token_type_ids.tolist() == [[0] * 5, [0] * 5]


def test_all_forms_of_rows_are_taken(tiny: Any) -> None:
    expected = {"input_ids": [[2, 5, 3, 0, 0], [2, 5, 6, 7, 3]], "attention_mask": [[1, 1, 1, 0, 0], [1] * 5]}
    assert tiny.pad(ROWS).data == expected
    assert tiny.pad({"input_ids": [row["input_ids"] for row in ROWS]}).data == expected
    arrays = tiny.pad([{"input_ids": np.array(row["input_ids"])} for row in ROWS])
    assert isinstance(arrays.input_ids, np.ndarray)
    assert arrays.input_ids.tolist() == expected["input_ids"]
    single = tiny.pad({"input_ids": [2, 5, 3]}, padding="max_length", max_length=4, padding_side="left")
    assert single.data == {"input_ids": [0, 2, 5, 3], "attention_mask": [0, 1, 1, 1]}


def test_what_is_given_stays_as_it_was(tiny: Any) -> None:
    rows = {"input_ids": [[2], [2, 3]]}
    tiny.pad(rows)
    assert rows == {"input_ids": [[2], [2, 3]]}


def test_other_columns_are_passed_on(tiny: Any) -> None:
    batch = tiny.pad([{**row, "label": index} for index, row in enumerate(ROWS)], pad_to_multiple_of=8)
    assert batch.label == [0, 1]
    assert {len(row) for row in batch.input_ids} == {8}


def test_empty_rows_are_a_batch_too(tiny_vocabulary: Any) -> None:
    tokenizer = DistilBertTokenizerFast(tiny_vocabulary)
    assert tokenizer.pad({"input_ids": []}).data == {"input_ids": [], "attention_mask": []}
    assert tokenizer.pad({"input_ids": [[], [2]]}).data == {"input_ids": [[0], [2]], "attention_mask": [[0], [1]]}
    assert tokenizer.pad(ROWS, padding=False, return_attention_mask=False).input_ids == [r["input_ids"] for r in ROWS]


def test_what_are_no_rows_is_refused(tiny: Any) -> None:
    with pytest.raises(InputError, match=r"includes input_ids, but you provided \['label'\]"):
        tiny.pad({"label": [1]})
    with pytest.raises(InputError, match="different batch size than others: input_ids has 2 rows"):
        tiny.pad({"input_ids": [[2], [2]], "labels": [1]})
    with pytest.raises(InputError, match="Item 1 has the keys"):
        tiny.pad([{"input_ids": [1]}, {"ids": [1]}])
    with pytest.raises(InputTypeError, match="got list"):
        tiny.pad([[1, 2], [3]])
    tiny.pad_token = None
    with pytest.raises(InputError, match="does not have a padding token"):
        tiny.pad(ROWS)


@pytest.mark.reference
@pytest.mark.parametrize("arguments", [{}, {"padding": "max_length", "max_length": 6}, {"pad_to_multiple_of": 4}])
@pytest.mark.parametrize("padding_side", ["left", "right"])
def test_padding_gives_what_the_reference_gives(
    uncased: Any, reference_uncased: Any, arguments: dict[str, Any], padding_side: str
) -> None:
    rows = [dict(uncased(text, return_special_tokens_mask=True)) for text in ("a", "hello world of", "")]
    for tensors in (None, "np"):
        mine, reference = (
            tokenizer.pad([dict(row) for row in rows], padding_side=padding_side, return_tensors=tensors, **arguments)
            for tokenizer in (uncased, reference_uncased)
        )
        assert list(mine) == list(reference)
        for key in mine:
            np.testing.assert_array_equal(mine[key], reference[key])
