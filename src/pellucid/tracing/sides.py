"""One side of a comparison: what a run gave at each stage, whoever computed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pellucid.tracing.trace import Trace

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Side:
    """What is compared of one run.

    Attributes:
        name: what computed it.
        dtype: in which precision.
        tokens: of each sequence.
        ids: of each sequence.
        outputs: of each sequence, by name.
        hidden_states: computes the embeddings and the output of each layer, `[T, H]` each.
        attentions: computes those of the first sequence, `[A, L, L]` for each layer; none where they can't be had.
        labels: the names of the logits' last axis.
        answer: what was answered, in a tuple of one; empty where nothing was.
    """

    name: str
    dtype: str
    tokens: Sequence[Sequence[str]]
    ids: Sequence[Sequence[int]]
    outputs: Sequence[Mapping[str, Floats]]
    hidden_states: Callable[[], Sequence[Floats]]
    attentions: Callable[[], Sequence[Floats]]
    labels: Sequence[str] = ()
    answer: tuple[Any, ...] = field(default=())


def side_of(trace: Trace) -> Side:
    """A trace as a side."""
    return Side(
        name=f"{trace.model} on {trace.engine} in {trace.dtype}",
        dtype=trace.dtype,
        tokens=[[token.token for token in one.tokens] for one in trace.sequences],
        ids=[[token.id for token in one.tokens] for one in trace.sequences],
        outputs=[one.values for one in trace.sequences],
        hidden_states=lambda: trace.hidden_states,
        attentions=lambda: trace.attentions,
        labels=trace.labels,
        answer=(trace.answer,),
    )
