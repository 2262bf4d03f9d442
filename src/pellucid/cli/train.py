"""`pellucid train`: fine-tune a checkpoint on the labelled texts of a file."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from typing import Any

from pellucid.cli.tables import Columns, Table, meaning_of, read_table
from pellucid.errors import InputError, TextTooLongError, TrainingError
from pellucid.machine_readable import as_json

SUMMARY = "fine-tune a checkpoint on labelled texts"

SETTINGS: dict[str, tuple[Callable[[str], Any], str]] = {
    "epochs": (int, "how often each text is learned from (default 3)"),
    "batch-size": (int, "texts of one step (default 32)"),
    "learning-rate": (float, "of AdamW, at its highest (default 5e-5)"),
    "weight-decay": (float, "of AdamW (default 0.01)"),
    "warmup": (float, "part of the steps in which the learning rate rises (default 0.1)"),
    "schedule": (str, "how the learning rate falls: linear (default), cosine, constant"),
    "max-gradient-norm": (float, "longer gradients are cut to this length (default 1.0)"),
    "layer-decay": (float, "each layer's learning rate as a part of that of the layer above (default 1.0)"),
    "max-length": (int, "tokens to keep of each text; without it texts that are too long are refused"),
    "early-stopping": (int, "stop after so many epochs without a better one; needs --evaluation"),
    "seed": (int, "of a new head, the order of the texts, dropout, what is held out (default 0)"),
    "dtype": (str, "float32 (default), or bfloat16 to compute products in"),
    "device": (str, "cpu (default), cuda, mps …"),
    "threads": (int, "of the CPU"),
    "save-steps": (int, "steps between two checkpoints; one at the end of each epoch by default"),
    "problem-type": (
        str, "single_label_classification, multi_label_classification or regression; told by the labels by default",
    ),
}  # fmt: skip
"""Arguments of `finetune` that are left to it where they are not named."""


def parser() -> argparse.ArgumentParser:
    """The sub-command's arguments."""
    command = argparse.ArgumentParser(
        prog="pellucid train",
        description="Fine-tune a checkpoint on labelled texts, on PyTorch. A run that was cut off goes on where it was "
        "when it is started again with the same words.",
    )
    command.add_argument("data", metavar="DATA", help="labelled texts: .tsv or .csv with a header, or .jsonl")
    command.add_argument("--model", metavar="M", required=True, help="a folder, a repository on the Hub, or builtin")
    command.add_argument(
        "--output", metavar="FOLDER", required=True, help="where checkpoints and the model are written"
    )
    command.add_argument("--text", metavar="COLUMN", default="text", help="the column of texts (default text)")
    command.add_argument("--pair", metavar="COLUMN", help="the column of second texts (text_pair, if there is one)")
    command.add_argument("--label", metavar="COLUMN", default="label", help="the column of labels (default label)")
    command.add_argument(
        "--evaluation", metavar="E", help="measure after each epoch: a file like DATA, or a fraction to hold out"
    )
    for name, (kind, words) in SETTINGS.items():
        command.add_argument(f"--{name}", metavar=name[0].upper(), type=kind, help=words)
    command.add_argument("--no-resume", action="store_true", help="start anew, whatever is in the output folder")
    command.add_argument("--json", action="store_true", help="print one JSON object an epoch")
    return command


def execute(given: argparse.Namespace) -> int:
    """Run the sub-command."""
    columns = Columns(given.text, given.pair, given.label)
    table = read_table(given.data, columns)
    fraction = _fraction(given.evaluation)
    measured = None if given.evaluation is None or fraction is not None else read_table(given.evaluation, columns)
    labels, *others = meaning_of(table.labels, *([] if measured is None else [measured.labels]))
    evaluation: Any = fraction
    if measured is not None:
        pairs = [] if measured.pairs is None else [measured.pairs]
        evaluation = (measured.texts, *pairs, others[0])
    named = {name.replace("-", "_"): getattr(given, name.replace("-", "_")) for name in SETTINGS}
    from pellucid import finetune

    show = _json_line if given.json else _Rows()
    try:
        made = finetune(
            given.model,
            table.texts,
            labels,
            text_pairs=table.pairs,
            evaluation=evaluation,
            output=given.output,
            resume=not given.no_resume,
            progress=sys.stderr.isatty(),
            on_epoch=show,
            **{name: value for name, value in named.items() if value is not None},
        )
    except InputError as error:
        raise _with_line(error, table, measured) from error
    except TrainingError as error:
        # The library speaks of its own argument.
        raise TrainingError(error.message.replace("`resume=False`", "--no-resume"), **error.details) from error
    if not given.json:
        best = "" if made.best_epoch is None else f" of epoch {made.best_epoch}"
        print(f"\nThe model{best} is in {given.output}. Use it:")
        print(f"  pellucid run text-classification --model {shlex.quote(given.output)}")
    return 0


def _fraction(evaluation: str | None) -> float | None:
    try:
        return None if evaluation is None else float(evaluation)
    except ValueError:
        return None


def _with_line(error: InputError, table: Table, measured: Table | None) -> InputError:
    """The error with the line that it speaks of; the library counts texts from 0 and speaks of its own arguments."""
    index, name = error.details.get("index"), str(error.details.get("name", ""))
    source = measured if name.startswith("evaluation") else table
    if index is None or source is None:
        return error
    message = f"Line {source.lines[index]} of {source.path}: {error.message}"
    if isinstance(error, TextTooLongError):
        message = (
            f"Line {source.lines[index]} of {source.path} has {error.n_tokens} tokens; the model takes at most "
            f"{error.max_length}. Pass --max-length {error.max_length} to keep the first of them, or split the text."
        )
    return type(error)(message, **error.details)


def _json_line(measures: dict[str, Any]) -> None:
    print(as_json(measures), flush=True)


class _Rows:
    """A table with a row for each epoch, as they end."""

    def __init__(self) -> None:
        self._has_header = False

    def __call__(self, measures: dict[str, Any]) -> None:
        words = {name: name.replace("_", " ") for name in measures}
        if not self._has_header:
            print("  ".join(f"{word:>{max(len(word), 7)}}" for word in words.values()))
            self._has_header = True
        print("  ".join(f"{_shown(measures[name]):>{max(len(word), 7)}}" for name, word in words.items()), flush=True)


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"
