"""Between the caller's rectangles and the packed batch: what a model takes, checked, and what it gives back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.engines.program import PER_TOKEN, Result
from pellucid.errors import InputError, InputTypeError, RaggedBatchError
from pellucid.packing import Packed, pack_rectangle

Rectangle = npt.NDArray[Any]


def packed_inputs(
    input_ids: Any, attention_mask: Any, token_type_ids: Any, position_ids: Any, *, padding_id: int | None = None
) -> tuple[Packed, npt.NDArray[np.bool_]]:
    """The caller's rectangles as one packed batch, and which of their cells are its tokens, bool `[B, L]`.

    Args:
        input_ids: see `rectangle`, as for the others.
        attention_mask: see `mask_of`.
        token_type_ids: 0 where left out.
        position_ids: the columns where left out.
        padding_id: for checkpoints that count positions from it; see `packing.positions_by_ids`.

    Raises:
        InputError: see `rectangle` and `mask_of`; or a row without tokens.
    """
    ids = rectangle("input_ids", input_ids)
    is_token = mask_of(attention_mask, ids.shape)
    types = None if token_type_ids is None else rectangle("token_type_ids", token_type_ids, ids.shape)
    positions = None if position_ids is None else positions_of(position_ids, ids.shape)
    return pack_rectangle(ids, is_token, types, positions, padding_id), is_token


def unpacked_outputs(result: Result, is_token: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """The outputs and taps of a run, put back into the caller's rectangles."""
    values: dict[str, Any] = {
        name: unpack(value, is_token) if result.rows[name] in PER_TOKEN else value
        for name, value in result.outputs.items()
    }
    put_back = {"hidden_states": unpack, "attentions": unpack_attentions}
    for name, layers in result.taps.items():
        values[name] = tuple(put_back[name](layer, is_token) for layer in layers)
    return values


def rectangle(name: str, value: Any, shape: tuple[int, ...] | None = None) -> Rectangle:
    """An argument as whole numbers `[B, L]`; one row is a batch of one.

    Args:
        name: the argument, for messages.
        value: an array, or nested lists.
        shape: that it must have; the shape of `input_ids`.

    Raises:
        RaggedBatchError: lists of unequal length.
        InputTypeError: not whole numbers.
        InputError: not one or two axes, or another shape than `input_ids`.
    """
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        lengths = [len(row) if isinstance(row, list | tuple) else 0 for row in value]
        if len(set(lengths)) > 1:
            raise RaggedBatchError(
                f"The rows of `{name}` have {_few(lengths)} values; an array needs rows of one length. "
                "Pass `padding=True` to the tokenizer, and its `attention_mask` to the model.",
                lengths=lengths,
            )
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and not (name == "attention_mask" and array.dtype.kind in "bf"):
        raise InputTypeError(
            f"`{name}` holds {array.dtype} and must hold whole numbers. "
            "Pass what the tokenizer gives, with `return_tensors='np'`.",
            name=name,
        )
    if array.ndim == 1:
        array = array[None, :]
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(
            f"`{name}` has the shape {array.shape}; it must have two axes, [batch, length], and at least one token.",
            name=name,
        )
    if shape is not None and array.shape != shape:
        raise InputError(
            f"`{name}` has the shape {array.shape}, and `input_ids` has {shape}; they must be the same.",
            name=name,
        )
    return array


def mask_of(value: Any, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which cells are tokens, bool `[B, L]`.

    Args:
        value: an attention mask of zeros and ones; None means that every cell counts, padding too.
        shape: of `input_ids`.

    Raises:
        InputError: other values than 0 and 1, or another shape than `input_ids`.
    """
    if value is None:
        return np.ones(shape, np.bool_)
    array = rectangle("attention_mask", value, shape)
    is_token = array.astype(np.bool_)
    if not (array == is_token).all():
        raise InputError(
            f"`attention_mask` holds the values {_few(sorted(set(array.ravel().tolist())))}; it must hold 1 for "
            "tokens and 0 for padding.",
            name="attention_mask",
        )
    return is_token


def positions_of(value: Any, shape: tuple[int, ...]) -> Rectangle:
    """Positions `[B, L]`; one row may stand for all, as in `transformers`."""
    array = rectangle("position_ids", value)
    if array.shape[0] == 1:
        array = np.broadcast_to(array, (shape[0], array.shape[1]))
    return rectangle("position_ids", array, shape)


def unpack(values: npt.NDArray[Any], is_token: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Put packed rows back into the caller's rectangle: `[T, H] → [B, L, H]`, zeros where there is padding."""
    cells = np.zeros((*is_token.shape, *values.shape[1:]), values.dtype)
    cells[is_token] = values
    return cells


def unpack_attentions(values: npt.NDArray[Any], is_token: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Move attentions from the tokens' own places to the caller's columns: `[B, A, l, l] → [B, A, L, L]`."""
    batch, length = is_token.shape
    if values.shape[-1] == length and is_token.all():
        return values
    cells = np.zeros((batch, values.shape[1], length, length), values.dtype)
    for row in range(batch):
        columns = np.flatnonzero(is_token[row])
        count = len(columns)
        cells[row][:, columns[:, None], columns] = values[row][:, :count, :count]
    return cells


def _few(values: list[Any]) -> str:
    shown = ", ".join(str(value) for value in values[:8])
    return shown + (" …" if len(values) > 8 else "")
