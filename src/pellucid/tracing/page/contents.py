"""What the page of a trace knows: JSON's own types alone, in a budget of bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pellucid.errors import InputError
from pellucid.tasks.task import softmax
from pellucid.tracing.page.weights import PARTS, in_bytes

if TYPE_CHECKING:
    from pellucid.tracing.parts import TracedSequence
    from pellucid.tracing.trace import Trace

TOKENS = 4096
"""Tokens on a page: sequences that would make them more are left out, but for the first."""

CHOICES = 8
"""Labels or words that are told of a token, the strongest."""


class Explained(Protocol):
    """What each token of a trace's first sequence contributed to its answer."""

    @property
    def tokens(self) -> Sequence[str]:
        """The tokens, special ones included."""

    @property
    def contributions(self) -> Sequence[float]:
        """A number for each: above zero for the answer, below against it."""


def contents_of(trace: Trace, explanation: Explained | None) -> dict[str, Any]:
    """What the page shows of a trace, but for what its layers made.

    Args:
        trace: the trace.
        explanation: of its first sequence.

    Raises:
        InputError: the explanation is of other tokens.
    """
    contributions = None if explanation is None else _contributions(trace, explanation)
    count = _fitting(trace)
    sequences = [_sequence(trace, number) for number in range(count)]
    if contributions is not None:
        sequences[0]["contributions"] = contributions
    return {"task": trace.task, "model": trace.model, "sequences": sequences, "leftOut": len(trace.sequences) - count}


def look_into(trace: Trace, sequences: Sequence[dict[str, Any]], *, attentions: bool, norms: bool, budget: int) -> None:
    """Add to each sequence what the layers made of it, in a pass for each.

    Args:
        trace: the trace.
        sequences: those of its contents.
        attentions: whether to add them.
        norms: whether to add the lengths of hidden states.
        budget: characters for all; attentions get what the norms leave.
    """
    taps = [tap for tap, is_asked in (("hidden_states", norms), ("attentions", attentions)) if is_asked]
    for number, sequence in enumerate(sequences) if taps else ():
        layers = trace.looked_into(number, *taps)
        size = 0
        if norms:
            sequence["norms"] = [
                [short(length) for length in np.linalg.norm(layer.astype(np.float64), axis=-1)]
                for layer in layers["hidden_states"]
            ]
            size = len(json.dumps(sequence["norms"]))
            budget -= size
        if attentions:
            # Later ones' norms are about as long as this one's, token for token.
            later = sum(len(one["tokens"]) for one in sequences[number + 1 :])
            reserved = size * later // len(sequence["tokens"])
            share = max(budget - reserved, 0) // (len(sequences) - number)
            sequence["attentions"] = in_bytes(layers["attentions"], share * 3 // 4)
            budget -= sum(len(sequence["attentions"][part]["bytes"]) for part in PARTS if sequence["attentions"][part])


def short(number: Any) -> float | None:
    """Four digits of a number; None where it is none."""
    value = float(number)
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _fitting(trace: Trace) -> int:
    """How many sequences the page has room for."""
    ends = np.cumsum([len(one.tokens) for one in trace.sequences])
    return max(1, int(np.searchsorted(ends, TOKENS, side="right")))


def _sequence(trace: Trace, number: int) -> dict[str, Any]:
    sequence = trace.sequences[number]
    tokens = sequence.tokens
    return {
        "row": sequence.row,
        "title": _title([one.piece or one.token for one in tokens if not one.is_special]),
        "tokens": [one.token for one in tokens],
        "ids": [one.id for one in tokens],
        "pieces": [one.piece for one in tokens],
        "spans": [None if one.is_special else [one.start, one.end] for one in tokens],
        "words": [None if one.is_special else one.word for one in tokens],
        "notes": [one.note for one in tokens],
        "types": list(sequence.types),
        "values": {
            name: [short(value) for value in values.ravel()]
            for name, values in sequence.values.items()
            if not trace.labels and values.shape in ((len(tokens),), (len(tokens), 1))
        },
        "choices": _choices(trace, number, sequence),
    }


def _title(pieces: Sequence[str]) -> str:
    """How a sequence is told from others: how it begins and how it ends."""
    line = " ".join(" ".join(pieces).split())
    return line if len(line) <= 64 else f"{line[:31]} … {line[-31:]}"


def _choices(trace: Trace, number: int, sequence: TracedSequence) -> list[dict[str, Any]]:
    """Of each token that a label or a word was chosen for: the strongest, with logits and probabilities."""
    values = sequence.values.get("logits")
    if values is None or values.ndim != 2 or len(trace.labels) != values.shape[1]:
        return []
    places: Iterable[int] = range(len(sequence.tokens))
    if trace.packed.is_chosen is not None:
        start = int(trace.packed.starts[number])
        places = np.flatnonzero(trace.packed.is_chosen[start : start + len(sequence.tokens)]).tolist()
    shares = softmax(values.astype(np.float64))
    found = []
    for place, logits, own in zip(places, values, shares, strict=True):
        best = np.argsort(-logits, kind="stable")[:CHOICES]
        found.append(
            {"place": place, "best": [[trace.labels[one], short(logits[one]), short(own[one])] for one in best]}
        )
    return found


def _contributions(trace: Trace, explanation: Explained) -> list[float]:
    tokens, numbers = list(explanation.tokens), [float(one) for one in explanation.contributions]
    if tokens != trace.tokens:
        place = next(
            (n for n, (one, other) in enumerate(zip(tokens, trace.tokens, strict=False)) if one != other),
            min(len(tokens), len(trace.tokens)),
        )
        raise InputError(
            f"The explanation is of {len(tokens)} tokens, and the trace's first sequence has {len(trace.tokens)}; they "
            f"differ from token {place} on. Explain the same text with the same pipeline.",
            position=place,
        )
    if len(numbers) != len(tokens) or not all(map(math.isfinite, numbers)):
        raise InputError(
            f"The explanation has {len(tokens)} tokens and {len(numbers)} contributions. It must have one finite "
            "number for each token."
        )
    return numbers
