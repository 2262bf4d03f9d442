"""An explanation in words: for a terminal, and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pellucid.explaining.segments import LISTED, Segment, largest, segments_of, sign_of, strongest
from pellucid.tracing.words import BOLD, DIM, PLAIN, clipped, columns_of, markdown_cell, padded

if TYPE_CHECKING:
    from pellucid.explaining.explanation import Explanation

FOR = ("", "\x1b[30;48;5;153m", "\x1b[30;48;5;117m", "\x1b[30;48;5;75m")
AGAINST = ("", "\x1b[30;48;5;223m", "\x1b[30;48;5;216m", "\x1b[30;48;5;208m")
"""Black on blue and on orange, by how much a word counts."""


def as_text(explanation: Explanation, width: int, colours: bool) -> str:
    """The text with signs, and the strongest words with bars."""
    bold, dim, plain = (BOLD, DIM, PLAIN) if colours else ("", "", "")
    inside = max(width - 2, 20)
    lines = [f"{bold}{clipped(explanation.title, width)}{plain}"]
    lines += [f"  {line}" for line in textwrap.wrap(explanation.account, inside)]
    if explanation.note:
        lines += [f"  {line}" for line in textwrap.wrap(explanation.note, inside)]
    for text in range(len(explanation.texts)):
        segments = segments_of(explanation, text)
        lines += ["", *(f"  {line}" for line in flowed(segments, inside, colours))] if segments else []
    lines.append("")
    lines += _bars(explanation, width, colours)
    lines += [f"{dim}  {line}{plain}" for line in textwrap.wrap(explanation.limits, inside)]
    return "\n".join(line.rstrip() for line in lines)


def _bars(explanation: Explanation, width: int, colours: bool) -> list[str]:
    """The words that count most, with their numbers and bars of one length for the largest."""
    words, most = strongest(explanation, LISTED), largest(explanation)
    if not words:
        return ["  No word counts anything.", ""]
    found, room = [], max(4, min(24, width - 40))
    for word in words:
        share = word.contribution / most
        bar = ("█" if share > 0 else "░") * max(1, round(abs(share) * room))
        start, plain = _colour(share) if colours else ("", "")
        shown = clipped(" ".join(word.word.split()), max(width - room - 16, 6))
        found.append(f"  {word.contribution:>+9.4f}  {padded(bar, room)}  {start}{shown}{plain}")
    rest = sum(1 for word in explanation.words if word.contribution) - len(words)
    if rest:
        found.append(f"  and {rest} {'word' if rest == 1 else 'words'} that count{'s' if rest == 1 else ''} less")
    return [*found, ""]


def _colour(share: float) -> tuple[str, str]:
    start = (FOR if share > 0 else AGAINST)[len(sign_of(share))]
    return (start, PLAIN) if start else ("", "")


def flowed(segments: Sequence[Segment], width: int, colours: bool) -> list[str]:
    """A text broken into lines, with a sign behind each word that counts."""
    lines, used = [""], 0
    blank = False
    for segment in segments:
        if segment.share is None:
            pieces = segment.shown.split()
            starts, ends = segment.shown[:1].isspace(), segment.shown[-1:].isspace()
        else:
            pieces, starts, ends = [" ".join(segment.shown.split())], False, False
        blank = blank or starts
        for place, piece in enumerate(pieces):
            start, plain = _colour(segment.share) if colours and segment.share is not None else ("", "")
            shown = clipped(piece, max(width - len(segment.sign), 1)) + segment.sign
            size = columns_of(shown)
            gap = blank or place > 0
            if used and used + gap + size > width:
                lines.append("")
                used, gap = 0, False
            between = " " if gap and used else ""
            lines[-1] += f"{between}{start}{shown}{plain}"
            used += len(between) + size
            blank = False
        blank = blank or ends
    return lines


def as_markdown(explanation: Explanation) -> str:
    """A table of every word."""
    most = largest(explanation)
    lines = [f"# {markdown_cell(explanation.title)}", "", markdown_cell(explanation.account)]
    lines += ["", markdown_cell(explanation.note)] if explanation.note else []
    for text in explanation.texts if len(explanation.texts) > 1 else ():
        lines += ["", f"> {markdown_cell(text)}"]
    lines += ["", "| word | place | contribution | |", "| --- | --- | ---: | --- |"]
    for word in explanation.words:
        text = f"text {word.text + 1}, " if len(explanation.texts) > 1 else ""
        sign = sign_of(word.contribution / most) if most else ""
        lines.append(
            f"| {markdown_cell(word.word)} | {text}{word.start}–{word.end} | {word.contribution:+.4f} | {sign} |"
        )
    return "\n".join([*lines, "", markdown_cell(explanation.limits)]) + "\n"
