"""`pellucid trace`: what every stage took and gave, for one text."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from pellucid.cli.asked import add_arguments, input_of, pipeline_for
from pellucid.cli.page import check_target, write_page
from pellucid.errors import InputError

SUMMARY = "show every stage from a text to its answer"


def parser() -> argparse.ArgumentParser:
    """The sub-command's arguments."""
    command = argparse.ArgumentParser(
        prog="pellucid trace", description="Show every stage from a text to its answer: tokens, ids, layers, logits."
    )
    command.add_argument("task", metavar="TASK", help="as for `pellucid run`")
    command.add_argument("text", metavar="TEXT", help="the text")
    add_arguments(command)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument("--markdown", action="store_true", help="print tables of Markdown")
    command.add_argument("--html", metavar="FILE", type=Path, help="write a page for a browser, in place of the text")
    command.add_argument(
        "--no-attentions", action="store_true", help="with --html: leave attentions out, which a second pass computes"
    )
    return command


def execute(given: argparse.Namespace) -> int:
    """Run the sub-command."""
    if given.html is not None:
        check_target(given.html)
    elif given.no_attentions:
        raise InputError("--no-attentions is for pages. Name one: --html trace.html.")
    pipe = pipeline_for(given)
    trace = pipe.trace(input_of(pipe.task, given.text, given.question))
    if given.html is not None:
        write_page(given.html, trace.to_html(attentions=not given.no_attentions))
        print(f"The page is at {given.html.resolve()}", file=sys.stderr)
    if given.json:
        print(trace.to_json())
    elif given.markdown:
        print(trace.to_markdown(), end="")
    elif given.html is None:
        print(trace.to_text(**terminal()))
    return 0


def terminal() -> dict[str, Any]:
    """How wide standard output is, and whether it understands colours."""
    is_terminal = sys.stdout.isatty()
    # https://no-color.org
    colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return {"width": shutil.get_terminal_size().columns if is_terminal else 80, "colours": colours}
