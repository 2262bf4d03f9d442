"""`pellucid explain`: which words carried a decision, for one text."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pellucid.cli.asked import add_arguments, input_of, pipeline_for
from pellucid.cli.page import write_page, write_whole
from pellucid.cli.trace import terminal

SUMMARY = "show which words carried an answer"


def parser() -> argparse.ArgumentParser:
    """The sub-command's arguments."""
    command = argparse.ArgumentParser(
        prog="pellucid explain",
        description="Show which words of a text carried an answer, by integrated gradients or by hiding them.",
    )
    command.add_argument("task", metavar="TASK", help="as for `pellucid run`")
    command.add_argument("text", metavar="TEXT", help="the text")
    add_arguments(command)
    command.add_argument(
        "--method", metavar="H",
        help="integrated_gradients (default where the engine is torch) or occlusion (on all engines)",
    )  # fmt: skip
    command.add_argument(
        "--target", metavar="T",
        help="what to explain: a label, a word, an answer, or JSON such as '{\"index\": 3}'; "
        "the best answer by default",
    )  # fmt: skip
    command.add_argument("--baseline", metavar="B", help="of integrated gradients: mask (default), pad or zero")
    command.add_argument("--by", metavar="U", help="of occlusion, what is hidden at once: word (default) or token")
    command.add_argument("--steps", metavar="N", type=int, help="of integrated gradients: how many at first")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument("--markdown", action="store_true", help="print a table of Markdown")
    command.add_argument("--html", metavar="F", help="also write a page, in colours, to this file")
    command.add_argument("--plot", metavar="F", help="also draw a picture into this file: .png, .svg or .pdf")
    return command


def execute(given: argparse.Namespace) -> int:
    """Run the sub-command."""
    pipe = pipeline_for(given)
    explanation = pipe.explain(
        input_of(pipe.task, given.text, given.question), method=given.method, target=_target(given.target),
        baseline=given.baseline, by=given.by, steps=given.steps,
    )  # fmt: skip
    if given.html:
        write_page(Path(given.html), explanation.to_html(page=True))
    if given.plot:
        write_whole(Path(given.plot), explanation.plot().savefig)
    if given.json:
        print(explanation.to_json())
    elif given.markdown:
        print(explanation.to_markdown(), end="")
    else:
        print(explanation.to_text(**terminal()))
    return 0


def _target(words: str | None) -> Any:
    """What was named: JSON's dictionaries and numbers, all else as it is."""
    if words is None:
        return None
    try:
        found = json.loads(words)
    except ValueError:
        return words
    return found if isinstance(found, dict | int) and not isinstance(found, bool) else words
