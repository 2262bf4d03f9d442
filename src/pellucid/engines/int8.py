"""What int8 is, for every engine that computes in it: how inputs and weights become whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

WEIGHT_STEPS = 255
"""In how many steps a weight is told, where the processor adds up products of bytes exactly: -127 to 127."""

FEW_WEIGHT_STEPS = 127
"""In how many where it does not: -63 to 63."""

SMALLEST = 1e-30


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
    weight: npt.NDArray[Any], steps: int = WEIGHT_STEPS
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """A weight `[O, I]` as whole numbers in so many steps, and what each row of them is multiplied by, `[O, 1]`."""
    largest = steps // 2
    # A row of zeros, or of numbers that mean none, has a step all the same.
    step = (np.maximum(np.abs(weight).max(axis=1, keepdims=True), SMALLEST) / largest).astype(np.float32)
    return np.clip(np.rint(weight / step), -largest, largest).astype(np.int8), step
