"""Two runs side by side: the first stage where they part, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.errors import InputError
from pellucid.tracing.comparison import Compared, Comparison
from pellucid.tracing.sides import Side

Floats = npt.NDArray[np.floating[Any]]

ALLOWED = {
    "float64": (1e-9, 1e-9),
    "float32": (1e-4, 1e-4),
    "float16": (3e-2, 3e-2),
    "bfloat16": (2e-1, 5e-2),
    "int8": (5e-1, 1e-1),
}
"""What two right computations may differ by, for each precision: absolutely, and as a share of the value.

float32 leaves room for the order in which numbers are added. The others are some times what docs/reference/precision.md
measures on real weights; int8 is what a checkpoint loses that `pellucid quantize` accepts.
"""


def compared(
    one: Side,
    other: Side,
    absolute: float | None = None,
    relative: float | None = None,
    attentions: bool = False,
) -> Comparison:
    """Go through the stages of two runs.

    Args:
        one: a run.
        other: what it is held against.
        absolute: the difference that is allowed for any number; left out, that of the coarser precision.
        relative: what is allowed besides, as a share of the other's number.
        attentions: also compare how tokens look at each other.

    Raises:
        InputError: a bar that is negative or no number.
    """
    coarser = max((one.dtype, other.dtype), key=list(ALLOWED).index)
    bar = tuple(
        usual if given is None else _checked(given, name)
        for given, usual, name in zip((absolute, relative), ALLOWED[coarser], ("absolute", "relative"), strict=True)
    )
    stages = list(_stages(one, other, (bar[0], bar[1]), attentions))
    return Comparison(one.name, other.name, bar[0], bar[1], stages)


def _checked(value: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InputError(f"`{name}={value!r}` must be a number, 0 or more.", name=name)
    return float(value)


def _stages(one: Side, other: Side, bar: tuple[float, float], attentions: bool) -> Iterator[Compared]:
    yield _listed("tokens", one.tokens, other.tokens)
    yield _listed("ids", one.ids, other.ids)
    lengths, others = [len(own) for own in one.ids], [len(own) for own in other.ids]
    if lengths != others:
        yield _unlike("hidden states", f"{lengths} and {others} tokens can't be laid side by side")
    else:
        owners = [(sequence, token) for sequence, own in enumerate(one.tokens) for token in own]
        yield from _layers(one, other, owners, bar, attentions)
    for number, (own, theirs) in enumerate(zip(one.outputs, other.outputs, strict=False)):
        where = f" of sequence {number}" if len(one.outputs) > 1 else ""
        for name in own:
            if name in theirs:
                title = f"{name.replace('_', ' ')}{where}"
                yield _numbers(title, own[name], theirs[name], bar, lambda index: _place(index, one.labels))
    if one.answer and other.answer:
        yield _answers(one.answer[0], other.answer[0], bar)


def _layers(
    one: Side, other: Side, owners: Sequence[tuple[int, str]], bar: tuple[float, float], attentions: bool
) -> Iterator[Compared]:
    ours, theirs = one.hidden_states(), other.hidden_states()
    seen: tuple[Sequence[Floats], Sequence[Floats]] = (one.attentions(), other.attentions()) if attentions else ((), ())

    def token(index: tuple[int, ...]) -> str:
        sequence, text = owners[index[0]]
        several = f"sequence {sequence}, " if owners[-1][0] else ""
        return f"{several}token {text!r} in row {index[0]}, dimension {index[1]}"

    def look(index: tuple[int, ...]) -> str:
        return (
            f"head {index[0]}, {owners[index[1]][1]!r} in row {index[1]} at {owners[index[2]][1]!r} in row {index[2]}"
        )

    for number, (mine, yours) in enumerate(zip_longest(ours, theirs)):
        title = f"layer {number - 1}" if number else "embeddings"
        if mine is None or yours is None:
            count = f"{len(ours) - 1} and {len(theirs) - 1} layers"
            yield _unlike(title, f"{count}: from here on one of the two has none")
            return
        if 0 < number <= min(map(len, seen)):
            yield _numbers(f"attention of layer {number - 1}", seen[0][number - 1], seen[1][number - 1], bar, look)
        yield _numbers(title, mine, yours, bar, token)


def _listed(name: str, ours: Sequence[Sequence[Any]], theirs: Sequence[Sequence[Any]]) -> Compared:
    if len(ours) != len(theirs):
        return _unlike(name, f"{len(ours)} and {len(theirs)} sequences")
    for sequence, (own, other) in enumerate(zip(ours, theirs, strict=True)):
        several = f"sequence {sequence}, " if len(ours) > 1 else ""
        for place, (one, two) in enumerate(zip_longest(own, other)):
            if one != two:
                return Compared(name, False, None, None, f"{several}token {place}", (one, two))
    return Compared(name, True, None, None, "", None)


def _numbers(name: str, ours: Any, theirs: Any, bar: tuple[float, float], place: Any) -> Compared:
    one, two = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if one.shape != two.shape:
        return _unlike(name, f"shapes {list(one.shape)} and {list(two.shape)}")
    if not one.size:
        return Compared(name, True, 0.0, bar[0], "", None)
    # Equal infinities differ by nothing; what is no number on one side alone is as far off as can be.
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, np.nan_to_num(np.abs(one - two), nan=np.inf, posinf=np.inf))
    allowed = bar[0] + bar[1] * np.nan_to_num(np.abs(two))
    index = np.unravel_index(int(np.argmax(difference - allowed)), one.shape)
    is_same = bool((difference <= allowed).all())
    spot = tuple(int(axis) for axis in index)
    values = (float(one[index]), float(two[index]))
    if is_same:
        spot = tuple(int(axis) for axis in np.unravel_index(int(np.argmax(difference)), one.shape))
        values = (float(one[spot]), float(two[spot]))
    return Compared(name, is_same, float(difference[spot]), float(allowed[spot]), place(spot), values)


def _place(index: tuple[int, ...], labels: Sequence[str]) -> str:
    """Where in an output a number stands."""
    if not index:
        return ""
    last = labels[index[-1]] if index[-1] < len(labels) else f"number {index[-1]}"
    return f"row {index[0]}, {last}" if len(index) > 1 else str(last)


def _answers(ours: Any, theirs: Any, bar: tuple[float, float]) -> Compared:
    apart = next(_apart(ours, theirs, bar, ""), None)
    if apart is None:
        return Compared("answer", True, None, None, "", None)
    return Compared("answer", False, None, None, apart[0], apart[1:])


def _apart(ours: Any, theirs: Any, bar: tuple[float, float], where: str) -> Iterator[tuple[str, Any, Any]]:
    """The places where two answers are not the same, the first one first."""
    if isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
        ours, theirs = ours.tolist(), theirs.tolist()
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            yield from _apart(ours.get(key), theirs.get(key), bar, f"{where} {key}".strip())
    elif isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        for number, (one, two) in enumerate(zip_longest(ours, theirs)):
            yield from _apart(one, two, bar, f"{where} {number}".strip())
    elif isinstance(ours, float) and isinstance(theirs, float):
        if not math.isclose(ours, theirs, abs_tol=bar[0], rel_tol=bar[1]):
            yield where, ours, theirs
    elif ours != theirs:
        yield where, ours, theirs


def _unlike(name: str, why: str) -> Compared:
    return Compared(name, False, None, None, why, None)
