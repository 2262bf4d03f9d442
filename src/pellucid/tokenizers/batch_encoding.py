"""What a tokenizer gives: a dictionary of rows, which also knows where every token came from."""

from __future__ import annotations

import logging
from collections import UserDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pellucid.errors import InputError, UnknownKeyError
from pellucid.tensors import NAMES, as_numpy, kind_named, package_of
from pellucid.tokenizers.encoding import Encoding
from pellucid.tokenizers.tensors import to_array

logger = logging.getLogger("pellucid.tokenizers")


class CharSpan(NamedTuple):
    """Code points `start` to `end` of a text, half-open."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """Tokens `start` to `end` of an encoding, half-open."""

    start: int
    end: int


class BatchEncoding(UserDict[str, Any]):
    """The rows that a tokenizer made (`input_ids`, `attention_mask` …), by key and by attribute.

    `encoding["input_ids"]` and `encoding.input_ids` are the rows; `encoding[0]` is the `Encoding` of the first row,
    with its tokens, offsets and words. The methods below ask the same of a row by its index; where a method takes two
    indices and gets one, the one counts within the first row.

    Args:
        data: rows by key.
        encoding: the encoding of each row, or a single one; None where the rows were not made by a tokenizer.
        tensor_type: the kind of arrays to make of the rows at once ("np"); None leaves lists.
        prepend_batch_axis: put the rows of one text into a batch of one before making arrays.
        n_sequences: texts in a row: 1, or 2 for pairs. Left out, the encodings tell.

    Raises:
        RaggedBatchError: arrays are asked for and the rows are of unequal length.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        encoding: Encoding | Sequence[Encoding] | None = None,
        tensor_type: Any = None,
        prepend_batch_axis: bool = False,
        n_sequences: int | None = None,
    ) -> None:
        super().__init__(data)
        if encoding is not None and not isinstance(encoding, (list, tuple)):
            encoding = [encoding]  # type: ignore[list-item]
        self._encodings: list[Encoding] | None = None if encoding is None else list(encoding)
        if n_sequences is None and self._encodings:
            n_sequences = self._encodings[0].n_sequences
        self._n_sequences = n_sequences
        self.convert_to_tensors(tensor_type, prepend_batch_axis)

    @property
    def n_sequences(self) -> int | None:
        """Texts in a row: 1, 2 for pairs, or None where that is not known."""
        return self._n_sequences

    @property
    def is_fast(self) -> bool:
        """Whether the encodings are here, so that tokens can be traced back to the text."""
        return self._encodings is not None

    @property
    def encodings(self) -> list[Encoding] | None:
        """The encoding of each row, or None."""
        return self._encodings

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, str):
            if item not in self.data:
                raise UnknownKeyError(f"No key {item!r}. There are: {', '.join(self.data) or 'none'}.", key=item)
            return self.data[item]
        if self._encodings is not None and isinstance(item, (int, slice)):
            try:
                return self._encodings[item]
            except IndexError as error:
                raise UnknownKeyError(f"No row {item}: the batch has {len(self._encodings)}.", key=item) from error
        if isinstance(item, slice):
            return {key: value[item] for key, value in self.data.items()}
        raise UnknownKeyError(
            "Invalid key. Only three types of key are available: (1) string, (2) integers for backend Encoding, and "
            "(3) slices for data subsetting.",
            key=item,
        )

    def __getattr__(self, name: str) -> Any:
        # `data` is not there yet while an instance is being copied or unpickled.
        data = self.__dict__.get("data", {})
        if name in data:
            return data[name]
        raise AttributeError(f"BatchEncoding has no attribute {name!r}; its rows are: {', '.join(data) or 'none'}")

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.data, "encodings": self._encodings, "n_sequences": self._n_sequences}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.data = state["data"]
        self._encodings = state["encodings"]
        self._n_sequences = state["n_sequences"]

    def tokens(self, batch_index: int = 0) -> list[str]:
        """The tokens of a row."""
        return self._row("tokens", batch_index).tokens

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """The text that each token of a row came from: 0, 1 for the second of a pair, None for special tokens."""
        return self._row("sequence_ids", batch_index).sequence_ids

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """The word that each token of a row belongs to, None for special tokens."""
        return self._row("word_ids", batch_index).word_ids

    def words(self, batch_index: int = 0) -> list[int | None]:
        """The old name of `word_ids`."""
        return self._row("words", batch_index).word_ids

    def token_to_sequence(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        """The text (0 or 1) that a token came from; None for special tokens."""
        row, index = self._token("token_to_sequence", batch_or_token_index, token_index)
        return row.token_to_sequence(index)

    def token_to_word(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        """The word that a token belongs to; None for special tokens."""
        row, index = self._token("token_to_word", batch_or_token_index, token_index)
        return row.token_to_word(index)

    def token_to_chars(self, batch_or_token_index: int, token_index: int | None = None) -> CharSpan | None:
        """Where a token lies in its text; None for special tokens."""
        row, index = self._token("token_to_chars", batch_or_token_index, token_index)
        return _char_span(row.token_to_chars(index))

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        """The tokens of a word; None where the word has none in this row."""
        row, index = self._place("word_to_tokens", batch_or_word_index, word_index)
        span = row.word_to_tokens(index, sequence_index)
        return None if span is None else TokenSpan(*span)

    def word_to_chars(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> CharSpan | None:
        """Where a word lies in its text; None where the word has no tokens in this row."""
        row, index = self._place("word_to_chars", batch_or_word_index, word_index)
        return _char_span(row.word_to_chars(index, sequence_index))

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """The token that covers a code point of the text; None for blanks."""
        row, index = self._place("char_to_token", batch_or_char_index, char_index)
        return row.char_to_token(index, sequence_index)

    def char_to_word(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """The word that covers a code point of the text; None for blanks."""
        row, index = self._place("char_to_word", batch_or_char_index, char_index)
        return row.char_to_word(index, sequence_index)

    def convert_to_tensors(self, tensor_type: Any = None, prepend_batch_axis: bool = False) -> BatchEncoding:
        """Make arrays of the rows, in place.

        Args:
            tensor_type: the kind of arrays, "np", "pt" or "tf"; None leaves everything as it is.
            prepend_batch_axis: put each value into a batch of one first.

        Returns:
            This encoding itself.

        Raises:
            RaggedBatchError: rows of unequal length; nothing has then been changed.
            InputError: an unknown kind of arrays.
        """
        if tensor_type is None:
            return self
        kind = kind_named(tensor_type)
        arrays = {}
        for key, value in self.data.items():
            batch = [value] if prepend_batch_axis else value
            arrays[key] = batch if package_of(batch) == NAMES[kind.name] else to_array(key, as_numpy(batch), kind)
        self.data.update(arrays)
        return self

    def to(self, device: Any, *, non_blocking: bool = False) -> BatchEncoding:
        """Move the rows to a device, in place; lists and NumPy arrays are always on the CPU.

        Args:
            device: "cpu", or for arrays that can move (PyTorch) any device they know.
            non_blocking: let the copy run on while Python continues.

        Returns:
            This encoding itself.

        Raises:
            InputError: the rows cannot leave the CPU.
        """
        if type(device).__name__ == "dtype":
            logger.warning("Attempting to cast a BatchEncoding to type %s. This is not supported.", device)
            return self
        movable = {key for key, value in self.data.items() if callable(getattr(value, "to", None))}
        if not movable and str(device) != "cpu":
            kinds = sorted({type(value).__name__ for value in self.data.values()})
            raise InputError(
                f"The rows are of type {', '.join(kinds) or 'nothing'} and cannot be moved to {device!r}. Only arrays "
                "of a library with devices can; leave .to() out, the engine moves what it needs.",
                device=str(device),
            )
        for key in movable:
            self.data[key] = self.data[key].to(device=device, non_blocking=non_blocking)
        return self

    def _row(self, method: str, batch_index: int) -> Encoding:
        if not self._encodings:
            reason = (
                "when using non-fast tokenizers (e.g. instance of a `XxxTokenizerFast` class)"
                if method in ("tokens", "sequence_ids", "word_ids", "words")
                else "when using Python based tokenizers"
            )
            raise InputError(
                f"{method}() is not available {reason}: this BatchEncoding holds rows only. Call the tokenizer on the "
                "text to get one that knows the text."
            )
        count = len(self._encodings)
        if not -count <= batch_index < count:
            raise InputError(f"{method}(): no row {batch_index}, the batch has {count}.", index=batch_index)
        return self._encodings[batch_index]

    def _place(self, method: str, first: int, second: int | None) -> tuple[Encoding, int]:
        if second is None:
            return self._row(method, 0), first
        return self._row(method, first), second

    def _token(self, method: str, first: int, second: int | None) -> tuple[Encoding, int]:
        row, index = self._place(method, first, second)
        return row, index + len(row) if index < 0 else index


def _char_span(span: tuple[int, int] | None) -> CharSpan | None:
    return None if span is None else CharSpan(*span)
