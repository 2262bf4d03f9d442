"""The parts that architectures share, as functions over the operations."""

from __future__ import annotations

from pellucid.ops import Array, Ops
from pellucid.packing import Layout
from pellucid.weights import Weights


def linear(ops: Ops, w: Weights, x: Array, inputs: int, outputs: int) -> Array:
    """`[T, inputs] → [T, outputs]`, with the weight and bias at `w`."""
    return ops.linear(x, w("weight", outputs, inputs), w("bias", outputs))


def layer_norm(ops: Ops, w: Weights, x: Array, width: int, eps: float) -> Array:
    """Normalise `[T, width]` with the weight and bias at `w`."""
    return ops.layer_norm(x, w("weight", width), w("bias", width), eps)


def self_attention(
    ops: Ops, w: Weights, x: Array, layout: Layout, width: int, heads: int, dropout: float = 0.0
) -> Array:
    """Let each token gather from all tokens of its sequence: `[T, width] → [T, width]`.

    Query, key and value are three linear maps of x; the heads' answers are joined by a fourth
    (Vaswani et al., 2017, arXiv:1706.03762, §3.2.2).
    """
    maps = [w / name for name in ("query", "key", "value")]
    query, key, value = ops.linears(
        x, [one("weight", width, width) for one in maps], [one("bias", width) for one in maps]
    )
    mixed = ops.attention(query, key, value, layout, heads=heads, scale=(width // heads) ** -0.5, dropout=dropout)
    return linear(ops, w / "output", mixed, width, width)


def feed_forward(ops: Ops, w: Weights, x: Array, width: int, inner: int, activation: str) -> Array:
    """Widen each token, bend, narrow again: `[T, width] → [T, inner] → [T, width]`."""
    widened = ops.activation(activation, linear(ops, w / "inner", x, width, inner))
    return linear(ops, w / "outer", widened, inner, width)
