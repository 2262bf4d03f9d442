"""Stage 5: hidden states become logits."""

from __future__ import annotations

from pellucid.layers import linear
from pellucid.ops import Array, Ops
from pellucid.packing import Layout
from pellucid.weights import Weights


def pooled(ops: Ops, w: Weights, hidden: Array, layout: Layout, width: int, activation: str) -> Array:
    """One vector for each sequence, from its first token: `[T, width] → [B, width]`.

    The first token, [CLS], is sent through a linear layer and an activation (Devlin et al., 2018, arXiv:1810.04805).
    """
    return ops.activation(activation, linear(ops, w, ops.rows(hidden, layout.first_rows), width, width))


def sequence_labels(ops: Ops, w: Weights, vectors: Array, width: int, labels: int) -> Array:
    """Logits of each label for each sequence: `[B, width] → [B, labels]`."""
    return linear(ops, w, vectors, width, labels)
