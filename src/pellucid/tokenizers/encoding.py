"""One encoded text or pair: its tokens, and where in the text each of them came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from tokenizers import Encoding as BackendEncoding

from pellucid.tokenizers.truncation import Cut, Span

Value = TypeVar("Value")


class Fill(NamedTuple):
    """How a row is filled up to `length` tokens."""

    length: int
    side: str
    id: int
    token: str
    type_id: int


class SharedSource:
    """A backend encoding whose lists are made once, for the many windows that are cut out of them."""

    def __init__(self, source: BackendEncoding) -> None:
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    def __getattr__(self, name: str) -> Any:
        # Not for dunder names: those are asked for before the instance is whole, while it is being copied.
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._source, name)
        self.__dict__[name] = value
        return value


class Encoding:
    """An encoded text or pair, with the attributes and methods of `tokenizers.Encoding`; it never changes.

    It is a view: the backend's encoding of the whole text, the spans of it that truncation left, and the padding.
    Lists are made when asked for.

    Args:
        source: the backend's encoding of the whole text, special tokens included, neither cut nor padded.
        cut: what truncation leaves of it; None keeps all.
        fill: the padding; None adds none.
        spans: the parts of `source` in this window; left out, they follow from `cut`.
    """

    __slots__ = ("_cut", "_fill", "_real", "_source", "_spans")

    def __init__(
        self,
        source: BackendEncoding | SharedSource,
        cut: Cut | None = None,
        fill: Fill | None = None,
        spans: tuple[Span, ...] | None = None,
    ) -> None:
        self._source = source
        self._cut = cut
        self._fill = fill
        self._spans = cut.kept() if cut is not None and spans is None else spans
        self._real = len(source) if self._spans is None else sum(stop - start for start, stop in self._spans)

    def filled(self, fill: Fill) -> Encoding:
        """The same encoding, padded; so are its overflow windows."""
        return Encoding(self._source, self._cut, fill, self._spans)

    def __len__(self) -> int:
        return self._real if self._fill is None else max(self._real, self._fill.length)

    def __repr__(self) -> str:
        return (
            f"Encoding(num_tokens={len(self)}, attributes=[ids, type_ids, tokens, offsets, attention_mask, "
            "special_tokens_mask, overflowing])"
        )

    @property
    def n_sequences(self) -> int:
        """Texts in it: 1, or 2 for a pair."""
        return int(self._source.n_sequences)

    @property
    def untruncated_length(self) -> int:
        """Tokens of the whole text, special tokens included, before truncation."""
        return len(self._source)

    @property
    def is_truncated(self) -> bool:
        """Whether tokens of the text were cut off."""
        return self._cut is not None

    @property
    def ids(self) -> list[int]:
        """The id of each token."""
        return self._row(self._source.ids, self._fill.id if self._fill else 0)

    @property
    def type_ids(self) -> list[int]:
        """The token type of each token: with BERT 0 for the first text, 1 for the second."""
        return self._row(self._source.type_ids, self._fill.type_id if self._fill else 0)

    @property
    def tokens(self) -> list[str]:
        """Each token as written in the vocabulary."""
        return self._row(self._source.tokens, self._fill.token if self._fill else "")

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Where each token lies in its text, in code points, half-open; (0, 0) for special tokens."""
        return self._row(self._source.offsets, (0, 0))

    @property
    def word_ids(self) -> list[int | None]:
        """The index of the word that each token belongs to; None for special tokens."""
        return self._row(self._source.word_ids, None)

    @property
    def words(self) -> list[int | None]:
        """The old name of `word_ids`."""
        return self.word_ids

    @property
    def sequence_ids(self) -> list[int | None]:
        """The text that each token came from: 0, 1, or None for special tokens."""
        return self._row(self._source.sequence_ids, None)

    @property
    def special_tokens_mask(self) -> list[int]:
        """1 where the token is special or padding, else 0."""
        return self._row(self._source.special_tokens_mask, 1)

    @property
    def attention_mask(self) -> list[int]:
        """1 for real tokens, 0 for padding."""
        if self._fill is None or self._fill.length <= self._real:
            return [1] * self._real
        padding = [0] * (self._fill.length - self._real)
        return padding + [1] * self._real if self._fill.side == "left" else [1] * self._real + padding

    @property
    def overflowing(self) -> list[Encoding]:
        """The windows over what truncation cut off, each as long as what remained (the last may be shorter)."""
        return self.windows()[1:]

    def windows(self) -> list[Encoding]:
        """This row and those over what was cut off; the lists of the whole text are made once for all of them."""
        if self._cut is None:
            return [self]
        shared = self._source if isinstance(self._source, SharedSource) else SharedSource(self._source)
        later = [Encoding(shared, None, self._fill, spans) for spans in self._cut.overflowing()]
        return [Encoding(shared, self._cut, self._fill, self._spans), *later]

    def token_to_sequence(self, token_index: int) -> int | None:
        """The text (0 or 1) that a token came from; None for special tokens."""
        return _at(self.sequence_ids, token_index)

    def token_to_word(self, token_index: int) -> int | None:
        """The word that a token belongs to; None for special tokens."""
        return _at(self.word_ids, token_index)

    def token_to_chars(self, token_index: int) -> tuple[int, int] | None:
        """Where a token lies in its text, in code points, half-open; None for special tokens."""
        return None if self.token_to_sequence(token_index) is None else self.offsets[token_index]

    def word_to_tokens(self, word_index: int, sequence_index: int = 0) -> tuple[int, int] | None:
        """The tokens of a word, half-open; None where the word has none here."""
        start, stop = self._sequence_span(sequence_index)
        words = self.word_ids[start:stop]
        if word_index not in words:
            return None
        last = len(words) - 1 - words[::-1].index(word_index)
        return start + words.index(word_index), start + last + 1

    def word_to_chars(self, word_index: int, sequence_index: int = 0) -> tuple[int, int] | None:
        """Where a word lies in its text, in code points, half-open; None where the word has no tokens here."""
        span = self.word_to_tokens(word_index, sequence_index)
        if span is None:
            return None
        offsets = self.offsets
        return offsets[span[0]][0], offsets[span[1] - 1][1]

    def char_to_token(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """The token that covers a code point of a text; None for blanks and for what was cut off."""
        start, stop = self._sequence_span(sequence_index)
        for index, (first, end) in enumerate(self.offsets[start:stop], start):
            if first <= char_pos < end:
                return index
        return None

    def char_to_word(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """The word that covers a code point of a text; None for blanks and for what was cut off."""
        token = self.char_to_token(char_pos, sequence_index)
        return None if token is None else self.token_to_word(token)

    def _row(self, values: list[Value], filler: Value) -> list[Value]:
        if self._spans is not None:
            whole, values = values, []
            for start, stop in self._spans:
                values += whole[start:stop]
        if self._fill is None or self._fill.length <= self._real:
            return values
        padding = [filler] * (self._fill.length - self._real)
        return padding + values if self._fill.side == "left" else values + padding

    def _sequence_span(self, sequence_index: int) -> Span:
        sequence_ids = self.sequence_ids
        if sequence_index not in sequence_ids:
            # A text without tokens has none to find; a text that was never given means the whole row.
            return (0, 0) if sequence_index < self.n_sequences else (0, len(self))
        start = sequence_ids.index(sequence_index)
        return start, start + sequence_ids.count(sequence_index)


def _at(values: Sequence[Value | None], index: int) -> Value | None:
    return values[index] if 0 <= index < len(values) else None
