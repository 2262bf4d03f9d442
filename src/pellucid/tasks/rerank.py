"""Rerank: texts in the order in which they answer a query, by a cross-encoder that reads each beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import InputError, InputTypeError
from pellucid.tasks import task
from pellucid.tasks.task import Context, Found, Row, Task
from pellucid.tasks.text_classification import function_named, scores
from pellucid.tasks.text_pair import activation_of
from pellucid.tasks.tokenizing import check_tokenizing


@dataclass(frozen=True)
class Settings(task.Settings):
    """What was made of the caller's arguments.

    Attributes:
        documents: the texts to put in order.
        top_k: how many to give; None for all.
        function: what the logit goes through: "sigmoid" or "none".
    """

    documents: tuple[str, ...] = ()
    top_k: int | None = None
    function: str = "sigmoid"


class Rerank(Task):
    """The documents that fit a query best."""

    head = "sequence-classification"
    outputs = ("logits",)
    checkpoint = ("cross-encoder/ms-marco-MiniLM-L6-v2", "main")
    window = 16
    arguments = ("documents", "function_to_apply", "top_k")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        if context.config.num_labels != 1:
            raise InputError(
                f"{context.name!r} has {context.config.num_labels} labels, and reranking needs a checkpoint with one, "
                "such as a cross-encoder of sentence-transformers. Use the task text-pair for labels of pairs."
            )

    def called(self, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any], tuple[Any, ...]]:
        """The query of a call, or a list of them; the second positional argument are the documents."""
        return self.called_with(positional, named, "query", "documents")

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments.

        Raises:
            InputError: a value that means nothing.
        """
        rest = dict(arguments)
        asked = rest.pop("function_to_apply", None)
        function = activation_of(self.context.config) if asked is None else function_named(asked)
        documents, top_k = texts_of(rest.pop("documents", ()), "documents"), checked_top_k(rest.pop("top_k", None))
        return Settings(check_tokenizing(rest, self.arguments), documents=documents, top_k=top_k, function=function)

    def rows(self, item: Any, index: int, settings: Settings) -> list[Row]:
        """The query beside each document.

        Raises:
            InputError: there are no documents.
        """
        (row,) = super().rows(item, index, settings)
        if not settings.documents:
            raise InputError("There are no documents to put in order. Pass `documents=`, a list of texts.")
        return [Row(row.text, document) for document in settings.documents]

    def answer(self, found: Found, settings: Settings) -> Any:
        """`{"index", "text", "score"}` of each document, the best first."""
        logits = np.concatenate([window.values["logits"] for window in found.windows])
        return ranked(scores(logits, settings.function), settings.documents, settings.top_k)


def ranked(found: Any, texts: Sequence[str], top_k: int | None) -> list[dict[str, Any]]:
    """Texts with their places and scores, best first; equal ones keep their order."""
    order = np.argsort(-np.asarray(found), kind="stable")[:top_k]
    return [{"index": int(place), "text": texts[place], "score": float(found[place])} for place in order]


def texts_of(texts: Any, name: str) -> tuple[str, ...]:
    """A list of strings.

    Raises:
        InputTypeError: anything else.
    """
    if isinstance(texts, str) or not hasattr(texts, "__iter__"):
        raise InputTypeError(f"`{name}` is of type {type(texts).__name__}; it must be a list of strings.", name=name)
    listed = tuple(texts)
    for index, text in enumerate(listed):
        if not isinstance(text, str):
            raise InputTypeError(f"`{name}[{index}]` is of type {type(text).__name__}; it must be a string.", name=name)
    return listed


def checked_top_k(top_k: Any) -> int | None:
    """How many to give; None for all.

    Raises:
        InputError: no whole number above 0.
    """
    if top_k is not None and (type(top_k) is not int or top_k < 1):
        raise InputError(f"`top_k={top_k!r}` must be a whole number above 0, or None for all.", name="top_k")
    found: int | None = top_k
    return found
