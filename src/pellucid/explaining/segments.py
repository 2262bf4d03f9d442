"""A text as pieces to be shown: its words with their contributions, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pellucid.explaining.explanation import Explanation, Word

LEVELS = (0.1, 1 / 3, 2 / 3)
"""From which part of the largest contribution on a word counts as weak, middling and strong."""

LISTED = 12
"""How many words are listed below a text."""

AROUND = 30
"""Characters that are shown before and behind what was read of a text."""


@dataclass(frozen=True)
class Segment:
    """A piece of a text.

    Attributes:
        shown: the piece.
        share: its contribution as a part of the largest one's size, −1 to 1; None between words.
        contribution: the number; None between words.
    """

    shown: str
    share: float | None = None
    contribution: float | None = None

    @property
    def sign(self) -> str:
        """One to three signs, + or −, by how much it counts; none where it hardly does."""
        return "" if self.share is None else sign_of(self.share)

    @property
    def level(self) -> int:
        """0 to 3, by how much it counts."""
        return len(self.sign)


def sign_of(share: float) -> str:
    """One to three signs by a part of the largest contribution."""
    return ("+" if share > 0 else "−") * sum(abs(share) >= level for level in LEVELS)


def largest(explanation: Explanation) -> float:
    """The size of the largest contribution of a word."""
    return max((abs(word.contribution) for word in explanation.words), default=0.0)


def strongest(explanation: Explanation, count: int) -> list[Word]:
    """The words that count most, in the order of their sizes; those that count nothing are left out."""
    words = [word for word in explanation.words if word.contribution]
    return sorted(words, key=lambda word: -abs(word.contribution))[:count]


def segments_of(explanation: Explanation, text: int) -> list[Segment]:
    """The pieces of a text, from the first that was read to the last."""
    whole, most = explanation.texts[text], largest(explanation)
    words = _apart([word for word in explanation.words if word.text == text and word.end > word.start])
    if not words:
        return [Segment(_shortened(whole))] if whole.strip() else []
    found, place = [], max(0, words[0][0] - AROUND)
    if place:
        found.append(Segment("…"))
    for start, end, contribution in words:
        # Some tokenizers count the blank before a word to the word.
        blank = len(whole[start:end]) - len(whole[start:end].lstrip())
        if start + blank > place:
            found.append(Segment(whole[place : start + blank]))
        if start + blank < end:
            found.append(Segment(whole[start + blank : end], contribution / most if most else 0.0, contribution))
        place = end
    rest = whole[place:]
    found.append(Segment(rest if len(rest) <= AROUND else f"{rest[:AROUND]}…"))
    return [one for one in found if one.shown]


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"


def _apart(words: Sequence[Word]) -> list[tuple[int, int, float]]:
    """Where words stand, those that share characters as one: an emoji may be several tokens."""
    found: list[tuple[int, int, float]] = []
    for word in sorted(words, key=lambda one: (one.start, one.end)):
        if found and word.start < found[-1][1]:
            start, end, contribution = found[-1]
            found[-1] = (start, max(end, word.end), contribution + word.contribution)
        else:
            found.append((word.start, word.end, word.contribution))
    return found
