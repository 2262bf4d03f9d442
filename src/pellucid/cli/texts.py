"""Where the command's texts come from: its arguments, a file, or standard input; one text a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pellucid.errors import InputError


def lines_of(path: str) -> Iterator[str]:
    """The lines of a file, or of standard input for "-", as they come.

    Raises:
        InputError: no such file, or a line that is not UTF-8; the message has its number and place.
    """
    if path == "-":
        yield from _decoded(sys.stdin.buffer, "standard input")
        return
    try:
        with Path(path).open("rb") as stream:
            yield from _decoded(stream, path)
    except OSError as error:
        raise InputError(f"The file {path!r} cannot be read: {error.strerror}. Check the path.", path=path) from error


def _decoded(stream: BinaryIO, name: str) -> Iterator[str]:
    for number, line in enumerate(stream, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"Line {number} of {name} is not UTF-8: byte {error.start + 1} is {line[error.start]:#04x}. "
                "Convert it to UTF-8 first.",
                line=number,
            ) from error
        yield text.rstrip("\r\n")
