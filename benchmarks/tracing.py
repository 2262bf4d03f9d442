"""What it costs to see through: a call, a trace, and a trace that is asked for values of the layers too.

    python benchmarks/tracing.py [--model builtin] [--reviews FILE.tsv] [--texts 64] [--rounds 7]

One text after the other, all contestants in turn, round after round; medians, and times that of a call. The first and
the last line are the same calls, before any trace was made and beside traces: what tracing costs when it is off.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from peers.texts import short_texts
from pellucid import pipeline


def seconds(run: Callable[[str], object], texts: list[str]) -> float:
    begun = time.perf_counter()
    for text in texts:
        run(text)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--reviews", type=Path)
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    pipe = pipeline("sentiment-analysis", given.model, engine="openvino", dtype=given.dtype)
    words = [word for word in pipe.tokenizer.get_vocab() if word.isalpha()]
    texts = short_texts(given.texts, given.reviews, words)
    seconds(pipe, texts)
    before = [seconds(pipe, texts) for _ in range(2 * given.rounds)][given.rounds :]
    contestants: dict[str, Callable[[str], object]] = {
        "a trace": pipe.trace,
        "a trace, and its hidden states": lambda text: pipe.trace(text).hidden_states,
        "a trace, and its attentions": lambda text: pipe.trace(text).attentions,
        "a call, between traces": pipe,
    }
    for run in contestants.values():
        seconds(run, texts)
    rounds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(given.rounds):
        for name, run in contestants.items():
            rounds[name].append(seconds(run, texts))
    call = statistics.median(before)
    print(f"{given.model}, {given.dtype}, {len(texts)} texts, OpenVINO\n")
    print(f"| | ms a text | times a call |\n| --- | --- | --- |\n| a call | {1e3 * call / len(texts):.2f} | 1.00 |")
    for name, own in rounds.items():
        spent = statistics.median(own)
        print(f"| {name} | {1e3 * spent / len(texts):.2f} | {spent / call:.2f} |")


if __name__ == "__main__":
    main()
