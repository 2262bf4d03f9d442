"""Figures that show themselves in a notebook, and text in them that no font lacks.

Neither pyplot nor its backends are touched: a figure made here belongs to whoever asked for it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np

from pellucid.errors import NotInstalledError
from pellucid.tracing.words import clipped

try:
    from matplotlib import font_manager
    from matplotlib.figure import Figure
except ImportError as error:
    raise NotInstalledError(
        "Plots need the package `matplotlib`, which is not installed. Install it with `pip install pellucid[plot]`.",
        package="matplotlib",
    ) from error

PREFERRED = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "Noto Serif CJK JP", "Noto Serif CJK SC",
    "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Emoji", "Noto Sans Symbols", "Noto Sans Symbols 2", "Symbola",
    "Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo", "Geeza Pro", "Arial Unicode MS", "Apple Symbols",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Segoe UI", "Segoe UI Symbol", "Segoe UI Emoji", "Nirmala UI",
    "WenQuanYi Zen Hei", "Droid Sans Fallback", "Unifont",
)  # fmt: skip
"""Fonts of many scripts, as systems have them, in the order in which they are asked for a character; then come all
others of Noto Sans, of which each has a script. Fonts of coloured pictures cannot be drawn."""

MISSING = "□"
"""What stands for a character that no font here has."""

TICK_INCHES = 0.155
"""What the label of one token takes of an axis."""


class Picture(Figure):
    """A figure that a notebook shows when it is the value of a cell, whether or not pyplot was ever imported."""

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        self.savefig(content, format="png", bbox_inches="tight")
        return content.getvalue()


def new_figure(width: float, height: float) -> Any:
    """An empty figure of so many inches."""
    return Picture(figsize=(width, height), layout="constrained")


def axes_for(ax: Any, width: float, height: float) -> Any:
    """The caller's axes, or those of a new figure of so many inches."""
    return new_figure(width, height).add_subplot() if ax is None else ax


def inches_of(ax: Any) -> tuple[float, float]:
    """How wide and how high axes are."""
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    return float(box.width / dpi), float(box.height / dpi)


def written(text: str, columns: int | None = None) -> dict[str, Any]:
    """Text as matplotlib's own arguments: with fonts that have its characters, and no markup read in it.

    Args:
        text: anything, of any script.
        columns: where to cut it; None for nowhere.
    """
    (shown,), families = drawable((text if columns is None else clipped(text, columns),))
    return {"s": shown, "fontfamily": families, "parse_math": False}


def labelled(
    axis: Any, labels: Sequence[str], length: float, *, columns: int = 16, size: float = 7.5, **arguments: Any
) -> None:
    """Name the places 0, 1, 2 … of an axis; where there are too many for it, every second, third … one.

    Args:
        axis: `ax.xaxis` or `ax.yaxis`.
        labels: of all places.
        length: of the axis in inches.
        columns: where to cut a label.
        size: of the letters, in points.
        arguments: for the labels, such as `rotation`.
    """
    step = max(1, int(np.ceil(len(labels) * TICK_INCHES / max(length, TICK_INCHES))))
    places = list(range(0, len(labels), step))
    shown, families = drawable(tuple(clipped(labels[place], columns) for place in places))
    axis.set_ticks(places, labels=list(shown), fontfamily=families, parse_math=False, fontsize=size, **arguments)


def drawable(texts: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """Texts without characters that no font has, and the families that have the others.

    matplotlib warns of each character that is missing and draws a box; here a box is put there beforehand.
    """
    usual = list(font_manager.FontProperties().get_family())
    families = list(usual)
    made = []
    for text in texts:
        signs = []
        for sign in text:
            family = _family_of(sign, tuple(usual))
            if family is not None:
                if family and family not in families:
                    families.append(family)
                signs.append(sign)
            elif unicodedata.category(sign) in ("Cc", "Zl", "Zp"):
                signs.append(" ")
            elif unicodedata.category(sign) not in ("Cf", "Mn", "Me"):
                signs.append(MISSING)
        made.append("".join(signs))
    return tuple(made), families


@lru_cache(maxsize=4096)
def _family_of(sign: str, usual: tuple[str, ...]) -> str | None:
    """A family that has a character; "" for the usual one, None where none has it."""
    if unicodedata.category(sign) in ("Cc", "Cs", "Cn", "Zl", "Zp"):
        return None
    if _has(font_manager.findfont(font_manager.FontProperties(family=list(usual))), sign):
        return ""
    return next((family for family, path in _fonts() if _has(path, sign)), None)


@lru_cache(maxsize=1)
def _fonts() -> tuple[tuple[str, str], ...]:
    """The fonts to ask that are installed, and where."""
    upright: dict[str, str] = {}
    for font in font_manager.fontManager.ttflist:
        if font.style == "normal" and (font.name in PREFERRED or font.name.startswith("Noto Sans")):
            if str(font.weight) in ("400", "normal", "regular"):
                upright[font.name] = font.fname
            upright.setdefault(font.name, font.fname)
    names = [name for name in PREFERRED if name in upright]
    return tuple((name, upright[name]) for name in dict.fromkeys([*names, *sorted(upright)]))


def _has(path: str, sign: str) -> bool:
    return bool(font_manager.get_font(path).get_char_index(ord(sign)))
