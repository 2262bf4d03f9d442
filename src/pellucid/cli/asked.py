"""What `pellucid run` and `pellucid trace` are asked: the checkpoint, the task's arguments, and a line as an input."""

from __future__ import annotations

import argparse
import json
from typing import Any

from pellucid.errors import InputError


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments that both have."""
    command.add_argument("--model", metavar="M", help="a folder, a repository on the Hub, or builtin")
    command.add_argument("--revision", metavar="R", help="branch, tag or commit on the Hub")
    command.add_argument(
        "--engine", metavar="E", help="openvino, torch, tensorflow or numpy; the fastest installed one by default"
    )
    command.add_argument(
        "--dtype", metavar="D", help="float32 (default), bfloat16, int8, float16, float64, auto, auto-fast"
    )
    command.add_argument("--top-k", metavar="K", type=int, help="labels to give for each text, best first")
    command.add_argument("--question", metavar="Q", help="for question-answering: what to look for in the texts")
    command.add_argument("--labels", metavar="L", help="for zero-shot-classification: the labels, between commas")
    command.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="an argument of the task, its value as JSON"
    )
    command.add_argument("--truncation", action="store_true", help="cut texts that are longer than the model takes")


def pipeline_for(given: argparse.Namespace) -> Any:
    """The pipeline that is asked for."""
    from pellucid import pipeline

    arguments = task_arguments(given)
    return pipeline(
        given.task, given.model, revision=given.revision, engine=given.engine, dtype=given.dtype, **arguments
    )


def task_arguments(given: argparse.Namespace) -> dict[str, Any]:
    """The task's arguments.

    Raises:
        InputError: `--set` without a name.
    """
    arguments: dict[str, Any] = {}
    for word in given.set:
        name, equals, value = word.partition("=")
        if not equals:
            raise InputError(f"--set {word} has no value. Write --set name=value, such as --set stride=64.")
        try:
            arguments[name] = json.loads(value)
        except ValueError:
            arguments[name] = value
    if given.truncation:
        arguments["truncation"] = True
    if given.top_k is not None:
        arguments["top_k"] = given.top_k
    if given.labels is not None:
        arguments["candidate_labels"] = given.labels
    return arguments


def input_of(task: str, text: str, question: str | None) -> Any:
    """A line as the task takes it.

    Raises:
        InputError: the question, or the second text of a pair, is missing.
    """
    if task == "question-answering":
        if question is None:
            raise InputError("Question answering needs a question: --question 'Who …?'")
        return {"question": question, "context": text}
    if task == "text-pair":
        first, tab, second = text.partition("\t")
        if not tab:
            raise InputError(f"{text!r} is no pair. Put a tab between its two texts.")
        return {"text": first, "text_pair": second}
    return text
