"""Between PyTorch's packed rows, the caller's rectangles, and NumPy's arrays."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from pellucid.checkpoints.stored import StoredTensor
from pellucid.engines.torch import host

Array: TypeAlias = Any
"""A `torch.Tensor`."""


def stored(name: str, parameter: Array) -> StoredTensor:
    """A parameter as it is saved, under its canonical name."""
    tensor = parameter.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        return StoredTensor.from_array(name, tensor.view(torch.int16).numpy().view(np.uint16), dtype="bfloat16")
    return StoredTensor.from_array(name, tensor.numpy())


def host_arrays(value: Any) -> Any:
    """Tensors as NumPy's, which has no bfloat16: half precision becomes float32."""
    if isinstance(value, tuple):
        return tuple(host_arrays(one) for one in value)
    return host(value)


def positions_in(ids: Array, padding_id: int | None) -> Array:
    """The position of each cell of a rectangle `[B, L]`: its column, or counted as `packing.positions_by_ids` does."""
    if padding_id is None:
        return torch.arange(ids.shape[1], device=ids.device)
    is_token = (ids != padding_id).long()
    return is_token.cumsum(dim=1) * is_token + padding_id


def in_cells(rows: Array, cell_of: Array, shape: tuple[int, ...]) -> Array:
    """Rows in the cells of a rectangle, zeros in the others: `[T, H] → [B, L, H]`."""
    batch, length = shape
    cells = rows.new_zeros((batch * length, *rows.shape[1:]))
    return cells.index_copy(0, cell_of, rows).view(batch, length, *rows.shape[1:])


def attentions_in_columns(
    parts: tuple[Array, ...], batches: list[npt.NDArray[Any]], columns: list[npt.NDArray[Any]], shape: tuple[int, ...]
) -> Array:
    """Probabilities in the caller's columns, zeros at padding: one layer's `[b, A, l, l]` → `[B, A, L, L]`."""
    batch, length = shape
    whole = parts[0].new_zeros((batch, parts[0].shape[1], length, length))
    for part, rows in zip(parts, batches, strict=True):
        for one, row in zip(part, rows.tolist(), strict=True):
            place = torch.from_numpy(columns[row]).to(whole.device)
            count = len(place)
            whole[row][:, place[:, None], place] = one[:, :count, :count]
    return whole
