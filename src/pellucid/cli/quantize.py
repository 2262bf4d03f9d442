"""`pellucid quantize`: a checkpoint that computes in int8, and how far its answers are those of float32."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict
from itertools import islice

from pellucid.cli.texts import lines_of
from pellucid.machine_readable import as_json

SUMMARY = "make a checkpoint that computes in int8"

USUAL = 512


def parser() -> argparse.ArgumentParser:
    """The sub-command's arguments."""
    command = argparse.ArgumentParser(
        prog="pellucid quantize",
        description="Make a checkpoint that --dtype int8 computes, from texts like those that will be asked, and tell "
        "how far its answers are those of float32. Half of the texts, 512 at most, tell how inputs are rounded, the "
        "others are measured.",
    )
    command.add_argument("model", metavar="MODEL", help="a folder, a repository on the Hub, or builtin")
    command.add_argument("--texts", metavar="F", required=True, help="texts, one a line; - is standard input")
    command.add_argument("--output", metavar="FOLDER", required=True, help="where the checkpoint is written")
    command.add_argument("--task", metavar="T", help="what it will be asked; told by the checkpoint where left out")
    command.add_argument("--revision", metavar="R", help="branch, tag or commit on the Hub")
    command.add_argument(
        "--agreement", metavar="A", type=float, default=0.995,
        help="the share of decisions that should be float32's (default 0.995); what loses most stays in bfloat16",
    )  # fmt: skip
    command.add_argument(
        "--count", metavar="N", type=int, default=USUAL, help=f"texts to read at most (default {USUAL})"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    return command


def execute(given: argparse.Namespace) -> int:
    """Run the sub-command; 3 where int8 does not agree as far as was asked."""
    texts = list(islice((line for line in lines_of(given.texts) if line.strip()), given.count))
    from pellucid import pipeline, quantize

    pipe = pipeline(given.task, given.model, revision=given.revision, engine="openvino")
    report = quantize(pipe, texts, given.output, agreement=given.agreement)
    if given.json:
        print(as_json({**asdict(report), "reaches_bar": report.reaches_bar}))
        return 0 if report.reaches_bar else 3
    print(f"{'':<10}{'agreement':>11}{'largest difference':>20}{'speed':>8}")
    for dtype, found in report.precisions.items():
        print(
            f"{dtype:<10}{found['agreement']:>11.2%}{found['largest_difference']:>20.4f}{found['times_float32']:>7.2f}×"
        )
    print(f"\n{report.decisions} decisions on {report.texts // 2} texts; {report.maps} linear maps in int8.")
    if not report.reaches_bar:
        print(f"int8 does not reach {report.bar:.2%}. Give more texts, ask for less, or stay with bfloat16.")
    print(f"The checkpoint is in {given.output}. Use it:")
    print(f"  pellucid run {pipe.task} --model {shlex.quote(given.output)} --dtype int8")
    return 0 if report.reaches_bar else 3
