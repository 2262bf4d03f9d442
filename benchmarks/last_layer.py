"""What it saves to compute the last layer for those rows alone that a head reads (decision 24).

    python benchmarks/last_layer.py reviews.tsv --texts 400

The same texts through the same checkpoint, with all rows and with few, by turns in one run; medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from peers.precisions import precisions
from pellucid import pipeline
from pellucid.architectures.family import Family

FORWARD = Family.forward


def all_rows(self: Family, *arguments: Any, narrow: bool = False, **named: Any) -> Any:
    return FORWARD(self, *arguments, narrow=False, **named)


def seconds(pipe: Any, texts: list[str]) -> float:
    begun = time.perf_counter()
    pipe(texts, truncation=True)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="texts, one a line; of columns between tabs the longest is taken")
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--model", default="builtin")
    given = parser.parse_args()
    lines = given.file.read_text(encoding="utf-8").splitlines()[1 : given.texts + 1]
    texts = [max(line.split("\t"), key=len) for line in lines]
    print(f"{given.model}, {len(texts)} texts, OpenVINO, medians of {given.rounds} rounds\n")
    print("| dtype | all rows, texts/s | rows that are read, texts/s | times |\n| --- | --- | --- | --- |")
    for dtype in precisions():
        pipes = []
        for forward in (all_rows, FORWARD):
            with patch.object(Family, "forward", forward):
                pipes.append(pipeline("sentiment-analysis", given.model, engine="openvino", dtype=dtype))
                pipes[-1](texts[:50], truncation=True)
        rounds = [[seconds(pipe, texts) for pipe in pipes] for _ in range(given.rounds)]
        everything, few = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"| {dtype} | {len(texts) / everything:.0f} | {len(texts) / few:.0f} | {everything / few:.2f} |")


if __name__ == "__main__":
    main()
