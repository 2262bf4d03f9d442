"""Question answering: the start and end logits of a context become answers with their places in it.

The arguments, shapes and orders are those of `transformers` 4.57, its `QuestionAnsweringPipeline`, which `transformers`
5 has no more.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.errors import InputError, InputTypeError, UnknownKeyError
from pellucid.tasks import task
from pellucid.tasks.spans import Answer, best_spans, merged, places_of
from pellucid.tasks.task import Found, Row, Task

logger = logging.getLogger(__name__)

MAX_SEQUENCE = 384
"""Tokens of question and context that are read at once, where the caller names no other number."""

MAX_STRIDE = 128
"""Tokens that neighbouring windows share, likewise."""


@dataclass(frozen=True)
class Settings(task.Settings):
    """What was made of the caller's arguments.

    Attributes:
        top_k: how many answers to give.
        max_answer_length: tokens of an answer at most.
        accepts_none: whether "there is no answer" is an answer.
        aligns: whether answers are widened to whole words.
        question_first: whether the question stands before the context.
    """

    top_k: int = 1
    max_answer_length: int = 15
    accepts_none: bool = False
    aligns: bool = True
    question_first: bool = True


class QuestionAnswering(Task):
    """Answers to questions, out of a context."""

    head = "question-answering"
    outputs = ("start_logits", "end_logits")
    checkpoint = ("distilbert/distilbert-base-cased-distilled-squad", "564e9b5")
    window = 256
    arguments = (
        "align_to_words", "doc_stride", "handle_impossible_answer", "max_answer_len", "max_question_len", "max_seq_len",
        "padding", "top_k", "topk",
    )  # fmt: skip

    def called(self, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any], tuple[Any, ...]]:
        """The questions of a call: `question=` and `context=`, a dictionary of both, or a list of such.

        Raises:
            InputError: neither, or lists of unequal lengths.
        """
        if positional:
            inputs = positional[0] if len(positional) == 1 else list(positional)
            if len(positional) == 2 and all(isinstance(one, str) for one in positional):
                inputs = {"question": positional[0], "context": positional[1]}
        elif "X" in named or "data" in named:
            inputs = named.pop("X" if "X" in named else "data")
        elif "question" in named and "context" in named:
            inputs = _paired(named.pop("question"), named.pop("context"))
        elif "inputs" in named:
            inputs = named.pop("inputs")
        else:
            raise InputError(
                "Question answering needs `question=` and `context=`, or dictionaries with these two keys; "
                f"{', '.join(named) or 'nothing'} was given."
            )
        is_list = isinstance(inputs, list | tuple)
        return (inputs[0] if is_list and len(inputs) == 1 else inputs), named, ()

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments.

        Raises:
            InputError: an argument that is not known, or a value that means nothing.
        """
        self.refuse_unknown(arguments)
        given = {name: value for name, value in arguments.items() if value is not None}
        if "topk" in given and "top_k" not in given:
            logger.warning("topk parameter is deprecated, use top_k instead")
            given["top_k"] = given["topk"]
        for name in ("top_k", "max_answer_len", "max_seq_len"):
            if name in given and (type(given[name]) is not int or given[name] < 1):
                raise InputError(f"{name} parameter should be >= 1 (got {given[name]!r}), a whole number.", name=name)
        longest = min(self.context.tokenizer.model_max_length, self.context.max_length)
        length = min(given.get("max_seq_len") or min(longest, MAX_SEQUENCE), self.context.max_length)
        stride = given.get("doc_stride", min(length // 2, MAX_STRIDE))
        if type(stride) is not int or not 0 <= stride <= length:
            raise InputError(f"`doc_stride` ({stride}) is larger than `max_seq_len` ({length}).", name="doc_stride")
        question_first = self.context.tokenizer.padding_side == "right"
        return Settings(
            {
                "truncation": "only_second" if question_first else "only_first",
                "max_length": length,
                "stride": stride,
                # Beside a long question a window is small; `transformers` fails there, inside the Rust library.
                "stride_gives_way": "doc_stride" not in given,
                "overflow": True,
            },
            top_k=given.get("top_k", 1),
            max_answer_length=given.get("max_answer_len", 15),
            accepts_none=bool(given.get("handle_impossible_answer", False)),
            aligns=bool(given.get("align_to_words", True)),
            question_first=question_first,
        )

    def rows(self, item: Any, index: int, settings: Settings) -> list[Row]:
        """Question and context, in the order in which the model reads them.

        Raises:
            InputTypeError: no dictionary, or no strings in it.
            UnknownKeyError: a key is missing.
            InputError: question or context is empty.
        """
        item = _as_dictionary(item)
        if not isinstance(item, Mapping):
            raise InputTypeError(
                f"Input {index} is of type {type(item).__name__}; it must be a dictionary with `question` and "
                "`context`.",
                index=index,
            )
        for key in ("question", "context"):
            if key not in item:
                raise UnknownKeyError(
                    "You need to provide a dictionary with keys {question:..., context:...}; input "
                    f"{index} has {', '.join(map(str, item)) or 'none'}.",
                    key=key,
                )
            if not item[key]:
                raise InputError(f"`{key}` cannot be {'None' if item[key] is None else 'empty'} (input {index}).")
            if not isinstance(item[key], str):
                raise InputTypeError(
                    f"`{key}` of input {index} is of type {type(item[key]).__name__}; it must be a string.", index=index
                )
        question, context = item["question"], item["context"]
        return [Row(question, context) if settings.question_first else Row(context, question)]

    def answer(self, found: Found, settings: Settings) -> Any:
        """The answers to one question.

        Returns:
            `{"score", "start", "end", "answer"}`; a list of them, best first, where there are several.
        """
        context = found.rows[0].pair if settings.question_first else found.rows[0].text
        sequence = 1 if settings.question_first else 0
        answers: dict[str, Answer] = {}
        none_score, first_id = 1.0, self.context.tokenizer.cls_token_id
        for window in found.windows:
            encoding = window.encoding
            is_context = [one == sequence for one in encoding.sequence_ids]
            spans = best_spans(
                window.values["start_logits"][:, 0],
                window.values["end_logits"][:, 0],
                # The first token stays: some checkpoints point at it where there is no answer.
                [one or token == first_id
                 for one, token in zip(is_context, encoding.ids, strict=True)],
                # Some candidates become one when they are widened to words.
                count=settings.top_k * 2 + 10 if settings.aligns else settings.top_k,
                max_length=settings.max_answer_length,
            )  # fmt: skip
            none_score = min(none_score, spans.none_score)
            for first, last, score in spans.best:
                start, end = places_of(encoding, first, last, sequence, settings.aligns)
                merged(answers, {"score": score, "start": start, "end": end, "answer": context[start:end]})
        ranked = list(answers.values())
        if settings.accepts_none:
            ranked.append({"score": none_score, "start": 0, "end": 0, "answer": ""})
        ranked = sorted(ranked, key=lambda one: -one["score"])[: settings.top_k]
        return ranked[0] if len(ranked) == 1 else ranked


def _paired(question: Any, context: Any) -> Any:
    if isinstance(question, str) and isinstance(context, str):
        return {"question": question, "context": context}
    if isinstance(question, list) and isinstance(context, str):
        context = [context] * len(question)
    if not isinstance(question, list) or not isinstance(context, list):
        raise InputTypeError(
            f"`question` is of type {type(question).__name__} and `context` of type {type(context).__name__}; expected "
            "strings, or lists of strings."
        )
    if len(question) != len(context):
        raise InputError(
            f"Questions and contexts don't have the same lengths: there are {len(question)} and {len(context)}."
        )
    return [{"question": one, "context": other} for one, other in zip(question, context, strict=True)]


def _as_dictionary(item: Any) -> Any:
    """An example in the form of `SquadExample`, which holds the same two under other names."""
    if hasattr(item, "question_text") and hasattr(item, "context_text"):
        return {"question": item.question_text, "context": item.context_text}
    return item
