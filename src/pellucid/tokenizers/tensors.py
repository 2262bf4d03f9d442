"""Rows of numbers to arrays, and what is said of those that are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.errors import InputError, RaggedBatchError
from pellucid.tensors import Kind


def to_array(key: str, value: Any, kind: Kind) -> Any:
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
        array = kind.make(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _not_numbers(key, kind) from error
    if getattr(array.dtype, "kind", "i") in "OUS":
        raise _not_numbers(key, kind)
    return array


def _row_lengths(value: Any) -> list[int]:
    if not isinstance(value, (list, tuple)):
        return []
    return [len(row) for row in value if isinstance(row, Sequence) or hasattr(row, "shape")]


def _not_numbers(key: str, kind: Kind) -> InputError:
    return InputError(
        "Unable to create tensor, you should probably activate truncation and/or padding with 'padding=True' "
        f"'truncation=True' to have batched tensors with the same length. Perhaps your features (`{key}` in this case) "
        f"have excessive nesting (inputs type `list` where type `int` is expected), or hold what no array of "
        f"{kind.library}'s numbers can hold.",
        key=key,
    )
