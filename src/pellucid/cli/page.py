"""A page written to a file: the whole of it, or none."""

from __future__ import annotations

import contextlib
import os
import secrets
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
    """Put a page in place of what is there, in one step.

    Raises:
        InputError: the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path} could not be written: {error.strerror}. Name another file.", path=str(path)
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
