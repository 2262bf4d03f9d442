"""Cutting a sequence, or a pair, to a number of tokens, and the overlapping windows that cover the rest.

The results are those of the Rust library's `enable_truncation`, which keeps this state inside the tokenizer and thereby
forbids sharing it between threads. Here the encoder is left alone: a cut is computed from lengths only.
"""

from __future__ import annotations

from typing import NamedTuple

from pellucid.errors import InputError
from pellucid.tokenizers.strategies import TruncationStrategy

Span = tuple[int, int]


class Layout(NamedTuple):
    """Numbers of special tokens around the texts: `prefix` A `suffix`, or `prefix` A `middle` B `suffix`."""

    prefix: int
    middle: int
    suffix: int

    @property
    def total(self) -> int:
        """Special tokens in all."""
        return sum(self)


class Cut(NamedTuple):
    """What to keep of a text (or a pair) that is too long; all numbers count tokens, special tokens excluded."""

    layout: Layout
    first: int  # tokens of the first text before the cut
    second: int | None  # and of the second; None: there is no second text
    keep_first: int
    keep_second: int | None
    stride: int  # tokens that neighbouring windows share
    side: str  # the side that is cut off

    def kept(self) -> tuple[Span, ...]:
        """The spans of the full encoding that remain."""
        second = _windows(self.second, self.keep_second, self.stride, self.side)
        return self._spans(_windows(self.first, self.keep_first, self.stride, self.side)[0], second[0])

    def overflowing(self) -> list[tuple[Span, ...]]:
        """The spans of each further window, in the order of the Rust library.

        In a pair each window of the one text is combined with each of the other: first the later windows of the first
        text with all of the second, then the first window of the first text with the later ones of the second.
        """
        first_windows = _windows(self.first, self.keep_first, self.stride, self.side)
        second_windows = _windows(self.second, self.keep_second, self.stride, self.side)
        later_first = [(first, second) for first in first_windows[1:] for second in second_windows]
        later_second = [(first_windows[0], second) for second in second_windows[1:]]
        return [self._spans(first, second) for first, second in later_first + later_second]

    def _spans(self, first: Span, second: Span) -> tuple[Span, ...]:
        prefix, middle, suffix = self.layout
        first_end = prefix + self.first
        if self.second is None:
            return (0, prefix), (prefix + first[0], prefix + first[1]), (first_end, first_end + suffix)
        second_start = first_end + middle
        second_end = second_start + self.second
        return (
            (0, prefix),
            (prefix + first[0], prefix + first[1]),
            (first_end, second_start),
            (second_start + second[0], second_start + second[1]),
            (second_end, second_end + suffix),
        )


def cut(
    first: int,
    second: int | None,
    layout: Layout,
    *,
    strategy: TruncationStrategy,
    max_length: int,
    stride: int,
    side: str,
    index: int,
    gives_way: bool = False,
) -> Cut:
    """Choose what remains of a text or a pair that has more than `max_length` tokens.

    Args:
        first: tokens of the first text, special tokens excluded.
        second: tokens of the second text, or None where there is none.
        layout: the special tokens around them.
        strategy: which text gives way.
        max_length: tokens that may remain, special tokens included.
        stride: tokens that neighbouring windows share.
        side: "right" cuts the end off, "left" the beginning.
        index: the text's place in the batch, for the message of an error.
        gives_way: where the window is too small for `stride`, share half of the window instead of refusing.

    Raises:
        InputError: the special tokens alone are too many, the text that should give way is too short to do so, or
            `stride` is not smaller than the window.
    """
    room = max_length - layout.total
    if room < 0:
        raise InputError(
            f"max_length={max_length} leaves no room: the {layout.total} special tokens alone are more. "
            f"Give max_length={layout.total + 1} or more, or add_special_tokens=False.",
            max_length=max_length,
            special_tokens=layout.total,
        )
    keep_first, keep_second = _kept_lengths(first, second, room, strategy, index)
    for length, keep in ((first, keep_first), (second, keep_second)):
        # Nothing kept is no window: the whole text is then one overflow, and the stride has no part in it.
        if length is not None and keep is not None and 0 < keep < length and stride >= keep:
            if gives_way:
                stride = keep // 2
                continue
            raise InputError(
                f"stride={stride} is not smaller than the window: of text {index}, {keep} tokens remain beside "
                f"the special tokens with max_length={max_length}. Give a stride below {keep}.",
                index=index,
                stride=stride,
                window=keep,
            )
    return Cut(layout, first, second, keep_first, keep_second, stride, side)


def _kept_lengths(
    first: int, second: int | None, room: int, strategy: TruncationStrategy, index: int
) -> tuple[int, int | None]:
    excess = first + (second or 0) - room
    if room == 0:
        return 0, None if second is None else 0
    if strategy is TruncationStrategy.LONGEST_FIRST:
        if second is None:
            return room, None
        # Token by token from the longer text: the shorter one is whole until both are of equal length.
        short, long = sorted((first, second))
        long = short if short > room else max(short, room - short)
        if short + long > room:
            short, long = room // 2, room // 2 + room % 2
        return (short, long) if first <= second else (long, short)
    if strategy is TruncationStrategy.ONLY_SECOND and second is None:
        raise InputError(
            f"truncation='only_second', but item {index} has no second text. "
            "Give text_pair, or truncation='only_first'.",
            index=index,
        )
    target = first if strategy is TruncationStrategy.ONLY_FIRST else second
    if target is None or target <= excess:
        raise InputError(
            f"Truncation error: Sequence to truncate too short to respect the provided max_length: of item {index}, "
            f"{excess} tokens are too many, and the text that truncation={strategy.value!r} may cut has only {target}. "
            "Give truncation='longest_first', or a larger max_length.",
            index=index,
            excess=excess,
            tokens=target,
        )
    if strategy is TruncationStrategy.ONLY_FIRST:
        return first - excess, second
    return first, target - excess


def _windows(length: int | None, keep: int | None, stride: int, side: str) -> list[Span]:
    """Spans of `keep` tokens that cover `length` tokens, neighbours sharing `stride`; the first is what remains."""
    if length is None or keep is None:
        return [(0, 0)]
    if keep >= length:
        return [(0, length)]
    if keep == 0:
        return [(0, 0), (0, length)]
    step = keep - stride
    windows = []
    if side == "right":
        for start in range(0, length, step):
            windows.append((start, min(start + keep, length)))
            if windows[-1][1] == length:
                break
    else:
        for stop in range(length, 0, -step):
            windows.append((max(stop - keep, 0), stop))
            if windows[-1][0] == 0:
                break
    return windows
