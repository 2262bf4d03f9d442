"""Text classification: the logits of a whole text become labels with scores.

The arguments, shapes and orders are those of `transformers` 4.57, its `TextClassificationPipeline`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import InputError, InputTypeError
from pellucid.tasks import task
from pellucid.tasks.task import Floats, Found, Row, Task, sigmoid, softmax
from pellucid.tasks.tokenizing import check_tokenizing

logger = logging.getLogger(__name__)

FUNCTIONS = ("sigmoid", "softmax", "none")


@dataclass(frozen=True)
class Settings(task.Settings):
    """What was made of the caller's arguments.

    Attributes:
        labels: the name of each label, by its number.
        function: "sigmoid", "softmax" or "none".
        top_k: how many labels to give; None for all.
        is_sorted: whether `top_k` was named: labels then come as a list, best first.
    """

    labels: Mapping[int, str] = field(default_factory=dict)
    function: str = "softmax"
    top_k: int | None = 1
    is_sorted: bool = False


class TextClassification(Task):
    """Labels of whole texts, or of pairs."""

    head = "sequence-classification"
    outputs = ("logits",)
    checkpoint = ("distilbert/distilbert-base-uncased-finetuned-sst-2-english", "714eb0f")
    arguments = ("top_k", "function_to_apply", "return_all_scores")

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments.

        Args:
            arguments: `top_k`, `function_to_apply`, `return_all_scores`; all others are the tokenizer's.

        Raises:
            InputError: a value that means nothing; the message lists those that do.
        """
        config = self.context.config
        rest = dict(arguments)
        is_sorted = "top_k" in rest
        top_k = rest.pop("top_k", 1)
        if is_sorted and top_k is not None and (type(top_k) is not int or top_k < 1):
            raise InputError(f"`top_k={top_k!r}` must be a whole number above 0, or None for all labels.")
        all_scores = rest.pop("return_all_scores", None)
        if all_scores is None:
            all_scores = config.return_all_scores
        if all_scores is not None and not is_sorted:
            logger.warning(
                "`return_all_scores` is now deprecated,  if want a similar functionality use `top_k=None` instead of "
                "`return_all_scores=True` or `top_k=1` instead of `return_all_scores=False`."
            )
            top_k = None if all_scores else 1
        asked = rest.pop("function_to_apply", None)
        return Settings(
            labels=config.id2label,
            function=_function_for(config) if asked is None else function_named(asked),
            top_k=top_k,
            is_sorted=is_sorted,
            tokenizing=check_tokenizing(rest, self.arguments),
        )

    def rows(self, item: Any, index: int, settings: Settings) -> list[Row]:
        """The text and the second text in one input: a string, `{"text", "text_pair"}`, or the old `[[text, pair]]`.

        Raises:
            InputTypeError: anything else.
            InputError: a dictionary with other keys, or a list that is not the old form of a pair.
        """
        if isinstance(item, str):
            return [Row(item)]
        if isinstance(item, Mapping):
            if "text" not in item or not set(item) <= {"text", "text_pair"}:
                raise InputError(
                    f"Input {index} is a dictionary with the keys {list(item)}; it must have `text`, and may have "
                    "`text_pair`.",
                    index=index,
                )
            return [Row(item["text"], item.get("text_pair"))]
        if isinstance(item, list):
            if len(item) == 1 and isinstance(item[0], list) and len(item[0]) == 2:
                return [Row(*item[0])]
            raise InputError(
                "The pipeline received invalid inputs, if you are trying to send text pairs, you can try to send a "
                'dictionary `{"text": "My text", "text_pair": "My pair"}` in order to send a text pair.',
                index=index,
            )
        raise InputTypeError(
            f"Input {index} is of type {type(item).__name__}; it must be a string, or a dictionary with `text` and "
            "`text_pair`.",
            index=index,
        )

    def answer(self, found: Found, settings: Settings) -> Any:
        """Name and score the labels of one text.

        Returns:
            `{"label", "score"}` of the best label; a list of them where several, or `top_k`, were asked for. Ties keep
            the order of the labels.
        """
        values = scores(next(found.windows).values["logits"], settings.function)
        if settings.top_k == 1 and not settings.is_sorted:
            best = int(values.argmax())
            return {"label": settings.labels[best], "score": float(values[best])}
        labelled = [{"label": settings.labels[i], "score": float(score)} for i, score in enumerate(values)]
        if settings.is_sorted:
            labelled.sort(key=lambda one: -one["score"])  # type: ignore[operator]
            labelled = labelled[: settings.top_k]
        return labelled

    def whole(self, answer: Any, item: Any, arguments: Mapping[str, Any]) -> Any:
        """A single string's answer is a list of one, unless `top_k` was named in the call."""
        return [answer] if isinstance(item, str) and "top_k" not in arguments else answer


def function_named(word: Any) -> str:
    """A function by its word, in any case.

    Raises:
        InputError: no such function; the message lists them.
    """
    name = str(getattr(word, "value", word)).lower()
    if name not in FUNCTIONS:
        raise InputError(
            f"`function_to_apply={word!r}` is not one of {', '.join(FUNCTIONS)}. Leave it out for the usual."
        )
    return name


def _function_for(config: Any) -> str:
    """Which function the kind of problem asks for."""
    if config.problem_type == "regression":
        return "none"
    if config.problem_type == "multi_label_classification" or config.num_labels == 1:
        return "sigmoid"
    if config.problem_type == "single_label_classification" or config.num_labels > 1:
        return "softmax"
    return function_named(config.function_to_apply or "none")


def scores(logits: Floats, function: str) -> Floats:
    """Scores in 0–1 of each label: `[C] → [C]`; the logits themselves for "none"."""
    if function == "none":
        return logits
    return sigmoid(logits) if function == "sigmoid" else softmax(logits)
