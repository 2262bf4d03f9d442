"""Lists of numbers to arrays: one row of the table for each kind of array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pellucid.errors import InputError, RaggedBatchError


class ArrayKind(NamedTuple):
    """How one library's arrays are made and recognised."""

    name: str
    convert: Callable[[Any], Any]
    is_array: Callable[[Any], bool]


def _numpy() -> ArrayKind:
    import numpy as np

    def convert(value: Any) -> Any:
        array = np.asarray(value)
        return array.astype(np.int64) if array.size == 0 else array

    return ArrayKind("NumPy", convert, lambda value: isinstance(value, np.ndarray))


# `return_tensors` → how to make such arrays; the library is imported when it is asked for.
KINDS: dict[str, Callable[[], ArrayKind]] = {"np": _numpy}


def array_kind(name: Any) -> ArrayKind:
    """Find the kind of array that `return_tensors` names.

    Raises:
        InputError: there is no such kind; the message lists those there are.
    """
    word = getattr(name, "value", name)
    if word not in KINDS:
        known = ", ".join(repr(kind) for kind in KINDS)
        raise InputError(
            f"return_tensors={name!r} is not available. Give one of {known}, or leave it out to get lists.",
            argument="return_tensors",
            value=name,
        )
    return KINDS[word]()


def to_array(key: str, value: Any, kind: ArrayKind) -> Any:
    """Make an array of `value`, the rows of `key`.

    Raises:
        RaggedBatchError: rows of unequal length.
        InputError: something that is no number.
    """
    lengths = _row_lengths(value)
    if len(set(lengths)) > 1:
        shown = ", ".join(map(str, lengths[:8])) + (", …" if len(lengths) > 8 else "")
        raise RaggedBatchError(
            "Unable to create tensor, you should probably activate truncation and/or padding with 'padding=True' "
            f"'truncation=True' to have batched tensors with the same length. The rows of `{key}` have the lengths "
            f"{shown}.",
            key=key,
            lengths=lengths,
        )
    try:
        array = kind.convert(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _not_numbers(key, kind) from error
    if getattr(getattr(array, "dtype", None), "kind", "i") in "OUS":
        raise _not_numbers(key, kind)
    return array


def _row_lengths(value: Any) -> list[int]:
    if not isinstance(value, (list, tuple)):
        return []
    return [len(row) for row in value if isinstance(row, Sequence) or hasattr(row, "shape")]


def _not_numbers(key: str, kind: ArrayKind) -> InputError:
    return InputError(
        "Unable to create tensor, you should probably activate truncation and/or padding with 'padding=True' "
        f"'truncation=True' to have batched tensors with the same length. Perhaps your features (`{key}` in this case) "
        f"have excessive nesting (inputs type `list` where type `int` is expected), or hold what no {kind.name} array "
        "of numbers can hold.",
        key=key,
    )
