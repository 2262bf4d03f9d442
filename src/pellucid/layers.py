"""The parts that architectures share, as functions over the operations."""

from __future__ import annotations

from collections.abc import Callable

from pellucid.ops import Array, Ops
from pellucid.packing import Layout
from pellucid.positions import (
    CLOSED,
    DOUBLED,
    Ints,
    in_one_sequence,
    in_order,
    ones_by_heads,
    only_distance,
    rotary_angles,
)
from pellucid.weights import Weights


def linear(ops: Ops, w: Weights, x: Array, inputs: int, outputs: int, *, bias: bool = True) -> Array:
    """`[T, inputs] → [T, outputs]`, with the weight at `w`, and the bias if it has one."""
    return ops.linear(x, w("weight", outputs, inputs), w("bias", outputs) if bias else None)


def layer_norm(ops: Ops, w: Weights, x: Array, width: int, eps: float, *, bias: bool = True) -> Array:
    """Normalise `[T, width]` with the weight at `w`, and the bias if it has one."""
    return ops.layer_norm(x, w("weight", width), w("bias", width) if bias else None, eps)


def scale_and_shift(ops: Ops, w: Weights, x: Array, width: int) -> Array:
    """Multiply `[T, width]` elementwise by the weight at `w` and add the bias: a norm that normalises nothing.

    Sun et al., 2020, arXiv:2004.02984, §3.4.
    """
    return ops.add(ops.multiply(x, w("weight", width)), w("bias", width))


def neighbours(ops: Ops, x: Array, layout: Layout) -> tuple[Array, Array]:
    """The rows of the tokens before and behind each token of its sequence: `[T, H] → [T, H]` twice.

    Zeros before a sequence's first token and behind its last. They are those of the rectangle's columns, as distances
    are in `Ops.by_distance`.

    Attention whose scores leave open only a token and its neighbour gives each one half, and the token all of it where
    the neighbour is padding or nothing. What the neighbour gets, doubled, is exactly 1 or 0.

    Args:
        ops: operations.
        x: `[T, H]`.
        layout: which rows belong to which sequence.
    """
    cells = ops.pad(x, layout, 1)
    even = ops.matmul(ops.scale(cells, 0.0), cells, transpose=True)

    def neighbour(closed: Ints, chosen: Ints) -> Array:
        scores = ops.add(even, ops.by_distance(ops.constant(CLOSED, x), closed, layout))
        halves = ops.softmax(scores, layout, window=1)
        taken = ops.multiply(halves, ops.by_distance(ops.constant(DOUBLED, x), chosen, layout))
        return ops.unpad(ops.matmul(taken, cells), layout)

    behind, before = only_distance(-1), only_distance(1)
    return neighbour(behind, before), neighbour(before, behind)


def self_attention(
    ops: Ops,
    w: Weights,
    x: Array,
    layout: Layout,
    width: int,
    heads: int,
    dropout: float = 0.0,
    bias: Callable[[Array, Array], Array] | None = None,
    wanted: Array | None = None,
) -> Array:
    """Let each token gather from all tokens of its sequence: `[T, width] → [T, width]`.

    Query, key and value are three linear maps of x; the heads' answers are joined by a fourth
    (Vaswani et al., 2017, arXiv:1706.03762, §3.2.2).

    Args:
        ops: operations.
        w: where the maps stand.
        x: `[T, width]`.
        layout: which rows belong to which sequence.
        width: size of the hidden states.
        heads: A.
        dropout: of the probabilities, in training.
        bias: from query and key, `[T, width]` each, to what is added to the scaled scores, `[B, A, L, L]`.
        wanted: int `[N]`, the only rows to answer for, `[N, width]`; all where left out.
    """
    maps = [w / name for name in ("query", "key", "value")]
    query, key, value = ops.linears(
        x, [one("weight", width, width) for one in maps], [one("bias", width) for one in maps]
    )
    mixed = ops.attention(
        query, key, value, layout, heads=heads, scale=(width // heads) ** -0.5,
        bias=None if bias is None else bias(query, key), dropout=dropout,
    )  # fmt: skip
    return linear(ops, w / "output", mixed if wanted is None else ops.rows(mixed, wanted), width, width)


def feed_forward(ops: Ops, w: Weights, x: Array, width: int, inner: int, activation: str) -> Array:
    """Widen each token, bend, narrow again: `[T, width] → [T, inner] → [T, width]`."""
    widened = ops.activation(activation, linear(ops, w / "inner", x, width, inner))
    return linear(ops, w / "outer", widened, inner, width)


def gated_feed_forward(
    ops: Ops, w: Weights, x: Array, width: int, inner: int, activation: str, *, bias: bool, dropout: float
) -> Array:
    """Widen each token twice, let one half open and shut the other, narrow again: `[T, width] → [T, width]`.

    GeGLU where the activation is gelu (Shazeer, 2020, arXiv:2002.05202, eq. 6). Both halves come from one weight
    `[2 · inner, width]`; the first is the one that bends.
    """
    bent, gate = ops.split(linear(ops, w / "inner", x, width, 2 * inner, bias=bias), [inner, inner])
    opened = ops.dropout(ops.multiply(ops.activation(activation, bent), gate), dropout)
    return linear(ops, w / "outer", opened, inner, width, bias=bias)


def turned_angles(
    ops: Ops, positions: Array, count: int, dimension: int, theta: float, like: Array, slower: float = 1.0
) -> tuple[Array, Array]:
    """The cosines and sines by which `Ops.rotary` turns each token: `[T, D]` each.

    Args:
        ops: operations.
        positions: `[T]`.
        count: how many positions there are.
        dimension: of a head, D.
        theta: the base of the angles.
        like: any floating array of the run.
        slower: how many times slower all of them turn.
    """
    cos, sin = (ops.constant(table, like) for table in rotary_angles(count, dimension, theta, slower))
    return ops.embedding(cos, positions), ops.embedding(sin, positions)


def relative_rows(ops: Ops, w: Weights, count: int, width: int, like: Array) -> Array:
    """The whole table at `w` of vectors for relative positions: `[R, width]`, where and as `like` is."""
    return ops.embedding(w("weight", count, width), ops.constant(in_order(count), like))


def rows_by_heads(ops: Ops, x: Array, count: int, heads: int, repeat: int = 1) -> Array:
    """Rows that belong to no sequence, by heads: `[R, A·D] → [1, A·repeat, R, D]`."""
    nowhere = ops.constant(in_one_sequence(count), x)
    return ops.pad(x, Layout(nowhere, None, None, None), heads, repeat)


def shared_relative_bias(
    ops: Ops, w: Weights, rows: Ints, layout: Layout, count: int, heads: int, like: Array
) -> Array:
    """For each head and distance one learned number, the same for all tokens: `[1, A, L, L]`.

    Raffel et al., 2019, arXiv:1910.10683, §2.1; the table at `w` is `[R, A]`.

    Args:
        ops: operations.
        w: where the table stands.
        rows: `[2P − 1]`, the relative row of each distance.
        layout: which rows belong to which sequence.
        count: R.
        heads: A.
        like: any floating array of the run.
    """
    by_head = rows_by_heads(ops, relative_rows(ops, w, count, heads, like), count, heads)  # [1, A, R, 1]
    one = ops.constant(ones_by_heads(heads), like)
    return ops.by_distance(ops.matmul(one, by_head, transpose=True), rows, layout)


def relative_key_bias(
    ops: Ops, w: Weights, query: Array, key: Array | None, layout: Layout, positions: int, width: int, heads: int
) -> Array:
    """What the vectors of distances add to the scaled scores of attention: `[B, A, L, L]`.

    BERT's `position_embedding_type` "relative_key" (Shaw et al., 2018, arXiv:1803.02155, eq. 5), and
    "relative_key_query" (Huang et al., 2020, arXiv:2009.13658, method 4) where the keys are given too. One table
    `[2 · positions − 1, D]` serves all heads.

    Args:
        ops: operations.
        w: where the table stands.
        query: `[T, A·D]`.
        key: `[T, A·D]`, or None.
        layout: which rows belong to which sequence.
        positions: P, distances that are told apart in either direction.
        width: A·D.
        heads: A.
    """
    count, dimension = 2 * positions - 1, width // heads
    table = relative_rows(ops, w, count, dimension, query)
    table, rows, count = ops.in_reach(table, in_order(count), count, layout)
    vectors = rows_by_heads(ops, table, count, 1, repeat=heads)  # the same for each head
    bias = ops.by_distance(ops.matmul(ops.pad(query, layout, heads), vectors, transpose=True), rows, layout)
    if key is not None:
        of_key = ops.matmul(ops.pad(key, layout, heads), vectors, transpose=True)
        bias = ops.add(bias, ops.by_distance(of_key, rows, layout, of_key=True))
    return ops.scale(bias, dimension**-0.5)
