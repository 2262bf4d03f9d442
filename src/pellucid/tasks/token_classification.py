"""Token classification: the logits of each token become entities with their places in the text.

The arguments, shapes and orders are those of `transformers` 4.57, its `TokenClassificationPipeline`; but it says so
when it reads only the beginning of a text that is too long.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.errors import InputError, InputTypeError
from pellucid.tasks import task
from pellucid.tasks.entities import Piece, entities_of, without_overlaps
from pellucid.tasks.task import Context, Found, Row, Task, Window, softmax

logger = logging.getLogger(__name__)

STRATEGIES = ("none", "simple", "first", "average", "max")

Place = tuple[int, int]
"""Where something stands in a text, in characters, half-open."""


@dataclass(frozen=True)
class Settings(task.Settings):
    """What was made of the caller's arguments.

    Attributes:
        strategy: how tokens become words and entities, one of `STRATEGIES`.
        ignored: labels that are left out.
        delimiter: what stands between words that are given as lists; None where texts are strings.
        places: of each token in the text, in place of what the tokenizer says.
    """

    strategy: str = "none"
    ignored: tuple[str, ...] = ("O",)
    delimiter: str | None = None
    places: Sequence[Place] | None = None


class TokenClassification(Task):
    """Labels of tokens, of words, or of entities."""

    head = "token-classification"
    outputs = ("logits",)
    checkpoint = ("dbmdz/bert-large-cased-finetuned-conll03-english", "4c53496")
    window = 512
    advice_on_length = "Read it in windows by `stride=` with an `aggregation_strategy`"
    arguments = (
        "aggregation_strategy", "delimiter", "grouped_entities", "ignore_labels", "ignore_subwords",
        "is_split_into_words", "max_length", "offset_mapping", "stride", "truncation",
    )  # fmt: skip

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._has_told = False

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments.

        Raises:
            InputError: an argument that is not known, or a value that means nothing.
        """
        self.refuse_unknown(arguments)
        given = {name: value for name, value in arguments.items() if value is not None}
        strategy = _strategy_of(given)
        tokenizing: dict[str, Any] = {"truncation": True}
        tokenizing |= {name: given[name] for name in ("truncation", "max_length") if name in given}
        if "stride" in given:
            tokenizing.update(truncation=True, stride=self._checked_stride(given["stride"], strategy), overflow=True)
        is_split = bool(given.get("is_split_into_words"))
        if is_split:
            tokenizing["is_split_into_words"] = True
        ignored = given.get("ignore_labels", ["O"])
        if isinstance(ignored, str):
            raise InputTypeError(f"`ignore_labels={ignored!r}` must be a list of labels.", name="ignore_labels")
        return Settings(
            tokenizing,
            tells_truncation="stride" not in given and "truncation" not in given,
            reads_offsets=True,
            strategy=strategy,
            ignored=tuple(ignored),
            delimiter=given.get("delimiter", " ") if is_split else None,
            places=_flat(given.get("offset_mapping")),
        )

    def _checked_stride(self, stride: Any, strategy: str) -> int:
        longest = min(self.context.tokenizer.model_max_length, self.context.max_length)
        if type(stride) is not int or not 0 <= stride < longest:
            raise InputError(
                f"`stride={stride!r}` must be a whole number, less than `tokenizer.model_max_length` ({longest}), or "
                "even lower if the tokenizer adds special tokens.",
                name="stride",
            )
        if strategy == "none":
            raise InputError(
                '`stride` was provided to process all the text but `aggregation_strategy="none"`, please select '
                f"another one instead: {', '.join(STRATEGIES[1:])}.",
                name="stride",
            )
        return stride

    def called(self, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any], tuple[Any, ...]]:
        """The inputs of a call: at least one.

        Raises:
            InputError: an empty list, or nothing.
        """
        inputs, named, ignored = super().called(positional, named)
        if inputs is None or (isinstance(inputs, list | tuple) and not inputs):
            raise InputError("At least one input is required.")
        return inputs, named, ignored

    def is_one(self, inputs: Any, settings: Settings) -> bool:
        """A list of words is one text."""
        return settings.delimiter is not None and isinstance(inputs, list | tuple) and isinstance(inputs[0], str)

    def rows(self, item: Any, index: int, settings: Settings) -> list[Row]:
        """The text of one input: a string, or with `is_split_into_words` a list of words.

        Raises:
            InputTypeError: anything else.
        """
        if settings.delimiter is None:
            return super().rows(item, index, settings)
        if not isinstance(item, list | tuple) or not all(isinstance(word, str) for word in item):
            raise InputTypeError(
                f"Input {index} is of type {type(item).__name__}; with `is_split_into_words=True` it must be a list of "
                "words.",
                index=index,
            )
        return [Row(list(item))]

    def answer(self, found: Found, settings: Settings) -> Any:
        """The entities of one text.

        Returns:
            A list of `{"entity", "score", "index", "word", "start", "end"}` for each token, or where tokens are
            aggregated of `{"entity_group", "score", "word", "start", "end"}`.
        """
        text, starts = found.item, None
        if settings.delimiter is not None:
            text = settings.delimiter.join(found.item)
            starts = starts_of(found.item, len(settings.delimiter))
        entities, count = [], 0
        for window in found.windows:
            count += 1
            pieces = self._pieces(window, text, starts, settings)
            labels, tokenizer = self.context.config.id2label, self.context.tokenizer
            entities += [
                entity
                for entity in entities_of(pieces, settings.strategy, labels, tokenizer.convert_tokens_to_string)
                if entity.get("entity", entity.get("entity_group")) not in settings.ignored
            ]
        return without_overlaps(entities) if count > 1 else entities

    def whole(self, answer: Any, item: Any, arguments: Mapping[str, Any]) -> Any:
        """One text's answer as it is; one list of words is answered like a list of one, as in `transformers`."""
        return answer if isinstance(item, str) else [answer]

    def _pieces(self, window: Window, text: str, starts: Sequence[int] | None, settings: Settings) -> list[Piece]:
        """The tokens of a window that are no special ones, with their probabilities and places."""
        encoding, tokenizer = window.encoding, self.context.tokenizer
        scores = softmax(window.values["logits"])
        unknown = tokenizer.unk_token_id
        ids, special, words = encoding.ids, encoding.special_tokens_mask, encoding.word_ids
        places = encoding.offsets if settings.places is None else settings.places
        prefix = tokenizer.continuing_subword_prefix
        if not prefix and settings.strategy in STRATEGIES[2:] and not self._has_told:
            self._has_told = True
            logger.warning("Tokenizer does not support real words, using fallback heuristic")
        pieces = []
        for index, token in enumerate(tokenizer.convert_ids_to_tokens(ids)):
            if special[index]:
                continue
            start, end = places[index]
            if starts is not None and words[index] is not None:
                start, end = start + starts[words[index]], end + starts[words[index]]
            shown = text[start:end]
            has_blank = start == 0 or " " in text[start - 1 : start + 1]
            is_subword = len(token) != len(shown) if prefix else not has_blank
            if ids[index] == unknown:
                token, is_subword = shown, False
            pieces.append(Piece(token, scores[index], start, end, index, is_subword))
        return pieces


def _strategy_of(given: Mapping[str, Any]) -> str:
    """The strategy that is asked for, also by the arguments of older releases."""
    if "grouped_entities" in given or "ignore_subwords" in given:
        older = ("first" if given.get("ignore_subwords") else "simple") if given.get("grouped_entities") else "none"
        for name in ("grouped_entities", "ignore_subwords"):
            if name in given:
                logger.warning(
                    "`%s` is deprecated and will be removed in version v5.0.0, defaulted to "
                    '`aggregation_strategy="%s"` instead.',
                    name,
                    older,
                )
        return older
    word = given.get("aggregation_strategy", "none")
    name = str(getattr(word, "value", word)).lower()
    if name not in STRATEGIES:
        raise InputError(
            f"`aggregation_strategy={word!r}` is not one of {', '.join(STRATEGIES)}.", name="aggregation_strategy"
        )
    return name


def _flat(places: Any) -> Any:
    """Places of the tokens of one text, given as a list or as a list of one."""
    return places[0] if places and isinstance(places[0], list) else places


def starts_of(words: Sequence[str], between: int) -> list[int]:
    """Where each word begins, where they are joined with so many characters between them."""
    starts, place = [], 0
    for word in words:
        starts.append(place)
        place += len(word) + between
    return starts
