"""Stage 3: ragged ids of many texts become one long row of real tokens, in micro-batches of near-equal lengths.

Axes, here and everywhere: T tokens of the micro-batch, B sequences, L tokens of its longest sequence, H hidden size.

A packed batch has no padding: the tokens of all its sequences lie one behind the other in arrays `[T]`, and `lengths`
`[B]` says where each ends. Some attention forms still need the rectangle `[B, L]`; `Layout` holds the index arrays that
lead from the row to the rectangle and back. They are computed here, on the host, so every engine uses the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.errors import InputError

Ints = npt.NDArray[np.int32]

MAX_TOKENS = 1024
"""Tokens per micro-batch when the caller names no budget; measured in benchmarks/throughput.py."""


@dataclass(frozen=True)
class Layout:
    """How the rows of a packed array lie in the rectangle `[B, L]`.

    In a graph engine the same fields hold the graph's inputs instead of NumPy arrays.

    Attributes:
        row_of_cell: int `[B, L]`, the packed row shown in each cell; cells of padding show row 0.
        cell_of_row: int `[T]`, the flat cell `b * L + l` of each packed row.
        is_token: bool `[B, L]`, false where a cell is padding.
        first_rows: int `[B]`, the packed row of each sequence's first token.
    """

    row_of_cell: Any
    cell_of_row: Any
    is_token: Any
    first_rows: Any


@dataclass(frozen=True)
class Inputs:
    """What an architecture sees of a batch: arrays of its engine, all packed.

    Attributes:
        ids: int `[T]`.
        positions: int `[T]`.
        types: int `[T]`.
        chosen: int `[N]`, the rows that a head of chosen tokens answers for.
        layout: which tokens belong to which sequence.
        wanted: int `[N]`, the only rows that the last layer need be computed for: `chosen`, or the layout's first rows;
            None for all.
    """

    ids: Any
    positions: Any
    types: Any
    chosen: Any
    layout: Layout
    wanted: Any = None


@dataclass(frozen=True)
class Packed:
    """The real tokens of B sequences, one behind the other.

    Attributes:
        ids: int32 `[T]`, token ids.
        positions: int32 `[T]`, the place of each token in its sequence, as the checkpoint counts it.
        types: int32 `[T]`, 0 for the first text of a pair and 1 for the second.
        lengths: int32 `[B]`, tokens per sequence, each at least 1.
        is_chosen: bool `[T]`, the tokens that a head of chosen tokens answers for, such as the masked ones; None for
            all.
    """

    ids: Ints
    positions: Ints
    types: Ints
    lengths: Ints
    is_chosen: npt.NDArray[np.bool_] | None = None

    @cached_property
    def starts(self) -> Ints:
        """The packed row of each sequence's first token, int32 `[B]`."""
        return (np.cumsum(self.lengths) - self.lengths).astype(np.int32)

    @cached_property
    def chosen(self) -> Ints:
        """The packed rows of the chosen tokens, int32 `[N]`."""
        if self.is_chosen is None:
            return np.arange(len(self.ids), dtype=np.int32)
        return np.flatnonzero(self.is_chosen).astype(np.int32)

    @cached_property
    def layout(self) -> Layout:
        """The index arrays between the packed row and the smallest rectangle."""
        return self.rectangle()

    def rectangle(self, multiple: int = 1) -> Layout:
        """The index arrays between the packed row and a rectangle.

        Args:
            multiple: of which the number of columns is one; those behind the longest sequence are padding.
        """
        longest = int(self.lengths.max(initial=0))
        columns = np.arange(longest + -longest % multiple, dtype=np.int32)
        if len(self.lengths) == 1 and len(columns) == longest:
            # The row is the rectangle.
            return Layout(columns[None], columns, np.ones((1, longest), np.bool_), self.starts)
        is_token = columns < self.lengths[:, None]
        row_of_cell = np.where(is_token, self.starts[:, None] + columns, 0).astype(np.int32)
        return Layout(
            row_of_cell=row_of_cell,
            cell_of_row=np.flatnonzero(is_token).astype(np.int32),
            is_token=is_token,
            first_rows=self.starts,
        )

    def rows_of(self, sequences: Ints) -> npt.NDArray[np.intp]:
        """The packed rows of the given sequences, in that order."""
        lengths = self.lengths[sequences]
        ends = np.cumsum(lengths)
        offsets = np.repeat(self.starts[sequences] - (ends - lengths), lengths)
        return np.arange(ends[-1] if len(ends) else 0, dtype=np.intp) + offsets

    def take(self, sequences: Ints) -> Packed:
        """A smaller packed batch of the given sequences, in that order."""
        rows = self.rows_of(sequences)
        is_chosen = None if self.is_chosen is None else self.is_chosen[rows]
        return Packed(self.ids[rows], self.positions[rows], self.types[rows], self.lengths[sequences], is_chosen)


def pack(
    ids: Sequence[Sequence[int]], types: Sequence[Sequence[int]] | None = None, padding_id: int | None = None
) -> Packed:
    """Lay ragged token ids one behind the other.

    Args:
        ids: the token ids of each sequence, special tokens included.
        types: the type of each token, with the lengths of `ids`; all 0 where left out.
        padding_id: for checkpoints that count positions from it; see `positions_by_ids`.

    Raises:
        InputError: a sequence has no token.
    """
    lengths = np.fromiter((len(row) for row in ids), np.int32, len(ids))
    if len(lengths) and not lengths.min():
        index = int(lengths.argmin())
        raise InputError(
            f"Sequence {index} has no token. A model needs at least one token for each sequence: "
            "leave `add_special_tokens` on, or drop empty texts.",
            index=index,
        )
    flat_ids = np.fromiter(chain.from_iterable(ids), np.int32, int(lengths.sum()))
    flat_types = (
        np.zeros_like(flat_ids) if types is None else np.fromiter(chain.from_iterable(types), np.int32, len(flat_ids))
    )
    starts = np.cumsum(lengths) - lengths
    if padding_id is None:
        positions = np.arange(len(flat_ids), dtype=np.int32) - np.repeat(starts, lengths).astype(np.int32)
    else:
        is_token = flat_ids != padding_id
        counted = np.cumsum(is_token, dtype=np.int32)
        before = np.repeat((counted - is_token)[starts], lengths)
        positions = np.where(is_token, counted - before, 0).astype(np.int32) + np.int32(padding_id)
    return Packed(flat_ids, positions, flat_types, lengths)


def positions_by_ids(ids: npt.NDArray[Any], padding_id: int) -> npt.NDArray[Any]:
    """Positions as RoBERTa counts them: from `padding_id + 1` over the tokens; padding stands at its own id.

    Args:
        ids: int `[B, L]`.
        padding_id: the id of the padding token, whatever the attention mask says of a cell.

    Returns:
        Int `[B, L]`.

    Source: fairseq's `make_positions`; `create_position_ids_from_input_ids` of `transformers`.
    """
    is_token = ids != padding_id
    return np.cumsum(is_token, axis=1) * is_token + padding_id


def pack_rectangle(
    ids: npt.NDArray[Any],
    mask: npt.NDArray[np.bool_],
    types: npt.NDArray[Any] | None = None,
    positions: npt.NDArray[Any] | None = None,
    padding_id: int | None = None,
) -> Packed:
    """Keep the cells of a rectangle that its mask calls tokens.

    Args:
        ids: token ids, int `[B, L]`.
        mask: bool `[B, L]`; tokens may stand anywhere in a row, to the right of padding or around holes.
        types: int `[B, L]`; all 0 where left out.
        positions: int `[B, L]`; the column of each cell where left out, so padding on the left moves the tokens'
            positions, as in `transformers`.
        padding_id: for checkpoints that count positions from it; see `positions_by_ids`.

    Raises:
        InputError: a row of the mask has no token.
    """
    lengths = mask.sum(axis=1, dtype=np.int32)
    if len(lengths) and not lengths.min():
        index = int(lengths.argmin())
        raise InputError(
            f"Row {index} of `attention_mask` has no token: all its values are 0. "
            "Each row needs at least one 1; drop the empty rows.",
            index=index,
        )
    if positions is None and padding_id is not None:
        positions = positions_by_ids(ids, padding_id)
    elif positions is None:
        positions = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
    if types is None:
        types = np.zeros_like(ids)
    flat_ids, flat_positions, flat_types = (array[mask].astype(np.int32) for array in (ids, positions, types))
    return Packed(flat_ids, flat_positions, flat_types, lengths)


def micro_batches(lengths: Ints, max_tokens: int = MAX_TOKENS, batch_size: int | None = None) -> Iterator[Ints]:
    """Group sequences of near-equal lengths under a token budget, longest first.

    The budget counts the cells of the rectangle, so a group that mixes lengths is as small as its padding makes it.
    The longest come first: a batch that is too large for the memory fails at once, not after an hour.

    Args:
        lengths: int `[B]`, tokens per sequence.
        max_tokens: the most cells of one group; a sequence longer than that is a group of its own.
        batch_size: the most sequences of one group.

    Yields:
        The indices of each group's sequences, int32; every sequence is in exactly one group.
    """
    order = np.argsort(-lengths, kind="stable").astype(np.int32)
    start = 0
    while start < len(order):
        size = max(1, max_tokens // max(1, int(lengths[order[start]])))
        stop = start + min(size, batch_size or size)
        yield order[start:stop]
        start = stop
