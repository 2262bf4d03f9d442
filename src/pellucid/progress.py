"""How far long work is: a bar over texts, and what counts for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from typing import Any


class Bar:
    """A progress bar over texts, or nothing."""

    def __init__(self, inputs: Iterable[Any], is_shown: bool) -> None:
        self._bar: Any = None
        if is_shown:
            from tqdm.auto import tqdm

            total = len(inputs) if isinstance(inputs, Sized) else None
            self._bar = tqdm(total=total, unit=" texts", smoothing=0.1)

    def __enter__(self) -> Callable[[int], object] | None:
        return None if self._bar is None else self._bar.update

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()


def in_items(advance: Callable[[int], object], items: int, sequences: int) -> Callable[[int], object]:
    """What counts computed sequences and advances by whole items, of which each has one sequence or several.

    Args:
        advance: called with how many items more are done.
        items: how many there are.
        sequences: how many sequences all of them have.
    """
    done, told = 0, 0

    def computed(count: int) -> None:
        nonlocal done, told
        done += count
        now = done * items // sequences
        advance(now - told)
        told = now

    return computed
