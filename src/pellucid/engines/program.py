"""What every engine makes: a program, the architecture joined to one checkpoint's weights and ready to run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pellucid.engines.int8 import WeightSteps
from pellucid.ops import Array, Ops
from pellucid.packing import MAX_TOKENS, Inputs, Packed
from pellucid.weights import Weights

Forward: TypeAlias = Callable[[Ops, Weights, Inputs], dict[str, Array]]
"""An architecture with its config and head filled in: operations, weights and inputs → named outputs."""


PER_TOKEN = ("T", "N")
"""The first axes of outputs that have a row for each token, or for each chosen one."""


@dataclass
class Result:
    """What one run gave, as NumPy arrays.

    Attributes:
        outputs: the named outputs of the forward function: `[T, H]`, `[B, H]` or `[B, C]`.
        taps: for each tap that was asked for, its values in the order of the layers: `[T, H]`, or `[B, A, L, L]`.
        rows: for each output what it has a row for, by the letter of its first axis: "T" tokens, "N" chosen tokens,
            "B" sequences.
    """

    outputs: dict[str, npt.NDArray[np.floating[Any]]]
    taps: dict[str, list[npt.NDArray[np.floating[Any]]]] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)

    def by_text(self, name: str, packed: Packed) -> Sequence[npt.NDArray[np.floating[Any]]]:
        """One output for each sequence: its rows `[L, …]` where the output is per token, else its own row."""
        values = self.outputs[name]
        if self.rows[name] not in PER_TOKEN:
            return values  # type: ignore[return-value]
        starts = packed.starts[1:]
        if self.rows[name] == "N":
            starts = np.searchsorted(packed.chosen, starts).astype(np.int32)
        return np.split(values, starts)


class Program(ABC):
    """Runs packed batches of any size. May be called from any number of threads at once."""

    @property
    def tokens(self) -> int:
        """How many tokens a micro-batch has where the caller names no budget."""
        return MAX_TOKENS

    @property
    def weight_steps(self) -> WeightSteps | None:
        """How finely weights are told in int8; None where nothing is computed in it."""
        return None

    @abstractmethod
    def __call__(self, packed: Packed) -> Result:
        """Run one micro-batch of many."""

    def alone(self, packed: Packed) -> Result:
        """Run the only micro-batch of a call, which may be one short text; an engine may have another way for it."""
        return self(packed)

    def prepare(self, packed: Packed | None = None) -> None:  # noqa: B027 - most engines have nothing to do
        """Do now what would otherwise be done once, at a first call.

        Args:
            packed: the only micro-batch of the call that is to come; any call where left out.
        """
