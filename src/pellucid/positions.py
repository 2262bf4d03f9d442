"""Tables of positions, computed on the host: the angles of rotary embeddings, and the relative row of each distance.

Each is computed once and handed out again: whoever gets one must not write to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ParamSpec, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int32]
Floats: TypeAlias = npt.NDArray[np.float32]


Arguments = ParamSpec("Arguments")
Table = TypeVar("Table")


def remembered(function: Callable[Arguments, Table]) -> Callable[Arguments, Table]:
    """The function, which computes its answer to the same arguments once.

    A plain dictionary, since PyTorch traces what is computed with it: through `functools.cache` it does not see.
    """
    known: dict[object, Table] = {}

    def answer(*arguments: Arguments.args, **named: Arguments.kwargs) -> Table:
        if arguments not in known:
            known[arguments] = function(*arguments, **named)
        return known[arguments]

    answer.__doc__ = function.__doc__
    return answer


@remembered
def in_order(count: int) -> Ints:
    """0, 1, 2 …, `[count]`."""
    return np.arange(count, dtype=np.int32)


@remembered
def in_one_sequence(count: int) -> Ints:
    """0, 1, 2 …, `[1, count]`: `Layout.row_of_cell` of rows that stand in one sequence."""
    return np.arange(count, dtype=np.int32)[None]


@remembered
def ones_by_heads(heads: int) -> Floats:
    """Ones, float32 `[1, A, 1, 1]`: a product with them lays a column down as a row."""
    return np.ones((1, heads, 1, 1), np.float32)


CLOSED = np.array([[[[0, -1e4]]]], np.float32)
"""Scores by `only_distance`: `softmax` gives exactly 0 to what is closed, in every precision."""

DOUBLED = np.array([[[[0, 2]]]], np.float32)
"""Factors by `only_distance`."""


@remembered
def only_distance(distance: int) -> Ints:
    """Row 1 for one distance of −1, 0 and 1, row 0 for all others: `[5]`, for `by_distance`."""
    rows: Ints = (np.arange(-2, 3) == distance).astype(np.int32)
    return rows


@remembered
def rotary_angles(positions: int, dimension: int, theta: float, slower: float = 1.0) -> tuple[Floats, Floats]:
    """The cosines and sines of each position's angles (Su et al., 2021, arXiv:2104.09864, eq. 15).

    In float32, as the reference computes them in every precision: a late position's angle is rounded, and its cosine
    differs from the true one in the fourth digit.

    Args:
        positions: how many.
        dimension: of a head, D.
        theta: the slowest angle turns `1 / theta ** (1 − 2/D)` per position, the fastest 1.
        slower: all turn so many times slower.

    Returns:
        Two float32 arrays `[positions, D]`; the second half repeats the first.
    """
    exponents = np.arange(0, dimension, 2, dtype=np.float32) / np.float32(dimension)
    speeds = np.float32(1) / (float(theta) ** exponents.astype(np.float64)).astype(np.float32)
    speeds = speeds / np.float32(slower)
    half = np.arange(positions, dtype=np.float32)[:, None] * speeds[None, :]
    angles = np.concatenate([half, half], axis=-1)
    return np.cos(angles), np.sin(angles)


@remembered
def near_and_far_rows(buckets: int, furthest: int) -> Ints:
    """The relative rows of T5: near distances have their own, farther ones share ever wider buckets.

    Raffel et al., 2019, arXiv:1910.10683, §2.1. A key behind the query has the rows from `buckets / 2` on.

    Args:
        buckets: how many relative rows.
        furthest: from this distance on all share the last bucket of their side.

    Returns:
        `[2 · furthest + 1]`, for `by_distance`.
    """
    side = buckets // 2
    near = side // 2
    distance = np.arange(-furthest, furthest + 1)
    magnitude = np.maximum(np.abs(distance), 1).astype(np.float32)
    # In float32, step by step as the reference: a power of 2 falls exactly on the edge of two buckets.
    grown = np.log(magnitude / np.float32(near)) / np.float32(math.log(furthest / near)) * np.float32(side - near)
    far = np.minimum(near + grown.astype(np.int64), side - 1)
    row = np.where(np.abs(distance) < near, np.abs(distance), far)
    rows: Ints = (row + side * (distance < 0)).astype(np.int32)
    return rows


@remembered
def own_rows(span: int) -> Ints:
    """A relative row for each distance from −span to span − 1, farther ones the last of their side.

    Returns:
        `[2 · span + 1]`, for `by_distance`; the row of distance 0 is `span`.
    """
    return np.minimum(np.arange(2 * span + 1, dtype=np.int32), 2 * span - 1)


@remembered
def signed_log_rows(span: int, furthest: int) -> Ints:
    """The relative rows of DeBERTa-v2: near distances have their own, farther ones share ever wider buckets.

    He et al., 2021, arXiv:2111.09543; the formula is that of the checkpoints' own code.

    Args:
        span: how many rows a side has, an even number; the nearer half of them is for one distance each.
        furthest: from this distance on all share the last row of their side.

    Returns:
        `[2 · furthest + 1]`, for `by_distance`; the row of distance 0 is `span`.
    """
    near = span // 2
    distance = np.arange(-furthest, furthest + 1)
    magnitude = np.maximum(np.abs(distance), near).astype(np.float32)
    # In float32, step by step as the reference: `ceil` turns a rounding into a row.
    grown = np.log(magnitude / np.float32(near)) / np.log(np.float32((furthest - 1) / near)) * np.float32(near - 1)
    row = np.where(np.abs(distance) <= near, distance, np.sign(distance) * (np.ceil(grown).astype(np.int64) + near))
    rows: Ints = np.clip(row + span, 0, 2 * span - 1).astype(np.int32)
    return rows
