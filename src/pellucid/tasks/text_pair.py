"""Text pair: how well two texts fit together, by a cross-encoder that reads both at once.

The scores are those of sentence-transformers' `CrossEncoder`: the one logit through a sigmoid, or as it is where the
checkpoint says so; for several labels as text classification gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.errors import InputError, InputTypeError
from pellucid.tasks.task import Row
from pellucid.tasks.text_classification import FUNCTIONS, Settings, TextClassification


class TextPair(TextClassification):
    """A score, or labels, for pairs of texts."""

    checkpoint = ("cross-encoder/ms-marco-MiniLM-L6-v2", "main")

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments, which are those of text classification."""
        if self.context.config.num_labels == 1 and "function_to_apply" not in arguments:
            arguments = {**arguments, "function_to_apply": activation_of(self.context.config)}
        return super().settle(arguments)

    def is_one(self, inputs: Any, settings: Settings) -> bool:
        """Two strings are one pair."""
        return isinstance(inputs, list | tuple) and len(inputs) == 2 and all(isinstance(one, str) for one in inputs)

    def rows(self, item: Any, index: int, settings: Settings) -> list[Row]:
        """Both texts: a pair, or a dictionary of `text` and `text_pair`.

        Raises:
            InputTypeError: anything else.
            InputError: a dictionary without both.
        """
        if isinstance(item, Mapping):
            if set(item) != {"text", "text_pair"}:
                raise InputError(
                    f"Input {index} has the keys {list(item)}; it must have `text` and `text_pair`.", index=index
                )
            return [Row(item["text"], item["text_pair"])]
        if not self.is_one(item, settings):
            raise InputTypeError(
                f"Input {index} is {item!r}; it must be a pair of strings, or a dictionary of `text` and `text_pair`.",
                index=index,
            )
        return [Row(*item)]

    def whole(self, answer: Any, item: Any, arguments: Mapping[str, Any]) -> Any:
        """One pair's answer as it is."""
        return answer


def activation_of(config: Any) -> str:
    """What a cross-encoder's one logit goes through: "sigmoid", unless the checkpoint names another function."""
    told = getattr(config, "sentence_transformers", None)
    named = told.get("activation_fn") if isinstance(told, Mapping) else None
    named = named or getattr(config, "sbert_ce_default_activation_function", None)
    word = str(named or "sigmoid").rpartition(".")[2].lower()
    known = {"identity": "none", **{function: function for function in FUNCTIONS}}
    if word not in known:
        raise InputError(
            f"The checkpoint asks for the activation {named!r} on its logit, and only {', '.join(known)} are computed. "
            "Name one by `function_to_apply=`."
        )
    return known[word]
