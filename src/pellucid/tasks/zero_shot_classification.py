"""Zero-shot classification: does a text entail "This example is {label}."?

The arguments, shapes and orders are those of `transformers` 4.57, its `ZeroShotClassificationPipeline`, after Yin et
al., 2019, arXiv:1909.00161.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import InputError, InputTypeError
from pellucid.tasks import task
from pellucid.tasks.task import Context, Found, Row, Task, softmax
from pellucid.tasks.tokenizing import check_tokenizing

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings(task.Settings):
    """What was made of the caller's arguments.

    Attributes:
        labels: the candidates.
        template: what a label stands in, at `{}`.
        is_multi: whether each label is judged by itself.
    """

    labels: tuple[str, ...] = ()
    template: str = "This example is {}."
    is_multi: bool = False


class ZeroShotClassification(Task):
    """Labels that nobody trained the model for."""

    head = "sequence-classification"
    outputs = ("logits",)
    checkpoint = ("facebook/bart-large-mnli", "d7645e1")
    instead = "MoritzLaurer/DeBERTa-v3-base-mnli-fever-anli"
    window = 128
    arguments = ("candidate_labels", "hypothesis_template", "multi_class", "multi_label")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        labels = context.config.label2id
        self._entailment = next((n for label, n in labels.items() if label.lower().startswith("entail")), -1)
        if self._entailment == -1:
            logger.warning(
                "Failed to determine 'entailment' label id from the label2id mapping in the model config. Setting to "
                "-1. Define a descriptive label2id mapping in the model config to ensure correct outputs."
            )

    def called(self, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any], tuple[Any, ...]]:
        """The texts of a call; its second positional argument are the labels.

        Raises:
            InputError: further positional arguments.
        """
        inputs, named, rest = self.called_with(positional, named, "sequences", "candidate_labels")
        if rest:
            raise InputError(f"Unable to understand extra arguments {positional[1:]}. Pass `candidate_labels=`.")
        return inputs, named, ()

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments.

        Raises:
            InputError: no label, or a template that has no place for one.
        """
        rest = dict(arguments)
        labels = rest.pop("candidate_labels", ())
        if isinstance(labels, str):
            labels = [label.strip() for label in labels.split(",") if label.strip()]
        template = rest.pop("hypothesis_template", Settings.template)
        if rest.get("multi_class") is not None:
            logger.warning(
                "The `multi_class` argument has been deprecated and renamed to `multi_label`. `multi_class` will be "
                "removed in a future version of Transformers."
            )
            rest["multi_label"] = rest["multi_class"]
        rest.pop("multi_class", None)
        is_multi = bool(rest.pop("multi_label", False))
        for label in labels:
            if not isinstance(label, str):
                raise InputTypeError(f"The label {label!r} is of type {type(label).__name__}; it must be a string.")
        if labels and template.format(labels[0]) == template:
            raise InputError(
                f'The provided hypothesis_template "{template}" was not able to be formatted with the target labels. '
                "Make sure the passed template includes formatting syntax such as {} where the label should go."
            )
        tells = "truncation" not in rest
        tokenizing = {"truncation": "only_first", **check_tokenizing(rest, self.arguments)}
        if tokenizing["truncation"] is True:
            # The label's sentence is never cut.
            tokenizing["truncation"] = "only_first"
        return Settings(
            tokenizing, tells_truncation=tells, labels=tuple(labels), template=template, is_multi=is_multi
        )  # fmt: skip

    def rows(self, item: Any, index: int, settings: Settings) -> list[Row]:
        """The text beside each label's sentence.

        Raises:
            InputError: an empty text, or no labels.
        """
        rows = super().rows(item, index, settings)
        if not item or not settings.labels:
            raise InputError("You must include at least one label and at least one sequence.", index=index)
        return [Row(row.text, settings.template.format(label)) for row in rows for label in settings.labels]

    def answer(self, found: Found, settings: Settings) -> Any:
        """`{"sequence", "labels", "scores"}`, the best label first."""
        logits = np.stack([window.values["logits"] for window in found.windows])
        if settings.is_multi or len(settings.labels) == 1:
            contradiction = -1 if self._entailment == 0 else 0
            scores = softmax(logits[:, [contradiction, self._entailment]])[:, 1]
        else:
            scores = softmax(logits[:, self._entailment])
        order = scores.argsort()[::-1]
        return {
            "sequence": found.item,
            "labels": [settings.labels[place] for place in order],
            "scores": [float(scores[place]) for place in order],
        }

    def listed(self, answers: list[Any], inputs: Any) -> Any:
        """The answers in the order of the texts.

        Raises:
            InputError: there was no text.
        """
        if not answers:
            raise InputError("You must include at least one label and at least one sequence.")
        return answers
