"""`pellucid doctor`: whether this machine gives the reference's numbers for a checkpoint."""

from __future__ import annotations

import argparse
import sys
import textwrap
from typing import Any

from pellucid.machine_readable import as_json

SUMMARY = "tell whether this machine gives the reference's numbers"


def parser() -> argparse.ArgumentParser:
    """The sub-command's arguments."""
    command = argparse.ArgumentParser(
        prog="pellucid doctor",
        description="Run a checkpoint on every installed engine, and hold the numbers of every stage against the "
        "reference's: transformers where it is installed, else NumPy in float64. The exit status is 1 where one does "
        "not give them, or the checkpoint has a problem.",
    )
    command.add_argument("checkpoint", metavar="CHECKPOINT", help="a folder, a repository on the Hub, or builtin")
    command.add_argument("--task", metavar="T", help="what to ask; told by the checkpoint where left out")
    command.add_argument("--revision", metavar="R", help="branch, tag or commit on the Hub")
    command.add_argument("--engine", metavar="E", action="append", help="only this engine; may be given several times")
    command.add_argument("--dtype", metavar="D", action="append", help="only this precision; several times likewise")
    command.add_argument("--text", metavar="TEXT", action="append", help="only this text; several times likewise")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    return command


def execute(given: argparse.Namespace) -> int:
    """Run the sub-command."""
    from tqdm.auto import tqdm

    from pellucid import examine_checkpoint

    with tqdm(disable=not sys.stderr.isatty(), bar_format="{desc} {elapsed}", leave=False) as bar:
        found = examine_checkpoint(
            given.checkpoint,
            task=given.task,
            engines=given.engine,
            dtypes=given.dtype,
            texts=given.text,
            revision=given.revision,
            progress=bar.set_description_str,
        )
    if given.json:
        print(as_json(found.to_dict(), indent=2, default=str))
    else:
        print("\n".join(_described(found)))
    return 0 if found.is_well else 1


def _described(found: Any) -> list[str]:
    machine, checkpoint = found.machine, found.checkpoint
    features = ", ".join(machine.features) or "nothing that engines ask for"
    rows = [
        ("checkpoint", f"{checkpoint.name}, {checkpoint.family}, asked as {found.task}"),
        ("processor", f"{machine.processor}: {features}"),
        ("kernels", ", ".join(machine.kernels) or "none: not compiled, or not for this processor; OpenVINO computes"),
        ("cores", f"{machine.cores}, memory {machine.memory / 2**30:.1f} GiB, GPU {machine.gpu or 'none'}"),
        ("libraries", ", ".join(f"{name} {version}" for name, version in machine.libraries.items())),
        ("reference", found.reference),
        *(("problem", problem) for problem in checkpoint.problems),
    ]
    if checkpoint.untrained:
        rows.append(("untrained", f"heads without weights of their own: {', '.join(checkpoint.untrained)}"))
    lines = [line for name, value in rows for line in _wrapped(f"{name:<12}", value)]
    lines.append("")
    for one in found.findings:
        lines += _wrapped(f"{'ok ' if one.agrees else 'NO '} {one.engine} {one.dtype}  ", one.told)
    lines += [f"    {name} is not installed: {install}" for name, install in machine.missing.items()]
    count = sum(not one.agrees for one in found.findings)
    if found.is_well:
        verdict = "This machine gives the reference's numbers."
    elif count:
        verdict = f"{count} of {len(found.findings)} ways to compute do not give the reference's numbers."
    else:
        verdict = "The numbers are the reference's, but the checkpoint has a problem."
    return [*lines, "", verdict]


def _wrapped(title: str, words: str) -> list[str]:
    return textwrap.wrap(title + words, 80, subsequent_indent=" " * 12, break_long_words=False)
