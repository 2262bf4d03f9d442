"""`pellucid run`: a task on texts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from pellucid.cli.answers import json_line, table_for
from pellucid.cli.asked import add_arguments, input_of, pipeline_for
from pellucid.cli.texts import lines_of
from pellucid.errors import TextTooLongError

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
    add_arguments(command)
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
    pipe = pipeline_for(given)
    texts = iter(given.texts) if given.texts else lines_of(source)
    show = json_line if given.json else table_for(pipe)
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


def _answered(
    pipe: Any, texts: Iterator[str], question: str | None, *, shows_progress: bool
) -> Iterator[tuple[str, Any]]:
    """Each text beside its answer; the pipeline reads ahead, so the texts under way are kept."""
    under_way: list[str] = []

    def kept() -> Iterator[Any]:
        for text in texts:
            under_way.append(text)
            yield input_of(pipe.task, text, question)

    for answer in pipe(kept(), progress=shows_progress):
        yield under_way.pop(0), answer
