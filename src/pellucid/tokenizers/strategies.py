"""The words for padding, truncation and sides, and how a call's arguments become one of them."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from pellucid.errors import InputError

SIDES = ("right", "left")


class PaddingStrategy(str, Enum):
    """How far the rows of a batch are filled up."""

    LONGEST = "longest"
    MAX_LENGTH = "max_length"
    DO_NOT_PAD = "do_not_pad"


class TruncationStrategy(str, Enum):
    """Which text of a pair gives way when the tokens are too many."""

    LONGEST_FIRST = "longest_first"
    ONLY_FIRST = "only_first"
    ONLY_SECOND = "only_second"
    DO_NOT_TRUNCATE = "do_not_truncate"


Strategy = TypeVar("Strategy", PaddingStrategy, TruncationStrategy)


def padding_strategy(padding: bool | str | PaddingStrategy | None) -> PaddingStrategy:
    """Read the `padding` argument: True is "longest", False and None are "do_not_pad"."""
    if padding is None or padding is False:
        return PaddingStrategy.DO_NOT_PAD
    return PaddingStrategy.LONGEST if padding is True else _member(PaddingStrategy, padding, "padding")


def truncation_strategy(truncation: bool | str | TruncationStrategy | None) -> TruncationStrategy:
    """Read the `truncation` argument: True is "longest_first", False and None are "do_not_truncate"."""
    if truncation is None or truncation is False:
        return TruncationStrategy.DO_NOT_TRUNCATE
    if truncation is True:
        return TruncationStrategy.LONGEST_FIRST
    return _member(TruncationStrategy, truncation, "truncation")


def side(value: str, name: str) -> str:
    """Check a `padding_side` or `truncation_side`."""
    if value not in SIDES:
        word = name.replace("_", " ").capitalize()
        raise InputError(
            f"{word} should be selected between 'right' and 'left', current value: {value!r}", argument=name
        )
    return value


def _member(kind: type[Strategy], value: object, name: str) -> Strategy:
    # The word itself: other enumerations of strings (that of `transformers`, for one) carry it as their value.
    word = getattr(value, "value", value)
    try:
        return kind(word)
    except ValueError as error:
        known = ", ".join(repr(member.value) for member in kind)
        raise InputError(
            f"{name}={value!r} is not known. Give True, False, or one of {known}.", argument=name, value=value
        ) from error


def padded_length(length: int, multiple: int | None) -> int:
    """Round the length of padded rows up to a multiple, where one is asked for."""
    return length if not multiple else -(-length // multiple) * multiple
