"""Inputs of any length, in windows: bounded memory, and order kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")

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


def portions(items: Iterable[Item], size: Callable[[Item], int], limit: int) -> Iterator[list[Item]]:
    """Cut a window into neighbours that are small enough together: long documents are taken one by one.

    Args:
        items: in order.
        size: of an item, in whatever is to be bounded.
        limit: the most that a portion may have; an item that is larger is a portion of its own.
    """
    portion: list[Item] = []
    total = 0
    for item in items:
        own = size(item)
        if portion and total + own > limit:
            yield portion
            portion, total = [], 0
        portion.append(item)
        total += own
    if portion:
        yield portion


def groups(items: Iterator[tuple[int, Item]], count: int) -> Iterator[Iterator[Item]]:
    """For each number below `count` the items that are marked with it, taken from the stream as they are read.

    Args:
        items: with their numbers, which never fall.
        count: how many groups there are; one without items is empty. What is not read of one is passed over.
    """
    upcoming = next(items, None)

    def own(number: int) -> Iterator[Item]:
        nonlocal upcoming
        while upcoming is not None and upcoming[0] == number:
            yield upcoming[1]
            upcoming = next(items, None)

    for number in range(count):
        group = own(number)
        yield group
        deque(group, maxlen=0)
