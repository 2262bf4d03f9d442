"""What the inputs of linear maps are like, on texts like those that will be answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.checkpoints.roundings import Rounding
from pellucid.checkpoints.stored import StoredTensor
from pellucid.engines.numpy import NumpyOps
from pellucid.engines.program import Forward
from pellucid.packing import Inputs, Packed
from pellucid.quantization.rounding import best_rounding
from pellucid.weights import Weights

Floats = npt.NDArray[np.floating[Any]]

ROWS = 48
"""Tokens of each micro-batch whose vectors are kept, to choose a rounding by."""

LAYERS = "layers."
"""Where the maps stand that are worth it; those of heads are few, and answers lie close behind them."""


class Input:
    """What is known of one input, and the maps that it goes into."""

    def __init__(self) -> None:
        self.maps: dict[str, Floats] = {}
        self.largest: Any = np.float32(0)
        self._rows: list[Floats] = []
        self._random = np.random.default_rng(0)

    def see(self, x: Floats) -> None:
        """Take note of `[T, I]`."""
        self.largest = np.maximum(self.largest, np.abs(x).max(axis=0))
        self._rows.append(x[self._random.permutation(len(x))[:ROWS]])

    @property
    def rows(self) -> Floats:
        """A sample `[N, I]` of what was seen."""
        return np.concatenate(self._rows)


class ObservingOps(NumpyOps):
    """The reference engine, which takes note of the inputs of linear maps.

    Args:
        names: of the maps, by the identity of their weight.
        inputs: what is known of the input of each map; filled.
        others: maps of something else than the batch's tokens, such as the vectors of distances; filled.
        tokens: how many the batch has.
    """

    def __init__(self, names: Mapping[int, str], inputs: dict[str, Input], others: set[str], tokens: int) -> None:
        super().__init__()
        self._names, self._inputs, self._others, self._tokens = names, inputs, others, tokens
        self._last: tuple[Floats, Input] | None = None

    def linear(self, x: Floats, weight: Floats, bias: Floats | None = None) -> Floats:
        """The map, after its input was looked at."""
        name = self._names[id(weight)]
        if len(x) != self._tokens:
            self._others.add(name)
        elif name.startswith(LAYERS):
            is_same = self._last is not None and self._last[0] is x
            if name not in self._inputs:
                self._inputs[name] = self._last[1] if is_same and self._last is not None else Input()
                self._inputs[name].maps[name] = weight
            if not is_same:
                self._inputs[name].see(x)
            self._last = x, self._inputs[name]
        return super().linear(x, weight, bias)


@dataclass(frozen=True)
class Observed:
    """How inputs are best rounded.

    Attributes:
        roundings: by the canonical path of each map.
        errors: the mean square of what it changes in the map's results, as a part of that of the results.
    """

    roundings: dict[str, Rounding]
    errors: dict[str, float]

    def without_the_worst(self, count: int) -> dict[str, Rounding]:
        """The roundings, but for the maps that lose most by them."""
        worst = sorted(self.errors, key=lambda name: -self.errors[name])[:count]
        return {name: one for name, one in self.roundings.items() if name not in worst}


def observe(forward: Forward, parameters: Mapping[str, StoredTensor], batches: Iterable[Packed]) -> Observed:
    """How the input of each linear map is best rounded.

    Args:
        forward: the architecture with its config and head.
        parameters: the checkpoint's tensors, by canonical name.
        batches: micro-batches of texts like those that will be answered.
    """
    arrays: dict[str, Floats] = {}
    names: dict[int, str] = {}
    inputs: dict[str, Input] = {}
    others: set[str] = set()

    def get(name: str, shape: tuple[int, ...]) -> Floats:
        if name not in arrays:
            arrays[name] = parameters[name].array(np.float32)
            names[id(arrays[name])] = name.removesuffix(".weight")
        return arrays[name]

    for packed in batches:
        given = Inputs(packed.ids, packed.positions, packed.types, packed.chosen, packed.layout)
        forward(ObservingOps(names, inputs, others, len(packed.ids)), Weights(get), given)
    best: dict[int, tuple[float, Rounding]] = {}
    for one in inputs.values():
        if id(one) not in best:
            best[id(one)] = best_rounding(one.rows, one.largest, list(one.maps.values()))
    found = {name: best[id(one)] for name, one in inputs.items() if name not in others}
    return Observed(
        {name: rounding for name, (_, rounding) in found.items()}, {name: error for name, (error, _) in found.items()}
    )
