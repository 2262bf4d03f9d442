"""Ragged ids → one row of real tokens → and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import InputError
from pellucid.packing import micro_batches, pack, pack_rectangle

ragged = st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=9), min_size=1, max_size=12)


@given(ragged, st.sampled_from([1, 2, 4, 16]))
def test_the_rectangle_holds_each_sequence_in_its_row(rows: list[list[int]], multiple: int) -> None:
    packed = pack(rows)
    layout = packed.rectangle(multiple)
    assert layout.is_token.shape == layout.row_of_cell.shape
    assert layout.is_token.shape[1] % multiple == 0
    assert layout.is_token.shape[1] - max(map(len, rows)) < multiple
    rectangle = packed.ids[layout.row_of_cell]
    for index, row in enumerate(rows):
        assert rectangle[index, : len(row)].tolist() == row
        assert layout.is_token[index].tolist() == [True] * len(row) + [False] * (rectangle.shape[1] - len(row))
    assert rectangle.ravel()[layout.cell_of_row].tolist() == packed.ids.tolist()
    assert packed.ids[layout.first_rows].tolist() == [row[0] for row in rows]
    assert packed.positions.tolist() == [place for row in rows for place in range(len(row))]


@given(ragged, st.data())
def test_taking_sequences_keeps_them_whole_and_in_the_order_asked_for(
    rows: list[list[int]], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1))
    part = pack(rows).take(np.array(chosen, np.int32))
    assert part.ids.tolist() == [value for index in chosen for value in rows[index]]
    assert part.positions.tolist() == [place for index in chosen for place in range(len(rows[index]))]
    assert part.lengths.tolist() == [len(rows[index]) for index in chosen]


@given(st.lists(st.integers(1, 60), max_size=80), st.integers(1, 200), st.none() | st.integers(1, 5))
def test_every_sequence_is_in_one_micro_batch_within_the_budget(
    lengths: list[int], max_tokens: int, batch_size: int | None
) -> None:
    groups = [group.tolist() for group in micro_batches(np.array(lengths, np.int32), max_tokens, batch_size)]
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    longest = [max(lengths[index] for index in group) for group in groups]
    assert longest == sorted(longest, reverse=True)
    for group, most in zip(groups, longest, strict=True):
        assert len(group) == 1 or len(group) * most <= max_tokens
        assert batch_size is None or len(group) <= batch_size


@given(st.integers(1, 5), st.integers(1, 7), st.data())
def test_a_rectangle_is_packed_by_its_mask_wherever_the_tokens_stand(
    batch: int, length: int, data: st.DataObject
) -> None:
    bits = data.draw(st.lists(st.booleans(), min_size=batch * length, max_size=batch * length))
    mask = np.array(bits).reshape(batch, length)
    mask[:, data.draw(st.integers(0, length - 1))] = True
    ids = np.arange(batch * length).reshape(batch, length)
    packed = pack_rectangle(ids, mask)
    assert packed.ids.tolist() == ids[mask].tolist()
    assert packed.positions.tolist() == np.nonzero(mask)[1].tolist(), "a token's position is its column"
    assert packed.lengths.tolist() == mask.sum(axis=1).tolist()


def test_a_sequence_without_tokens_is_refused_by_its_number() -> None:
    with pytest.raises(InputError, match="Sequence 1 has no token"):
        pack([[1], [], [2]])
    with pytest.raises(InputError, match="Row 1 of `attention_mask` has no token"):
        pack_rectangle(np.ones((2, 3), int), np.array([[1, 0, 0], [0, 0, 0]], bool))


def test_types_are_packed_beside_the_ids() -> None:
    assert pack([[5, 6], [7]], [[0, 1], [1]]).types.tolist() == [0, 1, 1]
    assert pack([[5, 6], [7]]).types.tolist() == [0, 0, 0]
