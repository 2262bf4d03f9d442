"""One text alone by its number of tokens: the kernels for few rows beside OpenVINO, in turn.

    python benchmarks/kernels.py [--model builtin] [--dtype float32] [--lengths 4 8 16 …] [--rounds 30]

Where the kernels are no longer the faster ones is what `FEW_ROWS` in engines/kernels_memory.py, and `TILES` in
engines/kernels.py, are for. Prints milliseconds, medians, and how many times as fast the kernels are.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any
from unittest.mock import patch

from pellucid import pipeline
from pellucid.engines import kernels, kernels_memory
from pellucid.engines.kernels_library import dtypes

LENGTHS = (4, 8, 12, 16, 22, 28, 32, 40, 48, 56, 64, 80, 96, 128)
SPECIAL = 2
"""Tokens that the tokenizer puts around a text."""


def made(model: str, dtype: str, most: int) -> Any:
    """A pipeline whose kernels compute up to so many rows."""
    with patch.object(kernels, "most_rows", lambda dtype: most):
        pipe = pipeline("text-classification", model, engine="openvino", dtype=dtype)
        pipe("word")
    return pipe


def main() -> None:
    """Measure, and print a line for each length."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "int8"))
    parser.add_argument("--lengths", nargs="+", type=int, default=LENGTHS)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    if given.dtype not in dtypes():
        raise SystemExit(f"There are no kernels for {given.dtype} on this machine.")
    most = max(given.lengths)
    setattr(kernels_memory, "FEW_ROWS", most)  # noqa: B010 - for as long as this process lives
    pipes = {
        "kernels": made(given.model, given.dtype, most),
        "OpenVINO": made(given.model, given.dtype, 0),
    }
    print(f"{given.model}, {given.dtype}\n\n| tokens | {' | '.join(f'{name}, ms' for name in pipes)} | times |")
    print("| ---: " * (len(pipes) + 2) + "|")
    for length in given.lengths:
        text = " ".join(["word"] * (length - SPECIAL))
        spent: dict[str, list[float]] = {name: [] for name in pipes}
        for number in range(given.rounds + 3):
            for name, pipe in pipes.items():
                start = time.perf_counter()
                pipe(text)
                if number >= 3:
                    spent[name].append(1e3 * (time.perf_counter() - start))
        medians = [statistics.median(one) for one in spent.values()]
        print(f"| {length} | {' | '.join(f'{one:.2f}' for one in medians)} | {medians[1] / medians[0]:.2f} |")


if __name__ == "__main__":
    main()
