"""Occlusion: how far a logit falls where a word is hidden.

Source: Zeiler & Fergus, 2014, arXiv:1311.2901, for pictures; Li, Monroe & Jurafsky, 2016, arXiv:1612.08220, for words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pellucid.errors import InputError
from pellucid.explaining.subject import Changed, Subject
from pellucid.explaining.texts import Unit


@dataclass(frozen=True)
class Occluded:
    """What was found.

    Attributes:
        contributions: of each token, float64 `[L]`: those of a word that was hidden whole are equal parts.
        logit: of the text.
        baseline_logit: with all words hidden; None where nothing would be left.
    """

    contributions: npt.NDArray[np.float64]
    logit: float
    baseline_logit: float | None

    @property
    def error(self) -> float | None:
        """The sum of the contributions less the change of the logit, which it need not be near to."""
        if self.baseline_logit is None:
            return None
        return float(self.contributions.sum()) - (self.logit - self.baseline_logit)


def occluded(subject: Subject, units: Sequence[Unit], mask_id: int | None, max_tokens: int | None) -> Occluded:
    """The contribution of each unit: the logit of the text, less that of the text without it.

    Args:
        subject: what is explained.
        units: what is hidden, one after the other.
        mask_id: the token that stands for what is hidden; None to take it away.
        max_tokens: the token budget of a micro-batch.

    Raises:
        InputError: without a unit nothing would be left to compute.
    """
    every = [token for unit in units for token in unit.tokens]
    hidden = [[], *(unit.tokens for unit in units), every]
    changed = [_without(subject, tokens, mask_id) for tokens in hidden]
    has_baseline = bool(changed[-1].ids)
    if not all(one.ids for one in changed[:-1]):
        raise InputError(
            "The text is one word, and its tokenizer has neither a mask nor special tokens: without that word nothing "
            "is left to compute. Choose method='integrated_gradients', with engine='torch'."
        )
    logit, *values = subject.values(changed if has_baseline else changed[:-1], max_tokens)
    contributions = np.zeros(len(subject.held), np.float64)
    for unit, value in zip(units, values, strict=False):
        contributions[list(unit.tokens)] = (logit - value) / len(unit.tokens)
    return Occluded(contributions, logit, values[-1] if has_baseline else None)


def _without(subject: Subject, tokens: Sequence[int], mask_id: int | None) -> Changed:
    whole, gone = subject.whole, set(tokens)
    if mask_id is not None:
        return whole._replace(ids=[mask_id if place in gone else number for place, number in enumerate(whole.ids)])
    # What the number is read at has to stay.
    gone -= subject.target.score.rows if subject.target.chosen is None else {subject.target.chosen}
    kept = [place for place in range(len(whole.ids)) if place not in gone]
    return Changed(
        [whole.ids[place] for place in kept],
        [whole.type_ids[place] for place in kept],
        {place: number for number, place in enumerate(kept)},
    )
