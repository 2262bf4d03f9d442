"""Labelled texts in a file: .tsv and .csv with a header, and .jsonl; every error names the line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.cli.texts import lines_of
from pellucid.errors import InputError


@dataclass(frozen=True)
class Columns:
    """What the columns are called.

    Attributes:
        text: the first or only texts.
        pair: the second texts; None for "text_pair", if there is such a column.
        label: the labels.
    """

    text: str
    pair: str | None
    label: str


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    Attributes:
        path: the file.
        lines: the line that each row begins on, counted from 1.
        texts: strings.
        pairs: strings, or None.
        labels: as they are written: strings, or of .jsonl any value.
    """

    path: str
    lines: list[int]
    texts: list[str]
    pairs: list[str] | None
    labels: list[Any]


def read_table(path: str, columns: Columns) -> Table:
    """Read a file of labelled texts.

    Raises:
        InputError: the file cannot be read, is of another kind, lacks a column, or has a bad row; with its line.
    """
    suffix = Path(path).suffix.lower()
    readers = {".tsv": _separated, ".csv": _separated, ".jsonl": _objects}
    if suffix not in readers:
        raise InputError(
            f"{path} ends in {suffix or 'nothing'!r}; expected {', '.join(readers)}. Rename it after what it holds.",
            path=path,
        )
    pair = columns.pair or "text_pair"
    table = Table(path, [], [], [], [])
    has_pairs: bool | None = True if columns.pair else None
    for number, row in readers[suffix](path):
        if has_pairs is None:
            has_pairs = pair in row
        for name in (columns.text, columns.label, *((pair,) if has_pairs else ())):
            if name not in row:
                raise InputError(
                    f"Line {number} of {path} has no {name!r}; it has {', '.join(map(repr, row))}. Name the columns "
                    "with --text, --pair and --label.",
                    line=number,
                )
        table.lines.append(number)
        table.texts.append(_string(row[columns.text], columns.text, number, path))
        table.labels.append(row[columns.label])
        if row[columns.label] in ("", None):
            raise InputError(f"Line {number} of {path} has an empty {columns.label!r}. Label it, or remove the line.")
        if has_pairs and table.pairs is not None:
            table.pairs.append(_string(row[pair], pair, number, path))
    if not table.lines:
        raise InputError(f"{path} has no row. Give at least one labelled text.", path=path)
    return table if has_pairs else Table(path, table.lines, table.texts, None, table.labels)


def _string(value: Any, name: str, number: int, path: str) -> str:
    if not isinstance(value, str):
        raise InputError(
            f"Line {number} of {path} has {value!r} as {name!r}; expected a text. Correct it, or remove the line.",
            line=number,
        )
    return value


def _separated(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows below a header; in .tsv quotation marks are text."""
    is_tabbed = path.lower().endswith(".tsv")
    lines = (f"{line}\n" for line in lines_of(path))
    reader = csv.reader(
        lines,
        delimiter="\t" if is_tabbed else ",",
        quoting=csv.QUOTE_NONE if is_tabbed else csv.QUOTE_MINIMAL,
        strict=True,
    )
    header: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            if header is None:
                header = cells
            elif cells:
                if len(cells) != len(header):
                    raise InputError(
                        f"Line {begins} of {path} has {len(cells)} columns; the header has {len(header)}: "
                        f"{', '.join(header)}. Correct it, or remove the line.",
                        line=begins,
                    )
                yield begins, dict(zip(header, cells, strict=True))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"Line {begins} of {path} cannot be read: {error}. Correct it.", line=begins) from error


def _objects(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """One JSON object a line."""
    for number, line in enumerate(lines_of(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"Line {number} of {path} is no JSON: {error}. Correct it.", line=number) from error
        if not isinstance(row, dict):
            raise InputError(f"Line {number} of {path} is no JSON object: {line[:80]!r}. Correct it.", line=number)
        yield number, row


def meaning_of(*columns: list[Any]) -> list[list[Any]]:
    """Labels that are all written as whole numbers, or all as numbers, as such; others as they are.

    Args:
        columns: of several files, which are read alike.
    """
    every = [label for column in columns for label in column]
    for kind, alike in ((int, (int,)), (float, (int, float))):
        try:
            made = [kind(label) for label in every if isinstance(label, str)]
        except ValueError:
            continue
        if made and all(isinstance(label, (str, *alike)) for label in every):
            return [[kind(label) for label in column] for column in columns]
    return [list(column) for column in columns]
