"""A picture of a text, its words coloured by what they added."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pellucid.explaining.direction import begins_right, seen_order
from pellucid.explaining.page import BLUE, ORANGE, colour_of
from pellucid.explaining.segments import Segment, segments_of
from pellucid.tracing.figures import inches_of, new_figure, written

if TYPE_CHECKING:
    from pellucid.explaining.explanation import Explanation

WIDTH = 8.0
"""Inches of a new figure."""

SIZES = (11.0, 9.0, 7.5, 6.0, 5.0)
"""Points of the letters, the largest that fit."""

LONGEST = 60
"""Columns of one word; what is longer is cut."""


@dataclass
class Placed:
    """A word in its place.

    Attributes:
        text: matplotlib's.
        number: likewise, of its contribution; None where it hardly counts.
        segment: what it is.
        width: in inches, of the wider one of the two.
        before: inches between it and the word that is read before it.
        line: which line it is on.
        left: inches from the left.
    """

    text: Any
    number: Any
    segment: Segment
    width: float
    before: float
    line: int = 0
    left: float = 0.0


def plotted(explanation: Explanation, ax: Any) -> Any:
    """The picture; see `Explanation.plot`."""
    is_new = ax is None
    if is_new:
        figure = new_figure(WIDTH, 4.0)
        # Places are in inches here, so nothing is to be moved to make room.
        figure.set_layout_engine("none")
        ax = figure.add_axes((0, 0, 1, 1))
    width, height = inches_of(ax)
    title = textwrap.wrap(explanation.title, max(20, int(width * 11)))
    for size in SIZES:
        unit = size / 72
        placed, lines = _flowed(explanation, ax, width, size)
        needed = unit * (2.2 * lines + 1.8 * len(title) + 4.5)
        if is_new or needed <= height or size == SIZES[-1]:
            break
        for drawn in [drawn for one in placed for drawn in (one.text, one.number) if drawn is not None]:
            drawn.remove()
    if is_new:
        ax.figure.set_size_inches(WIDTH, needed)
        height = needed
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    top = unit * 1.2
    for number, line in enumerate(title):
        ax.text(unit, top + 1.6 * unit * number, fontsize=size, fontweight="bold", va="center", **written(line))
    top += unit * (1.8 * len(title) + 0.8)
    for one in placed:
        _put(one, ax, top + 2.2 * unit * one.line, size)
    bottom = top + unit * (2.2 * lines + 0.6)
    ax.text(unit, bottom, "blue, +: for the target", color=_hex(BLUE, 0.75), fontsize=0.75 * size, va="center")
    ax.text(
        unit + 0.14 * size, bottom, "orange, −: against it", color=_hex(ORANGE, 0.75), fontsize=0.75 * size, va="center"
    )
    return ax.figure


def _put(one: Placed, ax: Any, y: float, size: float) -> None:
    """Move a word to its place, its number below it, and colour it."""
    middle, share = one.left + one.width / 2, one.segment.share
    one.text.set(x=middle, y=y, ha="center")
    if one.number is None or share is None:
        return
    one.number.set_position((middle, y + 1.05 * size / 72))
    one.text.set_bbox(
        {
            "boxstyle": "round,pad=0.12",
            "facecolor": [part / 255 for part in colour_of(share)],
            "edgecolor": _hex(BLUE if share > 0 else ORANGE),
            "linewidth": 0.6,
            "linestyle": "-" if share > 0 else ":",
        }
    )


def _hex(colour: tuple[int, int, int], light: float = 1.0) -> str:
    return "#{:02x}{:02x}{:02x}".format(*(round(part * light) for part in colour))


def _flowed(explanation: Explanation, ax: Any, width: float, size: float) -> tuple[list[Placed], int]:
    """The words of the texts in lines, each text beginning a new one; and how many lines that makes."""
    unit = size / 72
    placed: list[Placed] = []
    line = -1
    for text in range(len(explanation.texts)):
        words = _drawn(segments_of(explanation, text), ax, size)
        from_right = begins_right(explanation.texts[text])
        for own in _lines(words, width - 2 * unit) if words else ():
            line += 1
            _put_side_by_side(own, line, unit, width - unit, from_right)
        placed += words
    return placed, max(line, 0) + 1


def _drawn(segments: list[Segment], ax: Any, size: float) -> list[Placed]:
    """The words of a text, drawn where they are to be moved away from."""
    unit, found = size / 72, []
    for segment, has_blank in _pieces(segments):
        drawn = ax.text(0, 0, color="#1a1a1a", fontsize=size, va="center", **written(segment.shown, LONGEST))
        number = None
        if segment.contribution is not None and segment.level:
            told = f"{segment.contribution:+.2f}".replace("-", "−")
            number = ax.text(0, 0, told, fontsize=0.6 * size, ha="center", va="center", color="#1a1a1a")
        extent = _width(drawn) if number is None else max(_width(drawn) + 0.24 * unit, _width(number))
        found.append(Placed(drawn, number, segment, extent, unit * (0.34 if has_blank else 0.1)))
    return found


def _lines(words: list[Placed], room: float) -> list[list[Placed]]:
    """Words in lines that are not longer than the room."""
    lines: list[list[Placed]] = [[]]
    used = 0.0
    for word in words:
        if lines[-1] and used + word.before + word.width > room:
            lines.append([])
        used = word.width if not lines[-1] else used + word.before + word.width
        lines[-1].append(word)
    return lines


def _put_side_by_side(words: list[Placed], line: int, left: float, right: float, from_right: bool) -> None:
    """Give the words of a line their places, in the order in which they are seen."""
    order = seen_order([word.segment.shown for word in words], from_right)
    gaps = [words[max(one, other)].before for one, other in pairwise(order)]
    x = right - sum(word.width for word in words) - sum(gaps) if from_right else left
    for place, gap in zip(order, [*gaps, 0.0], strict=True):
        words[place].left, words[place].line = x, line
        x += words[place].width + gap


def _width(text: Any) -> float:
    """How wide text is, in inches."""
    return float(text.get_window_extent().width / text.figure.dpi)


def _pieces(segments: list[Segment]) -> Iterator[tuple[Segment, bool]]:
    """The words of a text one by one, and whether there is a blank before each."""
    blank = False
    for segment in segments:
        if segment.share is not None:
            yield Segment(" ".join(segment.shown.split()), segment.share, segment.contribution), blank
            blank = False
            continue
        blank = blank or segment.shown[:1].isspace()
        for piece in segment.shown.split():
            yield Segment(piece), blank
            blank = True
        blank = segment.shown[-1:].isspace()
