"""One text alone, and a micro-batch of short ones, by the number of tokens: the kernels beside OpenVINO, in turn.

    python benchmarks/beside_openvino.py [--model builtin] [--dtype float32] [--lengths 4 8 …] [--rounds 30]
                                         [--short 27]

Where the kernels are no longer the faster ones is what `BESIDE_TILES` in engines/kernels.py is for, and how large
micro-batches are best, `TOKENS`. Prints milliseconds, medians, and how many times as fast the kernels are.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any
from unittest.mock import patch

import numpy as np

from pellucid import pipeline
from pellucid.engines import kernels
from pellucid.engines.kernels_library import dtypes
from pellucid.packing import pack

LENGTHS = (4, 8, 12, 16, 22, 28, 32, 40, 48, 56, 64, 80, 96, 128, 256, 512)


def made(model: str, dtype: str, way: str) -> Any:
    """A pipeline that computes everything by the kernels, or by OpenVINO."""
    with patch.object(kernels, "most_tokens", lambda library, dtype: None if way == "kernels" else 0):
        pipe = pipeline("text-classification", model, engine="openvino", dtype=dtype)
        pipe("word")
    return pipe


def main() -> None:
    """Measure, and print a line for each length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "int8"))
    parser.add_argument("--lengths", nargs="+", type=int, default=LENGTHS)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--short", type=int, help="tokens of each text of a micro-batch; one text alone where left out")
    given = parser.parse_args()
    if given.dtype not in dtypes():
        raise SystemExit(f"There are no kernels for {given.dtype} on this machine.")
    pipes = {way: made(given.model, given.dtype, way) for way in ("kernels", "OpenVINO")}
    print(f"{given.model}, {given.dtype}\n\n| tokens | {' | '.join(f'{way}, ms' for way in pipes)} | times |")
    print("| ---: " * (len(pipes) + 2) + "|")
    random = np.random.default_rng(0)
    for length in given.lengths:
        lengths = [given.short] * (length // given.short) if given.short else [length]
        packed = pack([random.integers(1000, 5000, one).tolist() for one in lengths])
        spent: dict[str, list[float]] = {way: [] for way in pipes}
        for number in range(given.rounds + 3):
            for way, pipe in pipes.items():
                start = time.perf_counter()
                pipe.model.runner.run(packed, max_tokens=length, outputs=("logits",))
                if number >= 3:
                    spent[way].append(1e3 * (time.perf_counter() - start))
        medians = [statistics.median(one) for one in spent.values()]
        print(f"| {sum(lengths)} | {' | '.join(f'{one:.2f}' for one in medians)} | {medians[1] / medians[0]:.2f} |")


if __name__ == "__main__":
    main()
