"""Integrated gradients: what the way from a baseline to the text adds to a logit, token by token.

Source: Sundararajan, Taly & Yan, 2017, "Axiomatic Attribution for Deep Networks", arXiv:1703.01365: the gradient with
respect to the vectors of words, averaged along the straight line from the baseline's to the text's, times their
difference. The sum is the change of the logit (completeness); how far a finite number of steps is from it, is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.engines.program import Result
from pellucid.explaining.scores import Floats
from pellucid.explaining.subject import Subject
from pellucid.packing import MAX_TOKENS

ON_A_GPU = 16_384
"""Tokens whose gradients are computed at once where there is no cache to stay in."""


@dataclass(frozen=True)
class Integrated:
    """What was found.

    Attributes:
        contributions: of each token, float64 `[L]`.
        logit: of the text.
        baseline_logit: of the baseline.
        steps: where on the way gradients were taken, as often as this.
    """

    contributions: npt.NDArray[np.float64]
    logit: float
    baseline_logit: float
    steps: int

    @property
    def error(self) -> float:
        """The sum of the contributions less the change of the logit."""
        return float(self.contributions.sum()) - (self.logit - self.baseline_logit)

    def is_complete(self, tolerance: float) -> bool:
        """Whether the error is at most this part of the sizes of the contributions, added."""
        return bool(abs(self.error) <= tolerance * np.abs(self.contributions).sum())


def integrated(subject: Subject, baseline_id: int | None, steps: int, max_steps: int, tolerance: float) -> Integrated:
    """The contributions of the tokens, with twice as many steps until they sum to the change of the logit.

    Args:
        subject: what is explained.
        baseline_id: the token whose vector every token that is not held begins from; None for zeros.
        steps: how many at first.
        max_steps: how many at most.
        tolerance: how large the completeness error may be, as a part of the contributions' sizes.
    """
    way = _Way(subject, baseline_id)
    baseline_logit, logit = way.values(np.array([0.0, 1.0]))
    while True:
        found = Integrated(way.contributions(steps), logit, baseline_logit, steps)
        if found.is_complete(tolerance) or 2 * steps > max_steps:
            return found
        steps *= 2


class _Way:
    """The straight line from the baseline's vectors to the text's."""

    def __init__(self, subject: Subject, baseline_id: int | None) -> None:
        self._subject = subject
        self._function, self._rows = subject.runner.word_gradients(subject.outputs)
        ids = np.asarray(subject.whole.ids, np.int32)
        self._end = self._function.vectors(ids)
        start = np.zeros_like(self._end)
        if baseline_id is not None:
            start[:] = self._function.vectors(np.array([baseline_id], np.int32))
        self._start = np.where(subject.held[:, None], self._end, start)
        budget = MAX_TOKENS if subject.runner.device == "cpu" else ON_A_GPU
        self._at_once = max(1, budget // len(ids))

    def values(self, places: npt.NDArray[np.float64]) -> list[float]:
        """The number at places on the way, from 0 to 1."""
        return [value for part in self._parts(len(places)) for value in self._at(places[part])[0]]

    def contributions(self, steps: int) -> npt.NDArray[np.float64]:
        """The mean gradient on the way, by the quadrature of Gauss and Legendre, times the way."""
        places, weights = _quadrature(steps)
        mean = np.zeros(self._end.shape, np.float64)
        for part in self._parts(steps):
            _, gradients = self._at(places[part], gradients=True)
            mean += np.tensordot(weights[part], gradients.astype(np.float64), axes=1)
        way = self._end.astype(np.float64) - self._start
        found: npt.NDArray[np.float64] = (mean * way).sum(axis=-1)
        return found

    def _parts(self, count: int) -> list[slice]:
        return [slice(start, start + self._at_once) for start in range(0, count, self._at_once)]

    def _at(self, places: npt.NDArray[np.float64], *, gradients: bool = False) -> tuple[list[float], Any]:
        """The number at some places, and its gradients there, `[N, L, E]`."""
        count, (length, width) = len(places), self._end.shape
        packed = self._subject.packed([self._subject.whole] * count)
        part = places.astype(self._end.dtype)[:, None, None]
        # Not start + part * (end - start): at 1 that is the text but for rounding.
        vectors = ((1 - part) * self._start + part * self._end).reshape(count * length, width)
        outputs, pullback = self._function.linearized(packed, vectors)
        result = Result(outputs, {}, self._rows)
        own = {name: result.by_text(name, packed) for name in outputs}
        score = self._subject.target.score
        each: list[dict[str, Floats]] = [{name: own[name][n] for name in own} for n in range(count)]
        values = [score.value(one) for one in each]
        if not gradients:
            return values, None
        slopes = [score.gradient(one) for one in each]
        # Each output's gradients in one array, as the output itself lies: rows of sequences one behind the other.
        joined = {name: np.stack([one[name] for one in slopes]).reshape(outputs[name].shape) for name in slopes[0]}
        return values, pullback(joined).reshape(count, length, width)


@lru_cache(maxsize=16)
def _quadrature(steps: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Places from 0 to 1, and their weights, which sum to 1."""
    places, weights = np.polynomial.legendre.leggauss(steps)
    return (places + 1) / 2, weights / 2
