"""What a trace is made of: tokens, stages, and the sequences that were computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Token:
    """One token of a sequence.

    Attributes:
        token: as the vocabulary has it.
        id: its number there.
        start: where it begins in its text, in characters; 0 for special tokens.
        end: where it ends.
        word: which word of its text it belongs to; None for special tokens.
        is_special: whether it was put there, and is not of the text.
        note: what is to be said of it: why it is there, or that its word was split.
        piece: the characters of its text that it stands for; "" for special tokens.
    """

    token: str
    id: int
    start: int
    end: int
    word: int | None
    is_special: bool
    note: str = ""
    piece: str = ""


@dataclass(frozen=True)
class Stage:
    """One step from text to answer.

    Attributes:
        name: its name.
        sentence: what it did.
        shape: of what came out, with the letters of the axes; "" where it has none.
        dtype: of what came out; "" where it has none.
        seconds: how long it took; None where it took part of the next one's time.
        shown: what came out, in a line.
    """

    name: str
    sentence: str
    shape: str
    dtype: str
    seconds: float | None
    shown: str


@dataclass(frozen=True)
class TracedSequence:
    """One sequence that was computed: a text, a pair, or a window of a long text.

    Attributes:
        row: which of the task's texts it is of.
        tokens: with special tokens.
        types: the type of each token.
        values: the model's outputs by name.
    """

    row: int
    tokens: Sequence[Token]
    types: Sequence[int]
    values: dict[str, Floats]
