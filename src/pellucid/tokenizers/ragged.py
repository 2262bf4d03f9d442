"""A batch of encoded texts without padding, as pipelines take it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from pellucid.tokenizers.encoding import Encoding


class RaggedEncodings(Sequence[Encoding]):
    """Encoded texts of unequal length; each item is an `Encoding` (ids, type_ids, offsets, word_ids …).

    Args:
        encodings: the texts' encodings, cut where they were too long.
        overflow: also make rows of the windows over what was cut off.

    Attributes:
        samples: for each row the index of its text: 0, 1, 2 … where there are no overflow windows.
        token_counts: for each text its number of tokens before truncation, special tokens included.
        truncated: for each text whether tokens were cut off (with `overflow`, moved to further rows).
    """

    __slots__ = ("_rows", "samples", "token_counts", "truncated")

    def __init__(self, encodings: Sequence[Encoding], *, overflow: bool = False) -> None:
        self.token_counts = [encoding.untruncated_length for encoding in encodings]
        self.truncated = [encoding.is_truncated for encoding in encodings]
        if overflow:
            groups = [encoding.windows() for encoding in encodings]
            self.samples = [index for index, group in enumerate(groups) for _ in group]
            self._rows = [encoding for group in groups for encoding in group]
        else:
            self.samples = list(range(len(encodings)))
            self._rows = list(encodings)

    @property
    def ids(self) -> list[list[int]]:
        """The ids of each row."""
        return [row.ids for row in self._rows]

    @property
    def type_ids(self) -> list[list[int]]:
        """The token types of each row."""
        return [row.type_ids for row in self._rows]

    @property
    def lengths(self) -> list[int]:
        """The number of tokens of each row."""
        return [len(row) for row in self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Encoding: ...
    @overload
    def __getitem__(self, index: slice) -> list[Encoding]: ...
    def __getitem__(self, index: int | slice) -> Encoding | list[Encoding]:
        return self._rows[index]

    def __iter__(self) -> Iterator[Encoding]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return f"RaggedEncodings({len(self)} rows, {sum(self.lengths)} tokens)"
