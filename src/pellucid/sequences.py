"""Stages 1 and 2: texts → tokens → ids with special tokens, ragged; of a long document, window by window."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pellucid.errors import TextTooLongError
from pellucid.tasks.task import Row, Settings, Window

logger = logging.getLogger(__name__)

Encoded = tuple[int, Any]
"""A sequence: the number of the row that it belongs to, and its encoding."""


class Encoder:
    """A tokenizer for a model that takes so many tokens.

    Args:
        tokenizer: the checkpoint's.
        limit: how many tokens a sequence may have.
        name: what messages call the checkpoint.
        advice: what may be done about a text that was cut.
    """

    def __init__(self, tokenizer: Any, limit: int, name: str, advice: str) -> None:
        self._tokenizer, self._limit, self._name, self._advice = tokenizer, limit, name, advice

    def encode(self, rows: Sequence[Sequence[Row]], settings: Settings, first: int) -> list[Iterable[Encoded]]:
        """The sequences of each input.

        Args:
            rows: of each input.
            settings: the arguments for the tokenizer, and whether a text that was cut is told of.
            first: the number of the first input, for messages.

        Returns:
            For each input a list, or an iterator where a document is split while it is read.

        Raises:
            TextTooLongError: a text has more tokens than the model has positions for.
        """
        options = self._options(settings.tokenizing)
        documents = {
            place: own for place, row in enumerate(rows) if (own := self._document(row, options, first + place))
        }
        rest = [[] if place in documents else row for place, row in enumerate(rows)]
        encoded = self._ragged(rest, {**options, "offsets": settings.reads_offsets}, first)
        if settings.tells_truncation:
            self._tell_truncation(encoded, first)
        return [documents.get(place, own) for place, own in enumerate(encoded)]

    def _document(self, rows: Sequence[Row], options: Mapping[str, Any], number: int) -> Iterator[Encoded] | None:
        """The windows of an input that is one long document, or a document and a question; None for others."""
        if len(rows) != 1 or not options.get("overflow") or not isinstance(rows[0].text, str):
            return None
        ours = {name: value for name, value in options.items() if name != "overflow"}
        windows = self._tokenizer.encode_document(rows[0].text, rows[0].pair, number=number, **ours)
        return None if windows is None else ((0, self._checked(window, number)) for window in windows)

    def _ragged(self, rows: Sequence[Sequence[Row]], options: Mapping[str, Any], first: int) -> list[list[Encoded]]:
        found: list[list[Encoded]] = [[] for _ in rows]
        places = [(item, number) for item, own in enumerate(rows) for number in range(len(own))]
        for has_pair in (False, True):
            chosen = [place for place in places if (rows[place[0]][place[1]].pair is not None) == has_pair]
            if not chosen:
                continue
            # A text that is there several times is encoded once, and by that computed once.
            owners: dict[Any, list[tuple[int, int]]] = {}
            for item, number in chosen:
                row = rows[item][number]
                is_text = isinstance(row.text, str) and isinstance(row.pair, str | None)
                owners.setdefault(row if is_text else (item, number), []).append((item, number))
            first_ones = [own[0] for own in owners.values()]
            texts = [rows[item][number].text for item, number in first_ones]
            pairs = [rows[item][number].pair for item, number in first_ones] if has_pair else None
            numbers = [first + item for item, _ in first_ones]
            encoded = self._tokenizer.encode_ragged(texts, pairs, numbers=numbers, **options)
            each = list(owners.values())
            for sample, encoding in zip(encoded.samples, encoded, strict=True):
                self._checked(encoding, numbers[sample])
                for item, number in each[sample]:
                    found[item].append((number, encoding))
        for own in found:
            own.sort(key=lambda one: one[0])
        return found

    def _checked(self, encoding: Any, number: int) -> Any:
        if len(encoding) > self._limit:
            raise TextTooLongError(
                f"Text {number} has {len(encoding)} tokens; {self._name!r} accepts at most {self._limit}. Pass "
                f"`truncation=True` to keep the first {self._limit}, or split the text.",
                index=number,
                n_tokens=len(encoding),
                max_length=self._limit,
            )
        return encoding

    def _tell_truncation(self, encoded: Sequence[Sequence[Encoded]], first: int) -> None:
        """Warn of texts that were cut although nobody asked for it, as `transformers` does silently."""
        cut = {i: one for i, own in enumerate(encoded) for _, one in own if one.is_truncated}
        if cut:
            index, encoding = next(iter(cut.items()))
            logger.warning(
                "Text %d has %d tokens, and only %d of them were read%s. %s, or pass `truncation=False` to have an "
                "error instead.",
                first + index,
                encoding.untruncated_length,
                len(encoding),
                f", as with {len(cut) - 1} others" if len(cut) > 1 else "",
                self._advice,
            )

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The tokenizer's arguments; truncation without a length is to what the model takes.

        A tokenizer may know of no limit: `transformers` then truncates nothing, and fails inside the model.
        """
        options = dict(given)
        if options.get("truncation") and options.get("max_length") is None:
            options["max_length"] = min(self._tokenizer.model_max_length, self._limit)
        return options


class Details:
    """What was done to one input, gathered while its windows pass."""

    def __init__(self) -> None:
        self._n_tokens = self._windows = 0
        self._by_row: dict[int, list[bool]] = {}

    def watched(self, windows: Iterable[Window]) -> Iterator[Window]:
        """The same windows."""
        for window in windows:
            self._windows += 1
            self._n_tokens = max(self._n_tokens, window.encoding.untruncated_length)
            self._by_row.setdefault(window.row, []).append(window.encoding.is_truncated)
            yield window

    def told(self) -> dict[str, Any]:
        """`n_tokens` before truncation, whether the text was `truncated`, and in how many `windows` it was read."""
        return {
            "n_tokens": self._n_tokens,
            "truncated": any(cut == [True] for cut in self._by_row.values()),
            "windows": self._windows,
        }
