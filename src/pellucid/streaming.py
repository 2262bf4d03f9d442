"""Inputs of any length, in windows: bounded memory, and order kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

FIRST_WINDOW = 16


def windows(inputs: Iterable[Any], largest: int, first: int = FIRST_WINDOW) -> Iterator[list[Any]]:
    """Cut a stream into lists: small ones at first, so that the first answers come soon, then larger ones.

    If the stream fails, what came before the failure is still given; then its own error is raised.

    Args:
        inputs: any iterable, endless ones too.
        largest: the most items of a window.
        first: the size of the first window; each next one is twice as large.
    """
    source = iter(inputs)
    size = min(first, largest)
    while True:
        window: list[Any] = []
        failure: Exception | None = None
        try:
            for item in source:
                window.append(item)
                if len(window) == size:
                    break
        except Exception as error:
            failure = error
        if window:
            yield window
        if failure is not None:
            raise failure
        if len(window) < size:
            return
        size = min(size * 2, largest)
