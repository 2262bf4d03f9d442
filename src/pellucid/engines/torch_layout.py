"""How tokens lie in PyTorch's tensors: in a packed row, or in a rectangle whose every cell is computed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import torch

from pellucid.packing import Packed

Array: TypeAlias = Any
"""A `torch.Tensor`."""

Group: TypeAlias = tuple[slice, int, int, Array | None]
"""Rows, how many sequences they are, how long each is, and which of their tokens count (`[B, L]`; None for all)."""


class PackedLayout:
    """The layout of a packed batch on a device; its index arrays are made when an operation needs them.

    Args:
        packed: the batch.
        device: where the tensors lie.
    """

    def __init__(self, packed: Packed, device: torch.device) -> None:
        self._packed = packed
        self._device = device

    @cached_property
    def row_of_cell(self) -> Array:
        """Int `[B, L]`, the packed row of each cell."""
        return on_device(self._packed.layout.row_of_cell, self._device)

    @cached_property
    def cell_of_row(self) -> Array:
        """Int `[T]`, the cell of each packed row."""
        return on_device(self._packed.layout.cell_of_row, self._device)

    @cached_property
    def is_token(self) -> Array:
        """Bool `[B, L]`, false where a cell is padding."""
        return torch.from_numpy(self._packed.layout.is_token).to(self._device)

    @cached_property
    def first_rows(self) -> Array:
        """Int `[B]`, the row of each sequence's first token."""
        return on_device(self._packed.starts, self._device)

    @cached_property
    def edges(self) -> Array:
        """Int32 `[B + 1]`, where each sequence begins, and where the last one ends."""
        edges = np.append(self._packed.starts, len(self._packed.ids)).astype(np.int32)
        return torch.from_numpy(edges).to(self._device)

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence, L."""
        return int(self._packed.lengths.max())

    def groups(self) -> Iterator[Group]:
        """Runs of sequences of one length; a batch that is sorted by length has few."""
        lengths = self._packed.lengths
        edges = np.flatnonzero(np.diff(lengths)) + 1
        starts = [0, *edges.tolist()]
        stops = [*edges.tolist(), len(lengths)]
        row = 0
        for start, stop in zip(starts, stops, strict=True):
            count, length = stop - start, int(lengths[start])
            yield slice(row, row + count * length), count, length, None
            row += count * length


class RectangleLayout:
    """A rectangle as a packed batch whose rows are all its cells; made of tensors alone, so that it can be traced.

    Args:
        is_token: bool `[B, L]`, false where a cell is padding.
    """

    def __init__(self, is_token: Array) -> None:
        self.is_token = is_token
        batch, length = is_token.shape
        self.cell_of_row = torch.arange(batch * length, device=is_token.device)
        self.row_of_cell = self.cell_of_row.view(batch, length)
        self.first_rows = self.row_of_cell[:, 0] + is_token.int().argmax(dim=1)

    def groups(self) -> Iterator[Group]:
        """The whole rectangle."""
        batch, length = self.is_token.shape
        yield slice(None), batch, length, self.is_token


def on_device(index: Any, device: torch.device) -> Array:
    """Index arrays as the whole numbers that PyTorch's own operations take."""
    return torch.from_numpy(np.ascontiguousarray(index)).to(device, torch.int64)
