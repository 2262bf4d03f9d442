"""How near a text's vector is to another's, and the derivative of that: hidden states → pooling → layers → measure.

The value is the task's own. The derivative is written out step by step, backwards, since tasks compute in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.explaining.scores import Floats, Outputs, Score
from pellucid.tasks.measures import MEASURES
from pellucid.tasks.pooling import ACTIVATIONS, Dense, normalised, pooled
from pellucid.tasks.task import sigmoid

SLOPES: dict[str, Callable[[Floats], Floats]] = {
    "Tanh": lambda x: 1 - np.tanh(x) ** 2,
    "Identity": np.ones_like,
    "ReLU": lambda x: (x > 0).astype(x.dtype),
    "Sigmoid": lambda x: sigmoid(x) * (1 - sigmoid(x)),
}
"""The derivatives of `ACTIVATIONS`."""


@dataclass(frozen=True)
class Nearness(Score):
    """The measure between the vector of a sequence and one that is given.

    Attributes:
        other: the given one, `[E]`.
        modes: how hidden states become one vector.
        dense: layers behind the pooling.
        size: how many numbers of the vector are kept; None for all.
        normalises: whether it gets the length 1.
        skipped: how many tokens of a prompt are not pooled.
        measure: a word of `MEASURES`.
    """

    other: Floats
    modes: tuple[str, ...]
    dense: tuple[Dense, ...]
    size: int | None
    normalises: bool
    skipped: int
    measure: str

    def value(self, outputs: Outputs) -> float:
        """The nearness."""
        return float(MEASURES[self.measure](self._vectors(outputs)[-1][None], self.other[None])[0, 0])

    def moved(self, places: Mapping[int, int]) -> Nearness:
        """The same where tokens stand in other places: what is left of the prompt is not pooled."""
        return replace(self, skipped=sum(1 for place in places if place < self.skipped))

    def _vectors(self, outputs: Outputs) -> list[Floats]:
        """The vector behind each step: pooling, each layer, cutting, normalising."""
        hidden = outputs["last_hidden_state"][self.skipped :].astype(np.float64)
        steps = [np.concatenate([pooled(hidden, mode, self.skipped) for mode in self.modes])]
        for layer in self.dense:
            steps.append(layer(steps[-1]))
        steps.append(steps[-1][: self.size])
        steps.append(normalised(steps[-1]) if self.normalises else steps[-1])
        return steps

    def gradient(self, outputs: Outputs) -> dict[str, Floats]:
        """Its derivative with respect to the hidden states, `[L, H]`."""
        hidden = outputs["last_hidden_state"]
        steps = self._vectors(outputs)
        slope = _of_measure(self.measure, steps[-1], self.other.astype(np.float64))
        if self.normalises:
            slope = _through_length(slope, steps[-2])
        slope = np.pad(slope, (0, len(steps[-3]) - len(slope)))
        for layer, before in zip(reversed(self.dense), reversed(steps[: len(self.dense)]), strict=True):
            slope = _through_dense(slope, layer, before)
        own = hidden[self.skipped :].astype(np.float64)
        parts = np.split(slope, len(self.modes))
        found = np.zeros(hidden.shape, np.float64)
        found[self.skipped :] = sum(
            _of_pooling(part, mode, own, self.skipped) for part, mode in zip(parts, self.modes, strict=True)
        )
        return {"last_hidden_state": found.astype(hidden.dtype)}


def _of_measure(measure: str, vector: Floats, other: Floats) -> Floats:
    if measure == "dot":
        return other
    if measure == "cosine":
        norm = max(float(np.linalg.norm(other)), 1e-12)
        return _through_length(other / norm, vector)
    difference = vector - other
    if measure == "euclidean":
        return -difference / max(float(np.linalg.norm(difference)), 1e-12)
    return -np.sign(difference)


def _through_length(slope: Floats, vector: Floats) -> Floats:
    """Back through `vector / |vector|`: what is left of a slope across the vector, over its length."""
    length = max(float(np.linalg.norm(vector)), 1e-12)
    direction = vector / length
    across: Floats = (slope - direction * (direction @ slope)) / length
    return across


def _through_dense(slope: Floats, layer: Dense, before: Floats) -> Floats:
    product = layer.weight @ before
    product = product if layer.bias is None else product + layer.bias
    name = next(name for name, function in ACTIVATIONS.items() if function is layer.activation)
    found: Floats = layer.weight.T @ (slope * SLOPES[name](product))
    return found


def _of_pooling(slope: Floats, mode: str, hidden: Floats, place: int) -> Any:
    """Back from the pooled vector to the hidden states: `[H] → [L, H]`."""
    found = np.zeros_like(hidden)
    if mode in ("cls", "lasttoken"):
        found[0 if mode == "cls" else -1] = slope
    elif mode == "max":
        found[hidden.argmax(axis=0), np.arange(hidden.shape[1])] = slope
    elif mode == "weightedmean":
        weights = np.arange(place + 1, place + len(hidden) + 1, dtype=hidden.dtype)
        found[:] = weights[:, None] / weights.sum() * slope
    else:
        found[:] = slope / (len(hidden) if mode == "mean" else np.sqrt(len(hidden)))
    return found
