"""The sequence that is explained, and how changed forms of it are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pellucid.explaining.scores import Score
from pellucid.explaining.targets import Target
from pellucid.models.runner import Runner
from pellucid.packing import Packed

AT_ONCE = 16_384
"""Tokens of changed sequences that are computed before their outputs are read and forgotten."""


class Changed(NamedTuple):
    """A changed form of the sequence.

    Attributes:
        ids: its tokens.
        type_ids: the type of each.
        places: the new place of each token of the sequence that is left; None where all stand where they stood.
    """

    ids: Sequence[int]
    type_ids: Sequence[int]
    places: dict[int, int] | None = None


@dataclass(frozen=True)
class Subject:
    """What is explained, and what computes it.

    Attributes:
        target: the number, and the sequence that carries it.
        runner: what computes.
        outputs: what of the head is computed.
        pack: stage 3.
        held: bool `[L]`, the tokens that stay as they are: special ones, and the mask that is asked for.
    """

    target: Target
    runner: Runner
    outputs: tuple[str, ...]
    pack: Callable[[Sequence[Any], int | None], Packed]
    held: npt.NDArray[np.bool_]

    @property
    def whole(self) -> Changed:
        """The sequence as it is."""
        encoding = self.target.window.encoding
        return Changed(list(encoding.ids), list(encoding.type_ids))

    def packed(self, changed: Sequence[Changed]) -> Packed:
        """Changed forms in a row, in which the chosen token alone is answered for, if there is one."""
        packed, chosen = self.pack(changed, None), self.target.chosen
        if chosen is None:
            return packed
        is_chosen = np.zeros(len(packed.ids), np.bool_)
        is_chosen[packed.starts + [chosen if one.places is None else one.places[chosen] for one in changed]] = True
        return replace(packed, is_chosen=is_chosen)

    def score_of(self, changed: Changed) -> Score:
        """The number, of the outputs of a changed form."""
        # Of one chosen token the outputs have one row, wherever it stands.
        if changed.places is None or self.target.chosen is not None:
            return self.target.score
        return self.target.score.moved(changed.places)

    def values(self, changed: Sequence[Changed], max_tokens: int | None = None) -> Iterator[float]:
        """The number of each changed form."""
        at_once = max(1, AT_ONCE // max(1, len(self.held)))
        for start in range(0, len(changed), at_once):
            part = changed[start : start + at_once]
            packed = self.packed(part)
            result = self.runner.run(packed, outputs=self.outputs, max_tokens=max_tokens)
            outputs = {name: result.by_text(name, packed) for name in self.outputs}
            for number, one in enumerate(part):
                yield self.score_of(one).value({name: outputs[name][number] for name in outputs})
