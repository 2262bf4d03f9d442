"""Opens a file of weights, and nothing else that may stand under its name."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from pellucid.errors import CorruptCheckpointError, UnsafeCheckpointError


def open_regular(path: Path) -> BinaryIO:
    """Opens a file for reading if it is one: opening a pipe or a device could wait for ever.

    Args:
        path: the file.

    Raises:
        CorruptCheckpointError: it cannot be opened.
        UnsafeCheckpointError: it is a folder, a pipe or a device.
    """
    try:
        # O_NONBLOCK returns at once from a pipe without a writer, which is then refused.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise CorruptCheckpointError(
            f"{path} cannot be opened: {error.strerror}. Check its permissions.",
            code="checkpoint.unreadable",
            path=str(path),
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnsafeCheckpointError(
            f"{path} is a folder, a pipe or a device; expected a regular file. Replace it by the weights themselves.",
            code="checkpoint.not_regular_file",
            path=str(path),
        )
    return os.fdopen(descriptor, "rb")
