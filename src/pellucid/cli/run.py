"""`pellucid run`: a task on texts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from pellucid.cli.answers import as_json, table_for
from pellucid.cli.texts import lines_of
from pellucid.errors import InputError, TextTooLongError

SUMMARY = "run a task on texts"


def parser() -> argparse.ArgumentParser:
    """The sub-command's arguments."""
    command = argparse.ArgumentParser(
        prog="pellucid run",
        description="Run a task on texts: those named, those in a file, or those on standard input, one a line.",
    )
    command.add_argument(
        "task",
        metavar="TASK",
        help="text-classification, ner, question-answering, fill-mask, zero-shot-classification, …",
    )
    command.add_argument("texts", metavar="TEXT", nargs="*", help="texts; none reads standard input")
    command.add_argument("--file", metavar="F", help="read texts from this file, one a line; - is standard input")
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
    command.add_argument("--json", action="store_true", help="print one JSON object a text")
    return command


def execute(given: argparse.Namespace) -> int:
    """Run the sub-command."""
    if given.texts and given.file:
        print("pellucid run: name texts or --file, not both.", file=sys.stderr)
        return 2
    source = given.file or "-"
    if not given.texts and source == "-" and sys.stdin.isatty():
        print("pellucid run: reading texts, one a line; end with Ctrl-D.", file=sys.stderr)
    from pellucid import pipeline

    arguments = _arguments(given)
    pipe = pipeline(
        given.task, given.model, revision=given.revision, engine=given.engine, dtype=given.dtype, **arguments
    )
    texts = iter(given.texts) if given.texts else lines_of(source)
    show = as_json if given.json else table_for(pipe)
    try:
        for text, answer in _answered(
            pipe, texts, given.question, shows_progress=bool(given.file) and sys.stderr.isatty()
        ):
            show(text, answer)
    except TextTooLongError as error:
        # The library counts from 0 and speaks of its own arguments.
        place = f"Text {error.index + 1}" if given.texts else f"Line {error.index + 1}"
        raise TextTooLongError(
            f"{place} has {error.n_tokens} tokens; {pipe.model.name_or_path!r} accepts at most {error.max_length}. "
            f"Pass --truncation to keep the first {error.max_length}, or split the text.",
            **error.details,
        ) from error
    return 0


def _arguments(given: argparse.Namespace) -> dict[str, Any]:
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


def _answered(
    pipe: Any, texts: Iterator[str], question: str | None, *, shows_progress: bool
) -> Iterator[tuple[str, Any]]:
    """Each text beside its answer; the pipeline reads ahead, so the texts under way are kept."""
    under_way: list[str] = []

    def kept() -> Iterator[Any]:
        for text in texts:
            under_way.append(text)
            yield _input_of(pipe.task, text, question)

    for answer in pipe(kept(), progress=shows_progress):
        yield under_way.pop(0), answer


def _input_of(task: str, text: str, question: str | None) -> Any:
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
