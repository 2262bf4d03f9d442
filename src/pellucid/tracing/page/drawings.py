"""Drawings of a page that need no script: bars, the packed row, a vector. Their numbers stand beside them in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

ROWS = 16
"""Sequences of the rectangle that are drawn."""

CELLS = 160
"""Tokens of a row that are drawn one by one; more would be a blur."""

NUMBERS = 1024
"""Numbers of a vector that are drawn."""


def bar(share: float) -> str:
    """A bar from the left, 0 to 1."""
    width = 100 * min(max(share, 0.0), 1.0) if math.isfinite(share) else 0
    return f'<svg class="bar" viewBox="0 0 100 8" {_HIDDEN}><rect width="{width:.2f}" height="8"/></svg>'


def signed_bar(share: float) -> str:
    """A bar from the middle: to the right above 0, to the left below, −1 to 1."""
    width = 50 * min(abs(share), 1.0) if math.isfinite(share) else 0
    start, kind = (50.0, "for") if share >= 0 else (50.0 - width, "against")
    return (
        f'<svg class="bar signed" viewBox="0 0 100 8" {_HIDDEN}><line x1="50" x2="50" y2="8"/>'
        f'<rect class="{kind}" x="{start:.2f}" width="{width:.2f}" height="8"/></svg>'
    )


def packed_drawing(lengths: Sequence[int]) -> str:
    """The rectangle with its padding above, the row of all tokens below, in one scale."""
    longest, total = max(lengths), sum(lengths)
    drawn = lengths[:ROWS]
    # A gap between tokens, where there is room for one.
    gap = min(0.12, total / 400) if total <= CELLS else 0

    def cells(start: int, length: int, kind: str, top: int = 0) -> str:
        places = [(place, 1 - gap) for place in range(start, start + length)] if gap else [(start, length)]
        return "".join(
            f'<rect class="{kind}" x="{place}" y="{top}" width="{width:.3g}" height="12"/>'
            for place, width in places
            if width
        )

    rectangle = "".join(
        cells(0, length, f"own{n % 2}", 14 * n) + cells(length, longest - length, "padding", 14 * n)
        for n, length in enumerate(drawn)
    )
    starts = accumulate(lengths[:-1], initial=0)
    row = "".join(
        cells(start, length, f"own{n % 2}") for n, (start, length) in enumerate(zip(starts, lengths, strict=True))
    )
    words = (
        f"{len(lengths)} sequences of {', '.join(map(str, drawn))}{' …' if len(drawn) < len(lengths) else ''} tokens"
    )
    more = f", the first {ROWS} of {len(lengths)} sequences" if len(lengths) > ROWS else ""
    first = (
        f"<figure><figcaption>as a rectangle{more}; what is pale would be padding</figcaption>"
        f"{_picture(total, 14 * len(drawn) - 2, f'A rectangle: {words}', rectangle, 'cells')}</figure>"
    )
    second = (
        f"<figure><figcaption>packed: one row of {total}</figcaption>"
        f"{_picture(total, 12, f'One row: {words}, one behind the other', row, 'cells')}</figure>"
    )
    return f'<div class="packed">{first if len(lengths) > 1 else ""}{second}</div>'


def vector_drawing(values: Sequence[float]) -> str:
    """A vector as a strip, a stroke a number: up above 0, down below."""
    drawn = [value if math.isfinite(value) else 0.0 for value in values[:NUMBERS]]
    most = max(map(abs, drawn)) or 1.0
    strokes = "".join(
        f'<rect class="{"for" if value >= 0 else "against"}" x="{n}" y="{20 - max(value, 0) / most * 20:.2f}" '
        f'width="1" height="{abs(value) / most * 20:.2f}"/>'
        for n, value in enumerate(drawn)
    )
    words = f"{len(drawn)} numbers from {min(drawn):.3f} to {max(drawn):.3f}"
    return f"<figure>{_picture(len(drawn), 40, words, strokes, 'vector')}<figcaption>{words}</figcaption></figure>"


_HIDDEN = 'preserveAspectRatio="none" aria-hidden="true" focusable="false"'


def _picture(width: float, height: float, words: str, body: str, kind: str) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" height="{height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{words}">{body}</svg>'
    )
