"""Checks on `pytorch_model.bin` before PyTorch sees it: nothing in it may unpack to more than the file
holds.
"""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

from pellucid.errors import CorruptCheckpointError, UnsafeCheckpointError

_MOST_RECORDS = 200_000


def check_archive(path: Path) -> bool:
    """Refuses what is no file of `torch.save`, and archives made to unpack to more than they hold.

    Args:
        path: the file.

    Returns:
        True for the archive that PyTorch writes since 1.6, False for the stream that it wrote before.

    Raises:
        CorruptCheckpointError: a pointer, a web page, an archive cut short.
        UnsafeCheckpointError: an archive with packed, overlapping or escaping records.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
        raise UnsafeCheckpointError(
            f"{path} is a folder, a pipe or a device; expected a regular file.",
            code="checkpoint.not_regular_file",
            path=str(path),
        )
    with path.open("rb") as stream:
        start = stream.read(512)
    if start.startswith(b"version https://git-lfs"):
        raise CorruptCheckpointError(
            f"{path}: this is a Git LFS pointer, not the weights themselves. Run `git lfs pull`.",
            code="checkpoint.lfs_pointer",
            path=str(path),
        )
    return zipfile.is_zipfile(path)
