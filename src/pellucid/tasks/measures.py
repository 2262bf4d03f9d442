"""How vectors are compared, by the words of config_sentence_transformers.json; the nearest have the highest numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.tasks.task import Floats


def dot(first: Floats, second: Floats) -> Floats:
    """The products: `[N, H], [M, H] → [N, M]`."""
    return first @ second.T


def cosine(first: Floats, second: Floats) -> Floats:
    """The cosines of the angles between vectors."""
    lengths = np.linalg.norm(first, axis=-1)[:, None] * np.linalg.norm(second, axis=-1)
    return dot(first, second) / np.maximum(lengths, 1e-12)


def euclidean(first: Floats, second: Floats) -> Floats:
    """Minus the distances."""
    return -np.stack([np.linalg.norm(first - one, axis=-1) for one in second], axis=1)


def manhattan(first: Floats, second: Floats) -> Floats:
    """Minus the sums of the differences."""
    return -np.stack([np.abs(first - one).sum(axis=-1) for one in second], axis=1)


MEASURES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "cosine": cosine,
    "dot": dot,
    "euclidean": euclidean,
    "manhattan": manhattan,
}
"""Vectors `[N, H]` and `[M, H]` → how near each is to each, `[N, M]`."""
