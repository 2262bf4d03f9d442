"""Vectors of tokens in two dimensions, and which of them can be named without hiding each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.tracing.words import clipped, columns_of

LETTER = (0.075, 0.15)
"""Inches that a small letter takes, wide and high."""


def projected(states: npt.NDArray[np.floating[Any]]) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """The two principal components (Pearson, 1901), by the singular value decomposition.

    Args:
        states: one vector for each token, `[L, H]`.

    Returns:
        Places `[L, 2]`, each direction so that its largest place is above 0; and what share of the variance each has.
    """
    centred = states.astype(np.float64) - states.mean(axis=0, dtype=np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(states), 2))
    count = min(2, len(sizes))
    places[:, :count] = left[:, :count] * sizes[:count]
    furthest = places[np.abs(places).argmax(axis=0), [0, 1]]
    places *= np.where(furthest < 0, -1.0, 1.0)
    variance = sizes**2
    total = float(variance.sum())
    shares = [float(one) / total if total else 0.0 for one in variance[:2]]
    return places, (shares[0] if shares else 0.0, shares[1] if len(shares) > 1 else 0.0)


def named_apart(points: npt.NDArray[np.float64], names: Sequence[str], width: float, height: float) -> list[int]:
    """Which points can be named so that no name lies on another: all, or as many as fit.

    Args:
        points: `[L, 2]`.
        names: of all of them.
        width: of the axes, in inches.
        height: likewise.
    """
    spread = np.maximum(np.ptp(points, axis=0) * 1.24, 1e-12)
    places = (points - points.min(axis=0)) / spread * (width, height)
    taken: list[tuple[float, float, float, float]] = []
    chosen = []
    # Those far from the middle stand alone most often.
    for place in np.argsort(-np.linalg.norm(places - places.mean(axis=0), axis=1), kind="stable"):
        left, bottom = places[place]
        box = (left, bottom, left + LETTER[0] * columns_of(clipped(names[place], 16)), bottom + LETTER[1])
        if not any(_meet(box, other) for other in taken):
            taken.append(box)
            chosen.append(int(place))
    return sorted(chosen)


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
