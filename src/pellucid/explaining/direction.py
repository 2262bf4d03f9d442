"""In which order the words of a line are seen, where scripts are written from left to right and from right to left.

Source: the reordering of the Unicode Bidirectional Algorithm (Unicode Standard Annex 9), for whole words on one level.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def begins_right(text: str) -> bool:
    """Whether the first letter belongs to a script that is written from right to left."""
    return _is_right(text) or False


def seen_order(words: Sequence[str], from_right: bool) -> list[int]:
    """The places of a line's words as they are seen from left to right.

    Args:
        words: as they are read.
        from_right: whether the text is one that begins on the right.
    """
    own = [_is_right(word) for word in words]
    # What is neither, such as a number or a comma, goes with its neighbours where these agree, else with the text.
    directions = []
    for place, is_right in enumerate(own):
        if is_right is None:
            before = next((one for one in reversed(own[:place]) if one is not None), from_right)
            behind = next((one for one in own[place:] if one is not None), from_right)
            is_right = before if before == behind else from_right
        directions.append(is_right)
    runs: list[list[int]] = []
    for place, is_right in enumerate(directions):
        if runs and directions[runs[-1][0]] == is_right:
            runs[-1].append(place)
        else:
            runs.append([place])
    ordered = [run[::-1] if directions[run[0]] else run for run in runs]
    return [place for run in (reversed(ordered) if from_right else ordered) for place in run]


def _is_right(text: str) -> bool | None:
    """By the first letter of some text; None where it has none."""
    kinds = (unicodedata.bidirectional(sign) for sign in text)
    return next((kind in ("R", "AL") for kind in kinds if kind in ("L", "R", "AL")), None)
