"""How far two precisions agree on the same texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.tasks.task import sigmoid, softmax

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Agreement:
    """How near one precision's outputs are to another's.

    Attributes:
        share: of decisions that are the same: the label of each text or token, the ends of answers, the likeliest
            word; for numbers and vectors the mean cosine.
        difference: the largest difference of a probability, or of a number in a vector.
        decisions: how many were compared.
    """

    share: float
    difference: float
    decisions: int


def agreement(exact: Iterable[Mapping[str, Floats]], found: Iterable[Mapping[str, Floats]]) -> Agreement:
    """Compare the outputs of windows.

    Args:
        exact: in float32.
        found: of the same windows, in another precision.
    """
    shares: list[Floats] = []
    difference = 0.0
    for one, other in zip(exact, found, strict=True):
        for name in one:
            share, apart = _compared(name, np.asarray(one[name], np.float32), np.asarray(other[name], np.float32))
            shares.append(share)
            difference = max(difference, apart)
    each = np.concatenate(shares) if shares else np.ones(0)
    return Agreement(float(each.mean()) if len(each) else 1.0, difference, len(each))


def _compared(name: str, exact: Floats, found: Floats) -> tuple[Floats, float]:
    if not exact.size:
        return np.ones(0), 0.0
    if name in ("start_logits", "end_logits"):
        # One decision among the tokens of the window.
        exact, found = exact.reshape(1, -1), found.reshape(1, -1)
    rows, others = np.atleast_2d(exact), np.atleast_2d(found)
    if "logits" in name and rows.shape[-1] > 1:
        apart = np.abs(softmax(rows) - softmax(others)).max()
        return np.asarray(rows.argmax(-1) == others.argmax(-1), np.float32), float(apart)
    if "logits" in name:
        near, far = sigmoid(rows), sigmoid(others)
        return np.asarray((near > 0.5) == (far > 0.5), np.float32).ravel(), float(np.abs(near - far).max())
    lengths = np.linalg.norm(rows, axis=-1) * np.linalg.norm(others, axis=-1)
    cosine = (rows * others).sum(-1) / np.maximum(lengths, 1e-30)
    return np.asarray(cosine, np.float32).ravel(), float(np.abs(rows - others).max())
