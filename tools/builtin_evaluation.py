"""Measures the builtin checkpoint as it was written to its folder, and writes its card."""

from __future__ import annotations

import importlib.metadata
import math
import platform
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import pellucid
from pellucid.errors import InputError

LABELS = {0: "NEGATIVE", 1: "POSITIVE"}
LARGEST_SIZE = 28_000_000
Example = tuple[str, int]
Floats = npt.NDArray[np.float64]


def read_examples(path: Path) -> list[Example]:
    """Reads labelled texts from a file with the header `label<TAB>text` and labels 0 and 1."""
    # Not splitlines, which would also cut a text at U+2028 and the like.
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    if lines[0] != "label\ttext":
        raise InputError(f"{path.name} must begin with the line 'label<TAB>text'.", path=str(path))
    examples = []
    for number, line in enumerate(lines[1:], start=2):
        label, separator, text = line.partition("\t")
        if label not in {"0", "1"} or not separator or not text.strip():
            message = f"Line {number} of {path.name} is {line!r}; expected 0 or 1, a tab, and a text."
            raise InputError(message, path=str(path), line=number)
        examples.append((text, int(label)))
    return examples


def positive_probabilities(folder: Path, examples: Sequence[Example]) -> Floats:
    """Computes the probability of POSITIVE for each text, `[B]`, in float32."""
    pipe = pellucid.pipeline("text-classification", model=folder, engine="torch", truncation=True, top_k=None)
    answers = pipe([text for text, _ in examples])
    return np.array([next(one["score"] for one in each if one["label"] == LABELS[1]) for each in answers])


def percent(probabilities: Floats, examples: Sequence[Example]) -> float:
    """Computes the accuracy in per cent."""
    return 100 * float(((probabilities > 0.5) == [label for _, label in examples]).mean())


def write_card(folder: Path, recipe: Mapping[str, object], trained_on: int, held_out: Sequence[Example]) -> str:
    """Measures the checkpoint in the folder, as it was stored, and writes its card; returns the figures."""
    labels = np.array([label for _, label in held_out])
    probabilities = positive_probabilities(folder, held_out)
    accuracy = percent(probabilities, held_out)
    confusion = np.bincount(2 * labels + (probabilities > 0.5), minlength=4).tolist()
    everyday = read_examples(Path(__file__).with_name("everyday_sentences.tsv"))
    outcomes = []
    for (text, label), positive in zip(everyday, positive_probabilities(folder, everyday), strict=True):
        answer = int(positive > 0.5)
        probability = max(positive, 1 - positive)
        mark = "" if answer == label else f"**wrong**, expected {LABELS[label]}"
        outcomes.append(f"| {text} | {LABELS[answer]} | {probability:.3f} | {mark} |")
    right = sum(line.endswith("|  |") for line in outcomes)
    figures = {
        **recipe,
        "accuracy": f"{accuracy:.2f}",
        "error": f"{196 * math.sqrt(accuracy / 100 * (1 - accuracy / 100) / len(held_out)):.1f}",
        "training": f"{trained_on:,}",
        "held_out": f"{len(held_out):,}",
        "true_negative": confusion[0],
        "false_positive": confusion[1],
        "false_negative": confusion[2],
        "true_positive": confusion[3],
        "parameters": f"{pellucid.inspect_checkpoint(folder).parameters / 1e6:.1f} million",
        "size": f"{sum(path.stat().st_size for path in folder.iterdir()) / 1e6:.1f} MB",
        "everyday": "\n".join(outcomes),
        "everyday_right": right,
        "everyday_all": len(everyday),
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
        "tokenizers": importlib.metadata.version("tokenizers"),
    }
    template = Path(__file__).with_name("builtin_card.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(string.Template(template).substitute(figures), encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    if size > LARGEST_SIZE:
        message = f"The checkpoint takes {size:,} bytes; at most {LARGEST_SIZE:,} fit: keep fewer pieces."
        raise InputError(message, size=size)
    summary = f"{accuracy:.2f} % of {len(held_out):,} held-out texts, {confusion=}, {size:,} bytes"
    return "\n".join([*outcomes, f"{right} of {len(everyday)} everyday sentences right", summary])
