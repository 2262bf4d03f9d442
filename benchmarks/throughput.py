"""Texts per second of the builtin classifier: Pellucid and `transformers` on the same texts in one run.

    python benchmarks/throughput.py [--texts 400] [--rounds 5] [--max-tokens 256 512 1024 2048] [--json]

Texts are made of the vocabulary's own words, in two mixes of lengths: short ones, as sentences are (about 27 tokens),
and mixed ones, as documents are (8 to 400 tokens). All contestants run in turn, round after round; medians are
compared. The ceiling is the same engine doing the encoder's matrix products alone, on the same number of tokens.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from peers.precisions import precisions
from pellucid import AutoTokenizer, pipeline
from pellucid.architectures.bert import read_bert_config
from pellucid.engines import installed, load_engine
from pellucid.layers import linear
from pellucid.packing import MAX_TOKENS, pack

BUILTIN = str(Path(__file__).parents[1] / "src" / "pellucid" / "builtin")


def made_texts(count: int, lengths: np.ndarray, seed: int) -> list[str]:
    """Texts of about the given numbers of tokens, of whole words from the vocabulary."""
    words = [word for word in AutoTokenizer.from_pretrained("builtin").get_vocab() if word.isalpha()]
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(sorted(words), length - 2)) for length in lengths[:count]]


def mixes(count: int) -> dict[str, list[str]]:
    """The two mixes of lengths."""
    random = np.random.default_rng(0)
    short = np.clip(random.poisson(27, count), 5, 80)
    mixed = np.clip(random.gamma(1.2, 54, count).astype(int), 8, 400)
    return {"short": made_texts(count, short, 1), "mixed": made_texts(count, mixed, 2)}


def ceiling(pipe: Any, texts: list[str]) -> Callable[[], object]:
    """The encoder's matrix products alone, on as many tokens, in full micro-batches."""
    settings = read_bert_config(pipe.model.config)
    tokens = sum(pipe.tokenizer.encode_ragged(texts).lengths)
    batch = pack([[0] * 512] * 2)

    def products(ops: Any, w: Any, inputs: Any) -> dict[str, Any]:
        x = ops.embedding((w / "embeddings.tokens")("weight", settings.vocabulary, settings.width), inputs.ids)
        for n in range(settings.layers):
            attention = w / f"layers.{n}.attention"
            for name in ("query", "key", "value", "output"):
                x = linear(ops, attention / name, x, settings.width, settings.width)
            inner = linear(ops, w / f"layers.{n}.feed_forward.inner", x, settings.width, settings.inner)
            x = linear(ops, w / f"layers.{n}.feed_forward.outer", inner, settings.inner, settings.width)
        return {"out": x}

    engine = load_engine(pipe.model.engine)[1]
    program = engine.build(products, pipe.model.tensors, dtype=pipe.model.dtype)
    program(batch)
    times = tokens / len(batch.ids)

    def run() -> None:
        for _ in range(int(times)):
            program(batch)
        rest = round((times - int(times)) * len(batch.ids))
        if rest:
            program(pack([[0] * rest]))

    return run


def contestants(texts: list[str], budgets: list[int]) -> dict[str, Callable[[], object]]:
    """Every contestant by name, made and warmed up."""
    found: dict[str, Callable[[], object]] = {}
    if find_spec("transformers") and find_spec("torch"):
        import transformers

        reference = transformers.pipeline("sentiment-analysis", BUILTIN, dtype="float32")
        found["transformers float32, as it comes"] = lambda: reference(texts, truncation=True)
        found["transformers float32, batch_size=32"] = lambda: reference(texts, truncation=True, batch_size=32)
        half = transformers.pipeline("sentiment-analysis", BUILTIN, dtype="bfloat16")
        found["transformers bfloat16, batch_size=32"] = lambda: half(texts, truncation=True, batch_size=32)
    for engine, dtype in ((engine, dtype) for dtype in precisions() for engine in installed()):
        if engine == "numpy":
            continue
        pipe = pipeline("sentiment-analysis", "builtin", engine=engine, dtype=dtype)
        for budget in budgets:
            name = f"pellucid {engine} {dtype}" + (f", max_tokens={budget}" if len(budgets) > 1 else "")
            found[name] = partial(pipe, texts, truncation=True, max_tokens=budget)
        if engine == "openvino":
            found[f"ceiling {dtype}: products alone"] = ceiling(pipe, texts)
    return found


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-tokens", type=int, nargs="+", default=[MAX_TOKENS])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report: dict[str, dict[str, float]] = {}
    for mix, texts in mixes(given.texts).items():
        ready = contestants(texts, given.max_tokens)
        times: dict[str, list[float]] = {name: [] for name in ready}
        for round_number in range(given.rounds + 1):
            for name, run in ready.items():
                start = time.perf_counter()
                run()
                if round_number:
                    times[name].append(time.perf_counter() - start)
        report[mix] = {name: len(texts) / statistics.median(values) for name, values in times.items()}
    if given.json:
        print(json.dumps({"texts_per_second": report}, indent=2))
        return
    base = f"pellucid openvino float32{f', max_tokens={given.max_tokens[0]}' if len(given.max_tokens) > 1 else ''}"
    print(f"{'texts per second':<42}" + "".join(f"{mix:>9}{'ratio':>8}" for mix in report))
    for name in next(iter(report.values())):
        cells = "".join(f"{rates[name]:>9.0f}{rates[name] / rates[base]:>7.2f}×" for rates in report.values())
        print(f"{name:<42}{cells}")


if __name__ == "__main__":
    main()
