"""A trace in words: for a terminal, and as Markdown."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.tracing.trace import Trace

BOLD, DIM, GREEN, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[0m"

TOKENS = 48
"""The most tokens of a sequence that are listed."""

SEQUENCES = 3
"""The most sequences whose tokens are listed."""


def as_text(trace: Trace, width: int, colours: bool) -> str:
    """The stages, and below them the tokens."""
    bold, dim, green, plain = (BOLD, DIM, GREEN, PLAIN) if colours else ("", "", "", "")
    lines = []
    for number, stage in enumerate(trace.stages, 1):
        title = f"{number} {stage.name}"
        about = "  ".join(part for part in (stage.shape, stage.dtype, _time(stage.seconds)) if part)
        about = clipped(f"  {about}", max(width - len(title), 3)) if about else ""
        lines.append(f"{bold}{title}{plain}{dim if about else ''}{about}{plain if about else ''}")
        lines += [f"  {line}" for line in textwrap.wrap(stage.sentence, max(width - 2, 20))]
        if stage.shown:
            lines.append(f"  {green}{clipped(stage.shown, max(width - 2, 10))}{plain}")
    for number, sequence in enumerate(trace.sequences[:SEQUENCES]):
        title = "tokens" if len(trace.sequences) == 1 else f"tokens of sequence {number}"
        lines += ["", f"{bold}{title}{plain}"]
        longest = max(columns_of(one.token) for one in sequence.tokens[:TOKENS])
        for place, one in enumerate(sequence.tokens[:TOKENS]):
            span = "" if one.is_special else f"{one.start}–{one.end}"
            line = f"{place:>4}  {padded(one.token, min(longest, 24))}  {one.id:>7}  {span:>9}  {one.note}"
            lines.append(
                f"{dim if one.is_special else ''}{clipped(line, width)}{plain if one.is_special else ''}".rstrip()
            )
        if len(sequence.tokens) > TOKENS:
            lines.append(f"      and {len(sequence.tokens) - TOKENS} more")
    if len(trace.sequences) > SEQUENCES:
        lines += ["", f"and {len(trace.sequences) - SEQUENCES} sequences more"]
    return "\n".join(lines)


def as_markdown(trace: Trace) -> str:
    """The same as tables."""
    lines = [f"# {trace.task} by {trace.model}", "", "| stage | what it did | shape | dtype | ms | what came out |"]
    lines.append("| --- | --- | --- | --- | ---: | --- |")
    for stage in trace.stages:
        time = "" if stage.seconds is None else f"{1e3 * stage.seconds:.2f}"
        cells = [stage.name, stage.sentence, stage.shape, stage.dtype, time, stage.shown]
        lines.append("| " + " | ".join(markdown_cell(cell) for cell in cells) + " |")
    for number, sequence in enumerate(trace.sequences):
        lines += [
            "",
            f"## Tokens of sequence {number}",
            "",
            "| | token | id | place | |",
            "| ---: | --- | ---: | --- | --- |",
        ]
        for place, one in enumerate(sequence.tokens):
            span = "" if one.is_special else f"{one.start}–{one.end}"
            lines.append(f"| {place} | {markdown_cell(one.token)} | {one.id} | {span} | {one.note} |")
    return "\n".join(lines) + "\n"


def padded(words: str, columns: int) -> str:
    """Filled up with blanks to so many columns of a terminal."""
    return words + " " * max(0, columns - columns_of(words))


def clipped(words: str, columns: int) -> str:
    """Cut to so many columns of a terminal."""
    if columns_of(words) <= columns:
        return words
    kept, used = "", 1
    for sign in words:
        used += columns_of(sign)
        if used > columns:
            break
        kept += sign
    return f"{kept}…"


def columns_of(words: str) -> int:
    """How many columns a terminal gives some text: two for wide characters, none for combining marks."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in words
    )


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{1e3 * seconds:.2f} ms"


def markdown_cell(value: Any) -> str:
    """Text as a cell shows it: no bar ends it, and no markup is read in it."""
    escaped = str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
    return escaped.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_").replace("`", "\\`").replace("[", "\\[")
