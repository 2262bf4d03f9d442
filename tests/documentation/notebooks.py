"""Reads the course's notebooks as they are kept with the test data: prose, `In [3]:` before a cell's code, outputs.

Nothing marks where a cell's code ends, or where its outputs do; a paragraph is code if Python reads it as statements.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import takewhile

SHOWN = ("TensorShape(", "tf.Tensor(")
"""How outputs begin that look like calls."""

CELL = re.compile(r"^In \[(?:\d+|None)\]:\n\n?", flags=re.MULTILINE)

MESSAGE = re.compile(
    r"(Some weights|All the weights|All PyTorch model weights|- This IS|You should probably|If your)\b"
)


def cells_of(text: str) -> list[str]:
    """The code of each cell."""
    cells = []
    for part in CELL.split(text)[1:]:
        first, *others = re.split(r"\n\s*\n", part)
        cells.append("\n\n".join([first, *takewhile(_is_code, others)]).strip("\n"))
    return cells


def _is_code(paragraph: str) -> bool:
    try:
        statements = ast.parse(paragraph).body
    except SyntaxError:
        return False
    return not paragraph.startswith(SHOWN) and not all(map(_is_value, statements))


def _is_value(statement: ast.stmt) -> bool:
    """A list, a tuple, a dictionary: what a cell shows, and Python would read too."""
    return isinstance(statement, ast.Expr) and isinstance(
        statement.value, (ast.Constant, ast.List, ast.Tuple, ast.Dict)
    )


def messages_of(text: str) -> list[str]:
    """The lines that tell of a checkpoint's weights."""
    return [line for line in text.splitlines() if MESSAGE.match(line)]


def names_sorted(line: str) -> str:
    """A line whose list of names is in the order of the alphabet: `transformers` shows a set, in any order."""
    return re.sub(r"\[('[^]]*')\]", lambda found: f"[{', '.join(sorted(found[1].split(', ')))}]", line)


def missing_from(wanted: list[str], page: list[str], shows: Callable[[str, str], bool]) -> list[str]:
    """Those of some lines that do not stand on a page in their order.

    Args:
        wanted: the lines.
        page: the page's.
        shows: whether a line of the page, the first argument, stands for one of those that are wanted.
    """
    missing, place = [], 0
    for line in wanted:
        found = next((n for n in range(place, len(page)) if shows(page[n], line)), None)
        if found is None:
            missing.append(line)
        else:
            place = found + 1
    return missing


def shows_code(page_line: str, line: str) -> bool:
    """A page prints what a notebook displays by itself, and catches what it lets fail."""
    expression, blank, comment = line.partition(" # ")
    printed = (f"print({expression}){blank}{comment}", f"print(repr({expression})){blank}{comment}")
    return page_line.strip() in (line.strip(), *printed)
