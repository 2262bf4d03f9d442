"""Pages and pictures written to files: the whole of one, or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from pellucid.errors import InputError


def check_target(path: Path) -> None:
    """Refuse what cannot be written before anything is computed.

    Raises:
        InputError: the folder does not exist, or the path is a folder.
    """
    if path.is_dir():
        raise InputError(
            f"{path} is a folder; expected the name of a file, such as {path / 'trace.html'}.", path=str(path)
        )
    if not path.parent.is_dir():
        raise InputError(
            f"The folder {path.parent} does not exist, so {path.name} cannot be written there. Make it, or name a file "
            "in another folder.",
            path=str(path),
        )


def write_page(path: Path, page: str) -> None:
    """Put a page in place of what is there; see `write_whole`."""
    write_whole(path, lambda temporary: temporary.write_text(page, encoding="utf-8", newline="\n"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file whole, in place of what is there, or not at all.

    Args:
        path: the file.
        write: writes a file at the path that it is given, which has the same name.

    Raises:
        InputError: it cannot be written, or `write` knows no such ending.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.") as folder:
            whole = Path(folder) / path.name
            write(whole)
            with whole.open("rb") as file:
                os.fsync(file.fileno())
            whole.replace(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} cannot be written: {reason}. Name a file in a folder that is there.", path=str(path)
        ) from error
