"""What int8 is, for every engine that computes in it: how inputs and weights become whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class WeightSteps:
    """How finely weights are told, which depends on how a processor adds products of bytes up.

    Attributes:
        number: of steps from one end to the other.
        added: how many products are added up in 16 bits, two of every four neighbours; 0 where none are. The steps of
            so many weights that have one sign are together `MOST_ADDED` at most.
    """

    number: int
    added: int = 0

    def __str__(self) -> str:
        sums = f", and {MOST_ADDED} for {self.added} weights of one sign together" if self.added else ""
        return f"{self.number} steps{sums}"


WEIGHT_STEPS = WeightSteps(255)
"""From -127 to 127: products are added up in 32 bits."""

FEW_WEIGHT_STEPS = WeightSteps(127, 2)
"""From -63 to 63, so that two products are never more than 16 bits hold."""

INPUT_STEPS = 255
"""From the lowest value of a rounded input to the highest."""

MOST_ADDED = (2**15 - 1) // INPUT_STEPS
"""Which times the largest input is less than 2¹⁵."""

SMALLEST = 1e-30

ROWS = 64


class Rounding(Protocol):
    """How the input of some linear maps becomes whole numbers."""

    @property
    def low(self) -> float:
        """The lowest value that is told apart."""

    @property
    def high(self) -> float:
        """The highest."""

    @property
    def scale(self) -> npt.NDArray[np.float32]:
        """`[I]`, what each channel is divided by before."""


Roundings: TypeAlias = Mapping[str, Rounding]
"""By the canonical path of each linear map; what has none is not in int8."""


def quantized_weight(
    weight: npt.NDArray[Any], steps: WeightSteps = WEIGHT_STEPS
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """A weight `[O, I]` as whole numbers in such steps, and what each row of them is multiplied by, `[O, 1]`."""
    numbers, step = np.empty(weight.shape, np.int8), np.empty((len(weight), 1), np.float32)
    largest = steps.number // 2
    # So many rows at a time stay in the cache.
    for first in range(0, len(weight), ROWS):
        rows, own = weight[first : first + ROWS], step[first : first + ROWS]
        own[:] = np.abs(rows).max(axis=1, keepdims=True) / largest
        if steps.added * largest > MOST_ADDED:
            # Each of them may be rounded up by a half.
            most = MOST_ADDED - steps.added // 2
            np.maximum(own, added_together(rows, steps.added).max(axis=1, keepdims=True) / most, out=own)
        # A row of zeros, or of numbers that mean none, has a step all the same.
        np.maximum(own, SMALLEST, out=own)
        numbers[first : first + ROWS] = np.clip(np.rint(rows / own), -largest, largest)
    return numbers, step


def added_together(weight: npt.NDArray[Any], added: int) -> npt.NDArray[Any]:
    """Of the weights whose products are added up in 16 bits, the sum of those above 0 or below, whichever is larger.

    Args:
        weight: `[O, I]`.
        added: how many there are: of groups of four neighbours the first two, or the last two.

    Returns:
        `[O, sums]`.
    """
    padded = np.pad(weight, ((0, 0), (0, -weight.shape[1] % (2 * added))))
    below, above = (sums_of_pairs(part, added // 2) for part in (np.minimum(padded, 0), np.maximum(padded, 0)))
    found: npt.NDArray[Any] = np.maximum(-below, above).reshape(len(weight), -1)
    return found


def sums_of_pairs(weight: npt.NDArray[Any], groups: int) -> npt.NDArray[Any]:
    """For so many groups of four neighbours at a time the sum of the first two of each, and of the last two."""
    pairs = weight.reshape(-1, 2)
    of_groups = (pairs[:, 0] + pairs[:, 1]).reshape(-1, groups, 2)
    found: npt.NDArray[Any] = of_groups[:, 0]
    for number in range(1, groups):
        found = found + of_groups[:, number]
    return found
