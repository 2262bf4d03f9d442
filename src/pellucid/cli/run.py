"""`pellucid run`: a task on texts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from pellucid.cli.texts import lines_of
from pellucid.errors import TextTooLongError

Show: TypeAlias = Callable[[str, Any], None]

SUMMARY = "run a task on texts"


def parser() -> argparse.ArgumentParser:
    """The sub-command's arguments."""
    command = argparse.ArgumentParser(
        prog="pellucid run",
        description="Run a task on texts: those named, those in a file, or those on standard input, one a line.",
    )
    command.add_argument("task", metavar="TASK", help="text-classification, sentiment-analysis, feature-extraction")
    command.add_argument("texts", metavar="TEXT", nargs="*", help="texts; none reads standard input")
    command.add_argument("--file", metavar="F", help="read texts from this file, one a line; - is standard input")
    command.add_argument("--model", metavar="M", help="a folder, a repository on the Hub, or builtin")
    command.add_argument("--revision", metavar="R", help="branch, tag or commit on the Hub")
    command.add_argument(
        "--engine", metavar="E", help="openvino, torch, tensorflow or numpy; the fastest installed one by default"
    )
    command.add_argument("--dtype", metavar="D", help="float32 (default), bfloat16, float16, float64, auto")
    command.add_argument("--top-k", metavar="K", type=int, help="labels to give for each text, best first")
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

    arguments: dict[str, Any] = {"truncation": True} if given.truncation else {}
    if given.top_k is not None:
        arguments["top_k"] = given.top_k
    pipe = pipeline(
        given.task, given.model, revision=given.revision, engine=given.engine, dtype=given.dtype, **arguments
    )
    texts = iter(given.texts) if given.texts else lines_of(source)
    show = _as_json if given.json else TABLES[pipe.task](pipe)
    try:
        for text, answer in _answered(pipe, texts, shows_progress=bool(given.file) and sys.stderr.isatty()):
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


def _answered(pipe: Any, texts: Iterator[str], shows_progress: bool) -> Iterator[tuple[str, Any]]:
    """Each text beside its answer; the pipeline reads ahead, so the texts under way are kept."""
    under_way: list[str] = []

    def kept() -> Iterator[str]:
        for text in texts:
            under_way.append(text)
            yield text

    for answer in pipe(kept(), progress=shows_progress):
        yield under_way.pop(0), answer


def _as_json(text: str, answer: Any) -> None:
    print(json.dumps({"text": text, "answer": answer}, ensure_ascii=False))


def _label_table(pipe: Any) -> Show:
    width = max(len("label"), *(len(label) for label in pipe.model.config.id2label.values()))

    def rows(text: str, answer: Any) -> list[str]:
        labels = answer if isinstance(answer, list) else [answer]
        return [
            f"{one['label']:<{width}}  {one['score']:.4f}  {text if place == 0 else ''}".rstrip()
            for place, one in enumerate(labels)
        ]

    return _table(f"{'label':<{width}}  {'score':<6}  text", rows)


def _vector_table(pipe: Any) -> Show:
    def rows(text: str, answer: Any) -> list[str]:
        (vectors,) = answer
        first = " ".join(f"{value:+.4f}" for value in vectors[0][:4])
        shape = f"[{len(vectors)}, {len(vectors[0])}]"
        return [f"{shape:<12}  {first} …  {text}"]

    return _table(f"{'shape':<12}  {'first numbers':<29}  text", rows)


def _table(header: str, rows: Callable[[str, Any], list[str]]) -> Show:
    """Print the header before the first answer, so that an error stands alone."""
    headers = [header]

    def show(text: str, answer: Any) -> None:
        print("\n".join([*headers, *rows(text, answer)]))
        headers.clear()

    return show


TABLES: dict[str, Callable[[Any], Show]] = {
    "text-classification": _label_table,
    "feature-extraction": _vector_table,
}
"""How each task's answers are shown to people."""
