"""How tokens lie in PyTorch's tensors: in a packed row, or in a rectangle whose every cell is computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import torch

from pellucid.packing import Ints, Packed

Array: TypeAlias = Any
"""A `torch.Tensor`."""

KERNEL_COST = 3000
"""What one more call of a kernel costs, forward and backward, in cells of `[L, L]`; measured with 12 heads of 32."""

MOST_JOINED = 32
"""How many lengths one rectangle may join, so that looking for the best rectangles takes no time."""


@dataclass(frozen=True)
class Group:
    """Neighbouring sequences that attend in one rectangle.

    Attributes:
        rows: their rows.
        count: how many sequences they are, B.
        length: tokens of the longest, L.
        is_token: bool `[B, L]`, false where a cell is padding; None where none is.
        cells: int `[T]`, the cell of each row; None where each row is a cell.
    """

    rows: slice
    count: int
    length: int
    is_token: Array | None = None
    cells: Array | None = None

    def rectangle(self, x: Array) -> Array:
        """The group's rows in their cells: `[T, H] → [B * L, H]`."""
        own = x[self.rows]
        if self.cells is None:
            return own
        return own.new_zeros((self.count * self.length, own.shape[-1])).index_copy(0, self.cells, own)

    def packed(self, cells: Array) -> Array:
        """The cells that are rows: `[B * L, H] → [T, H]`."""
        return cells if self.cells is None else cells.index_select(0, self.cells)


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

    @cached_property
    def _groups(self) -> list[Group]:
        lengths = self._packed.lengths
        edges = np.append(self._packed.starts, len(self._packed.ids)).tolist()
        groups = []
        for start, stop in rectangles(lengths, self._kernel_cost()):
            rows, length = slice(edges[start], edges[stop]), int(lengths[start:stop].max())
            is_token = np.arange(length) < lengths[start:stop, None]
            if is_token.all():
                groups.append(Group(rows, stop - start, length))
            else:
                cells = on_device(np.flatnonzero(is_token), self._device)
                mask = torch.from_numpy(is_token).to(self._device)
                groups.append(Group(rows, stop - start, length, mask, cells))
        return groups

    def _kernel_cost(self) -> int:
        # On a CPU a forward pass alone is fastest without masks, however many calls it makes (decision 18).
        return 0 if self._device.type == "cpu" and not torch.is_grad_enabled() else KERNEL_COST

    def groups(self) -> Iterable[Group]:
        """Runs of sequences of near-equal lengths; a batch that is sorted by length has few."""
        return self._groups


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

    def groups(self) -> Iterable[Group]:
        """The whole rectangle."""
        batch, length = self.is_token.shape
        yield Group(slice(None), batch, length, self.is_token)


def rectangles(lengths: Ints, kernel_cost: int) -> list[tuple[int, int]]:
    """Where to cut a batch into rectangles, so that padding and calls together cost least.

    Each run of equal lengths may be a rectangle of its own, or join its neighbours under a mask.

    Args:
        lengths: int `[B]`, tokens per sequence; few rectangles come of it where they are sorted.
        kernel_cost: of one more call, in cells.

    Returns:
        The first sequence of each rectangle, and the one behind its last.
    """
    edges = [0, *(np.flatnonzero(np.diff(lengths)) + 1).tolist(), len(lengths)]
    runs = [int(lengths[edge]) for edge in edges[:-1]]
    # The cheapest cutting of the first n runs, for each n (dynamic programming).
    costs, cuts = [0.0], [0]
    for stop in range(1, len(edges)):
        best, cut, longest = float("inf"), 0, 0
        for start in range(stop - 1, max(-1, stop - 1 - MOST_JOINED), -1):
            longest = max(longest, runs[start])
            calls = 1 if start == stop - 1 else 2  # a mask, and the ways into the rectangle and back, cost too
            cost = costs[start] + (edges[stop] - edges[start]) * longest**2 + calls * kernel_cost
            if cost < best:
                best, cut = cost, start
        costs.append(best)
        cuts.append(cut)
    found, stop = [], len(edges) - 1
    while stop:
        found.append((edges[cuts[stop]], edges[stop]))
        stop = cuts[stop]
    return found[::-1]


def on_device(index: Any, device: torch.device) -> Array:
    """Index arrays as the whole numbers that PyTorch's own operations take."""
    return torch.from_numpy(np.ascontiguousarray(index)).to(device, torch.int64)
