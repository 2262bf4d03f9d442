from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.errors import IdsOutOfRangeError, InputTypeError


def test_rows_of_every_kind_are_decoded(tiny: Any) -> None:
    for row in ([11, 5, 9], (11, 5, 9), np.array([11, 5, 9]), [np.int64(11), np.int32(5), 9]):
        assert tiny.decode(row) == "hello ae"
    assert tiny.decode(11) == tiny.decode(np.int64(11)) == tiny.decode(np.array(11)) == "hello"
    assert tiny.decode([]) == ""
    assert tiny.batch_decode([[11], [12]]) == tiny.batch_decode(np.array([[11], [12]])) == ["hello", "world"]


def test_special_tokens_may_be_left_out(tiny: Any) -> None:
    ids = tiny("hello world!").input_ids
    assert tiny.decode(ids) == "[CLS] hello world! [SEP]"
    assert tiny.decode(ids, skip_special_tokens=True) == "hello world!"
    assert tiny.convert_ids_to_tokens(ids, skip_special_tokens=True) == ["hello", "world", "!"]


def test_blanks_are_cleaned_up_as_asked(tiny: Any) -> None:
    assert tiny.clean_up_tokenization("a . b ? do n't it 's we 've x 're i 'm a ' b , !") == (
        "a. b? don't it's we've x're i'm a'b,!"
    )
    assert tiny.decode([11, 13], clean_up_tokenization_spaces=False) == "hello!"


def test_tokens_and_ids_are_looked_up(tiny: Any) -> None:
    assert tiny.convert_tokens_to_ids("hello") == 11
    assert tiny.convert_tokens_to_ids(["hello", "zzz"]) == [11, 1]
    assert tiny.convert_ids_to_tokens(11) == "hello"
    assert tiny.convert_ids_to_tokens([11, 99]) == ["hello", None]
    assert tiny.convert_tokens_to_string(["a", "##e", "b"]) == "ae b"
    tiny.unk_token = None
    assert tiny.convert_tokens_to_ids(["zzz"]) == [None]


def test_ids_that_no_token_has_are_left_out(tiny: Any) -> None:
    assert tiny.decode([11, 10**6]) == "hello"


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        ([11, -1], IdsOutOfRangeError, "The id -1 at 1 is no id"),
        ([2**40], IdsOutOfRangeError, "is no id"),
        (-5, IdsOutOfRangeError, "The id -5 is no id"),
        ([1.5], InputTypeError, "got float at 0"),
        (np.array([1.0]), InputTypeError, "got float"),
        (["a"], InputTypeError, "got str at 0"),
        (None, InputTypeError, "got NoneType"),
        ([[1, 2], [3]], InputTypeError, "use batch_decode"),
    ],
)
def test_what_are_no_ids_is_refused(tiny: Any, bad: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        tiny.decode(bad)
    with pytest.raises(kind, match=message):
        tiny.convert_ids_to_tokens(bad)


def test_tokens_that_are_no_text_are_refused(tiny: Any) -> None:
    with pytest.raises(InputTypeError, match="A token is a string; got int"):
        tiny.convert_tokens_to_ids(["a", 3])
