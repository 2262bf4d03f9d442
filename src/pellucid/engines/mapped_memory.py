"""Mapped files that are read through once, without holding all that was read."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

PERIOD = 0.002
"""Seconds between two times that pages are given back."""


@contextmanager
def given_back(arrays: Iterable[Any]) -> Iterator[None]:
    """While a compiler reads weights out of mapped files and makes its own copies, give the pages back as it goes.

    A page that is given back is read from the file again when it is wanted; so only files whose arrays nobody may write
    to are. Without this, weights would lie in memory twice when a graph is built, and that moment is the most memory
    that a process ever takes.

    Args:
        arrays: NumPy arrays; those that are writeable, or lie in no mapped file, are left alone.
    """
    maps = _mapped_files(arrays)
    if not maps or not hasattr(mmap, "MADV_DONTNEED"):
        yield
        return
    done = threading.Event()

    def give_back() -> None:
        while not done.wait(PERIOD):
            for one in maps:
                one.madvise(mmap.MADV_DONTNEED)

    helper = threading.Thread(target=give_back, name="pellucid-give-back", daemon=True)
    helper.start()
    try:
        yield
    finally:
        done.set()
        helper.join()


def _mapped_files(arrays: Iterable[Any]) -> list[mmap.mmap]:
    """The mapped files that arrays lie in, but those that one of them may be written to."""
    found: dict[int, mmap.mmap] = {}
    written: set[int] = set()
    for array in arrays:
        base = array
        while base is not None and not isinstance(base, mmap.mmap):
            base = getattr(base, "base", None)
        if isinstance(base, mmap.mmap):
            found[id(base)] = base
            if array.flags.writeable:
                written.add(id(base))
    return [one for key, one in found.items() if key not in written]
