"""Inputs of any length, in windows: bounded memory, and order kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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


def portions(sizes: Sequence[int], limit: int) -> Iterator[slice]:
    """Cut a window into neighbours that are small enough together: long documents are taken one by one.

    Args:
        sizes: of each item, in whatever is to be bounded.
        limit: the most that a portion may have; an item that is larger is a portion of its own.

    Yields:
        The places of each portion, in order.
    """
    start, total = 0, 0
    for place, size in enumerate(sizes):
        if place > start and total + size > limit:
            yield slice(start, place)
            start, total = place, 0
        total += size
    if start < len(sizes):
        yield slice(start, len(sizes))
