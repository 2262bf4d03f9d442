"""The one number of a sequence's outputs that is explained, with its gradient: NumPy alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

Outputs = Mapping[str, Floats]
"""A sequence's outputs by name: per token `[L, …]`, per sequence `[…]`."""


class Score(ABC):
    """One number of a sequence's outputs."""

    @abstractmethod
    def value(self, outputs: Outputs) -> float:
        """The number."""

    @abstractmethod
    def gradient(self, outputs: Outputs) -> dict[str, Floats]:
        """Its derivative with respect to the outputs that it reads, each of its output's shape."""

    @property
    def rows(self) -> frozenset[int]:
        """The tokens that it reads the outputs of; none where it is of the whole sequence."""
        return frozenset()

    def moved(self, places: Mapping[int, int]) -> Score:
        """The same number where tokens stand in other places.

        Args:
            places: the new place of each token that is left.
        """
        return self


class Term(NamedTuple):
    """One logit.

    Attributes:
        output: the output's name.
        row: the token that it is of; None where the output is of the whole sequence.
        column: the label that it is of.
        weight: what it is multiplied by.
    """

    output: str
    row: int | None
    column: int
    weight: float = 1.0

    @property
    def place(self) -> tuple[int, ...]:
        """Where it stands in its output."""
        return (self.column,) if self.row is None else (self.row, self.column)


@dataclass(frozen=True)
class Logits(Score):
    """A sum of logits.

    Attributes:
        terms: what is added.
    """

    terms: Sequence[Term]

    def value(self, outputs: Outputs) -> float:
        """The sum."""
        return float(sum(term.weight * float(outputs[term.output][term.place]) for term in self.terms))

    def gradient(self, outputs: Outputs) -> dict[str, Floats]:
        """The weights, where the logits stand."""
        found = {term.output: np.zeros_like(outputs[term.output]) for term in self.terms}
        for term in self.terms:
            found[term.output][term.place] += term.weight
        return found

    @property
    def rows(self) -> frozenset[int]:
        """The tokens whose logits are added."""
        return frozenset(term.row for term in self.terms if term.row is not None)

    def moved(self, places: Mapping[int, int]) -> Logits:
        """The same logits where tokens stand in other places."""
        return replace(
            self, terms=[term if term.row is None else term._replace(row=places[term.row]) for term in self.terms]
        )
