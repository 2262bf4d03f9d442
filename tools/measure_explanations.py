"""Measures what docs/decisions/0033-explaining.md rests on: steps, baselines, and how much the words found matter.

    python tools/measure_explanations.py

The texts are those of tools/everyday_sentences.tsv, the model is the builtin one, on PyTorch.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from pellucid import pipeline
from pellucid.explaining import integrated_gradients as paths

SENTENCES = Path(__file__).with_name("everyday_sentences.tsv")

RULES = ("gauss", "middles", "trapezoids")


def quadrature(rule: str, steps: int) -> tuple[Any, Any]:
    """Places from 0 to 1 and their weights, by another rule than the library's."""
    if rule == "middles":
        return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)
    weights = np.full(steps, 1 / (steps - 1))
    weights[[0, -1]] /= 2
    return np.linspace(0, 1, steps), weights


def errors(pipe: Any, texts: list[str]) -> None:
    """The completeness error by rule and number of steps, as a part of the contributions' sizes."""
    usual: Any = paths._quadrature
    print("median and largest completeness error, of the contributions' sizes")
    for rule in RULES:
        chosen: Any = usual if rule == "gauss" else partial(quadrature, rule)
        paths._quadrature = chosen
        for steps in (8, 16, 32, 64, 128):
            found = [pipe.explain(text, steps=steps, max_steps=steps) for text in texts]
            shares = [abs(one.completeness_error) / sum(map(abs, one.contributions)) for one in found]
            print(f"  {rule:<11}{steps:>4} steps  {median(shares):>9.3%} {max(shares):>9.3%}")
    paths._quadrature = usual
    steps_needed = [pipe.explain(text).steps for text in texts]
    counted = {steps: steps_needed.count(steps) for steps in sorted(set(steps_needed))}
    print(f"  steps that the usual bound took: {counted}")


def fall(pipe: Any, texts: list[str], order: Any) -> float:
    """How far the logit of the best label falls, in the mean, when the first fifth of the words is masked."""
    falls = []
    for text in texts:
        found = pipe.explain(text, method="occlusion")
        chosen = order(text, found)[: max(1, len(found.words) // 5)]
        masked = text
        for word in sorted(chosen, key=lambda one: -one.start):
            masked = masked[: word.start] + "[MASK]" + masked[word.end :]
        # The label is that of the whole text.
        falls.append(found.logit - pipe.explain(masked, method="occlusion", target=found.target).logit)
    return float(mean(falls))


def main() -> None:
    """Measure and print."""
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()[1:]
    texts = [line.partition("\t")[2] for line in lines]
    pipe = pipeline("text-classification", "builtin", engine="torch")
    print(f"{len(texts)} texts of {min(map(len, texts))} to {max(map(len, texts))} characters")
    errors(pipe, texts)
    print("what the baseline says: the difference of its labels' probabilities, in the mean")
    for baseline in ("mask", "pad", "zero"):
        found = [pipe.explain(text, target=["NEGATIVE", "POSITIVE"], baseline=baseline) for text in texts]
        gaps = [abs(np.tanh((one[0].baseline_logit - one[1].baseline_logit) / 2)) for one in found]
        print(f"  {baseline:<5} {mean(gaps):.3f}")
    print("fall of the best label's logit when the fifth of the words that counts most for it is masked")
    random = np.random.default_rng(0)
    orders: dict[str, Any] = {
        "at random": lambda text, found: [found.words[n] for n in random.permutation(len(found.words))],
        "occlusion": lambda text, found: sorted(found.words, key=lambda word: -word.contribution),
    }
    for baseline in ("mask", "pad", "zero"):
        orders[f"gradients, {baseline}"] = lambda text, found, baseline=baseline: sorted(
            pipe.explain(text, baseline=baseline).words, key=lambda word: -word.contribution
        )
    for name, order in orders.items():
        print(f"  {name:<16} {fall(pipe, texts, order):.3f}")
    print("seconds for a text, median")
    for method in ("integrated_gradients", "occlusion"):
        spent = []
        for text in texts:
            start = time.perf_counter()
            pipe.explain(text, method=method)
            spent.append(time.perf_counter() - start)
        print(f"  {method:<21} {median(spent):.3f}")


if __name__ == "__main__":
    main()
