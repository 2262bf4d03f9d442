"""Where tokens and words stand in the texts of a row, in characters of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.tasks.task import Row
from pellucid.tasks.token_classification import starts_of

Place = tuple[int, int]


def texts_of(row: Row, settings: Any) -> list[str]:
    """The one text of a row, or both; words that were given as a list, joined."""
    delimiter = getattr(settings, "delimiter", None)
    between = " " if delimiter is None else delimiter
    return [text if isinstance(text, str) else between.join(text) for text in row if text is not None]


def places_in(encoding: Any, row: Row, settings: Any) -> list[Place]:
    """Where each token stands in its text: (0, 0) for special ones."""
    places = [(int(start), int(end)) for start, end in encoding.offsets]
    if isinstance(row.text, str):
        return places
    starts = starts_of(row.text, len(settings.delimiter))
    moved = zip(places, encoding.word_ids, strict=True)
    return [one if word is None else (one[0] + starts[word], one[1] + starts[word]) for one, word in moved]


@dataclass(frozen=True)
class Unit:
    """A word, or a token: what is hidden at once, and what contributions are summed over.

    Attributes:
        tokens: their places in the sequence.
        text: which of the texts it is of, 0 or 1.
        start: where it begins there.
        end: where it ends.
    """

    tokens: tuple[int, ...]
    text: int
    start: int
    end: int


def units_of(encoding: Any, places: Sequence[Place], held: Sequence[bool], *, by_word: bool) -> list[Unit]:
    """The words of a sequence, or its tokens, in their order.

    Args:
        encoding: the sequence.
        places: of each token in its text.
        held: tokens that belong to no word, such as special ones.
        by_word: join the tokens of a word.
    """
    owners, words = encoding.sequence_ids, encoding.word_ids
    joined: dict[Any, list[int]] = {}
    for token, is_held in enumerate(held):
        if not is_held:
            word = (owners[token], words[token]) if by_word and words[token] is not None else token
            joined.setdefault(word, []).append(token)
    return [
        Unit(
            tuple(tokens),
            owners[tokens[0]] or 0,
            min(places[token][0] for token in tokens),
            max(places[token][1] for token in tokens),
        )
        for tokens in joined.values()
    ]
