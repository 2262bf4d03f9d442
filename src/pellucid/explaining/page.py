"""An explanation as HTML that needs nothing else: no script, no style sheet, no other file."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pellucid.explaining.segments import LISTED, Segment, largest, segments_of, strongest

if TYPE_CHECKING:
    from pellucid.explaining.explanation import Explanation

BLUE, ORANGE = (0x2B, 0x7B, 0xBA), (0xE6, 0x6F, 0x0C)
"""For and against the target; told apart by eyes of every kind (Okabe & Ito, 2008), and also by their underlines."""


def as_html(explanation: Explanation, page: bool) -> str:
    """The text in colours, and the strongest words."""
    paragraphs = "".join(
        f'<p dir="auto" style="line-height:2;font-size:1.05em;white-space:pre-wrap;overflow-wrap:anywhere">'
        f"{''.join(map(_span, segments_of(explanation, text)))}</p>"
        for text in range(len(explanation.texts))
    )
    note = f"<p>{escape(explanation.note)}</p>" if explanation.note else ""
    part = (
        '<div class="pellucid-explanation" style="font-family:system-ui,sans-serif;max-width:48em">'
        f"<p><strong>{escape(explanation.title)}</strong></p>{paragraphs}{_legend()}{_table(explanation)}"
        f"<p>{escape(explanation.account)}</p>{note}"
        f'<p style="opacity:.75">{escape(explanation.limits)}</p></div>'
    )
    if not page:
        return part
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(explanation.title)}</title></head>\n"
        f'<body style="margin:2em;background:#fff;color:#1a1a1a">{part}</body></html>\n'
    )


def colour_of(share: float) -> tuple[int, int, int]:
    """From white to blue for a share up to 1, to orange for one down to −1."""
    target = BLUE if share > 0 else ORANGE
    # Never the whole colour: black must be readable on it.
    part = 0.75 * min(1.0, abs(share))
    return tuple(round(255 + (one - 255) * part) for one in target)  # type: ignore[return-value]


def _style(share: float) -> str:
    line = "solid" if share > 0 else "dotted"
    colour = "#{:02x}{:02x}{:02x}".format(*(BLUE if share > 0 else ORANGE))
    return (
        f"background:#{'{:02x}{:02x}{:02x}'.format(*colour_of(share))};color:#1a1a1a;padding:.1em .15em;"
        f"border-radius:.2em;border-bottom:.15em {line} {colour}"
    )


def _span(segment: Segment) -> str:
    if segment.share is None or segment.contribution is None or not segment.level:
        return escape(segment.shown)
    return (
        f'<span style="{_style(segment.share)}" title="{segment.contribution:+.4f}">{escape(segment.shown)}'
        f'<sup style="font-size:.6em">{segment.sign}</sup></span>'
    )


def _legend() -> str:
    return (
        f'<p style="font-size:.85em"><span style="{_style(0.6)}">+ for the target</span> '
        f'<span style="{_style(-0.6)}">− against it</span></p>'
    )


def _table(explanation: Explanation) -> str:
    words, most = strongest(explanation, LISTED), largest(explanation)
    if not words:
        return "<p>No word counts anything.</p>"
    rows = "".join(
        '<tr><td style="text-align:right;font-variant-numeric:tabular-nums;padding:0 .6em">'
        f"{word.contribution:+.4f}</td>"
        f'<td style="width:12em"><div style="height:.8em;width:{100 * abs(word.contribution) / most:.1f}%;'
        f'background:{"#{:02x}{:02x}{:02x}".format(*(BLUE if word.contribution > 0 else ORANGE))}"></div></td>'
        f'<td dir="auto" style="text-align:left;padding:0 .6em">{escape(word.word)}</td></tr>'
        for word in words
    )
    return f'<table style="border-collapse:collapse;font-size:.9em">{rows}</table>'
