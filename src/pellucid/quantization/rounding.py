"""Which rounding of an input changes least what its linear maps give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.checkpoints.roundings import Rounding
from pellucid.engines.int8 import INPUT_STEPS, WEIGHT_STEPS, WeightSteps, quantized_weight

Floats = npt.NDArray[np.floating[Any]]

STRENGTHS = (0.0, 0.4, 0.55, 0.7)
"""How far the sizes of channels are evened out between input and weight; 0 leaves them (Xiao et al., 2022, eq. 4)."""

SHRINKINGS = (1.0, 0.9, 0.8, 0.65, 0.5)
"""The parts of the whole range that are tried: a few values far out make every step wide."""

SMALLEST = 1e-30
"""A range below this is one of zeros alone."""


def best_rounding(rows: Floats, largest: Floats, weights: Sequence[Floats]) -> tuple[float, Rounding]:
    """The rounding by which the maps' results are nearest to the exact ones, by the mean square.

    Args:
        rows: a sample of the input, `[N, I]`.
        largest: the largest magnitude of each channel, `[I]`.
        weights: of the maps that it goes into, `[O, I]` each.

    Returns:
        The mean square of the error, as a part of that of the results; and the rounding.
    """
    weight = np.concatenate([np.asarray(one, np.float32) for one in weights])
    exact = rows @ weight.T
    column = np.abs(weight).max(axis=0)
    tried = []
    for strength in STRENGTHS:
        scale = evened(largest, column, strength)
        smaller, larger = rows / scale, nearest(weight * scale)
        for part in SHRINKINGS:
            rounding = Rounding(float(smaller.min()) * part, float(smaller.max()) * part, scale)
            low, high = ends(rounding.low, rounding.high)
            found = stepped(smaller, low, high) @ larger.T
            tried.append((float(np.square(found - exact).mean()), Rounding(low, high, scale)))
    error, rounding = min(tried, key=lambda one: one[0])
    return error / max(float(np.square(exact).mean()), 1e-30), rounding


def evened(largest: Floats, column: Floats, strength: float) -> npt.NDArray[np.float32]:
    """What each channel is divided by: the power of its own size, over the power of its weights' size."""
    if not strength:
        return np.ones(len(largest), np.float32)
    scale = np.maximum(largest, 1e-5) ** strength / np.maximum(column, 1e-5) ** (1 - strength)
    return np.asarray(scale / np.exp(np.log(scale).mean()), np.float32)


def ends(low: float, high: float) -> tuple[float, float]:
    """The ends of a range of 256 steps of which one is 0, so that zeros stay zeros."""
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < SMALLEST:
        return -128 / 127, 1.0
    step = (high - low) / INPUT_STEPS
    zero = round(-low / step)
    step = max(-low / zero if zero else 0.0, high / (INPUT_STEPS - zero) if zero < INPUT_STEPS else 0.0)
    return -zero * step, (INPUT_STEPS - zero) * step


def stepped(values: Floats, low: float, high: float) -> Floats:
    """Values in 256 steps between two numbers."""
    step = (high - low) / INPUT_STEPS
    result: Floats = (np.rint((np.clip(values, low, high) - low) / step) * step + low).astype(np.float32)
    return result


def nearest(weight: Floats, steps: WeightSteps = WEIGHT_STEPS) -> Floats:
    """A weight as the engine rounds it, in such steps."""
    numbers, step = quantized_weight(weight, steps)
    result: Floats = numbers * step
    return result
