"""Tables of a page, with bars beside their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from pellucid.tracing.page.drawings import bar, signed_bar


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        words: what it says.
        is_number: whether it stands at the right.
        is_head: whether it names its row.
        bar: what is drawn beside the words.
        scale: how much a whole bar is, for numbers from 0 on; the table's, with zero in the middle, where left out.
    """

    words: str
    is_number: bool = False
    is_head: bool = False
    bar: float | None = None
    scale: float | None = None


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, scale: float = 1.0) -> str:
    """A table with its title, in a frame that scrolls by itself where it is too wide."""
    numbers = [rows[0][n].is_number if rows else False for n in range(len(heads))]
    head = "".join(
        f'<th scope="col"{" class=number" if is_number else ""}>{escape(name)}</th>'
        for name, is_number in zip(heads, numbers, strict=True)
    )
    body = "".join("<tr>" + "".join(_cell(cell, scale) for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}"><table><caption>{escape(title)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def text(value: Any) -> str:
    """Text that keeps its own direction."""
    return f"<bdi>{escape(str(value))}</bdi>"


def _cell(cell: Cell, scale: float) -> str:
    words = text(cell.words) if cell.words and not cell.is_number else escape(cell.words)
    if cell.bar is not None:
        drawn = signed_bar(cell.bar / (scale or 1)) if cell.scale is None else bar(cell.bar / cell.scale)
        words = f'<span class="beside">{drawn}<span>{words}</span></span>'
    kind = "number" if cell.is_number else ""
    opening = f' class="{kind}"' if kind else ""
    return f'<th scope="row"{opening}>{words}</th>' if cell.is_head else f"<td{opening}>{words}</td>"
