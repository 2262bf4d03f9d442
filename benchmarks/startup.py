"""From process start to exit: one sentence classified by the builtin checkpoint, by the command and by `transformers`.

    python benchmarks/startup.py [--rounds 7] [--json]

All contestants run in turn, round after round, so that a slow minute of the machine is shared; the medians are
compared. The floor is what no change of Pellucid's own code could save: starting Python and importing the libraries.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

SENTENCE = "I love to learn about LLMs!"
BUILTIN = Path(__file__).parents[1] / "src" / "pellucid" / "builtin"

REFERENCE = f"""
from transformers import pipeline
print(pipeline("sentiment-analysis", {str(BUILTIN)!r})({SENTENCE!r}))
"""

CONTESTANTS = {
    "pellucid run": ["-m", "pellucid", "run", "sentiment-analysis", "--model", "builtin", SENTENCE],
    "pellucid run --engine numpy": [
        "-m", "pellucid", "run", "sentiment-analysis", "--model", "builtin", SENTENCE, "--engine", "numpy",
    ],
    "floor: imports alone": ["-c", "import numpy, tokenizers, pellucid.engines.openvino_program"],
    "transformers pipeline()": ["-c", REFERENCE],
}  # fmt: skip

TARGET_SECONDS = 1.2


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
    # An installed package is compiled to bytecode; a checkout is when it may be, in the first round.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    run = subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment)
    elapsed = time.perf_counter() - start
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{run.stderr}")
    return elapsed


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    contestants = dict(CONTESTANTS)
    if find_spec("transformers") is None or find_spec("torch") is None:
        del contestants["transformers pipeline()"]
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for round_number in range(given.rounds + 1):
        for name, command in contestants.items():
            elapsed = seconds(command)
            if round_number:  # the first round fills the disk's cache
                times[name].append(elapsed)
    medians = {name: statistics.median(values) for name, values in times.items()}
    if given.json:
        print(json.dumps({"seconds": times, "medians": medians, "target_seconds": TARGET_SECONDS}, indent=2))
        return
    own = medians["pellucid run"]
    print(f"{'process start to exit, one sentence':<38}{'median s':>9}{'least s':>9}{'ratio':>8}")
    for name, median in medians.items():
        print(f"{name:<38}{median:>9.2f}{min(times[name]):>9.2f}{median / own:>7.1f}×")
    print(f"target: under {TARGET_SECONDS} s; {'met' if own < TARGET_SECONDS else 'NOT met'} in this run")


if __name__ == "__main__":
    main()
