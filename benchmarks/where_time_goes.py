"""Where the time of a pipeline goes: by stage, and inside the model by kind of operation.

    python benchmarks/where_time_goes.py [--model builtin] [--dtype float32 bfloat16] [--int8 FOLDER]
        [--reviews FILE.tsv] [--texts 256] [--mixed] [--json] [--chart FILE.svg]

Stages are told by the clock around them; operations, in a second pass, by running the kernels' steps one by one, or by
OpenVINO's own counters where it computes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from peers.precisions import precisions
from peers.texts import joined, mixed_lengths, short_texts
from pellucid import pipeline
from pellucid.engines import openvino_program as engine
from pellucid.engines.kernels import KernelsProgram
from pellucid.engines.kernels_library import KINDS as STEP_KINDS
from pellucid.engines.kernels_library import KernelsLibrary, Operation
from pellucid.sequences import Encoder

ROUNDS = 5

STAGES = ("text → ids", "pack and unpack", "model", "answer")

KINDS = {
    **dict.fromkeys(("FullyConnected", "FullyConnectedQuantizedLegacy", "MatMul"), "matrix products"),
    # In an encoder of BERT's form attention is all that OpenVINO joins into subgraphs.
    **dict.fromkeys(("Subgraph", "ScaledDotProductAttention", "MHA", "Softmax"), "attention"),
    **dict.fromkeys(("Eltwise", "Add", "Multiply", "Subtract", "Maximum", "Select"), "sums, scales, rounding"),
    **dict.fromkeys(("Reorder", "Convert"), "layout of memory"),
    "Transpose": "layout of attention",
    "Gather": "gathering rows",
    "MVN": "norms",
    "FakeQuantize": "rounding to int8",
}
"""OpenVINO's kinds of nodes, in the field's words."""

STEPS = {
    "product": "matrix products",
    "attention": "attention",
    "layer_norm": "norms",
    "pack": "layout of memory",
    "embedding": "gathering rows",
    "rows": "gathering rows",
}
"""The kernels' steps, likewise. What follows a product, an activation or rounding, is done in it, and sums in norms."""

PROGRAMS = (engine.OpenvinoProgram, KernelsProgram)


@contextmanager
def clocked(spent: dict[str, float]) -> Iterator[None]:
    """Count the seconds inside the encoder and the model."""
    encode, calls = Encoder.encode, [program.__call__ for program in PROGRAMS]

    def timed(function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                spent[stage] += time.perf_counter() - start

        return run

    setattr(Encoder, "encode", timed(encode, "text → ids"))  # noqa: B010
    for program, call in zip(PROGRAMS, calls, strict=True):
        setattr(program, "__call__", timed(call, "model"))  # noqa: B010
    try:
        yield
    finally:
        setattr(Encoder, "encode", encode)  # noqa: B010
        for program, call in zip(PROGRAMS, calls, strict=True):
            setattr(program, "__call__", call)  # noqa: B010


def stages(pipe: Any, texts: list[str]) -> dict[str, float]:
    """Seconds by stage, of the quickest round."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS + 1):
        spent: dict[str, float] = defaultdict(float)
        with clocked(spent):
            start = time.perf_counter()
            pipe(texts, truncation=True)
            whole = time.perf_counter() - start
        outputs = list(pipe.outputs(texts, truncation=True))
        start = time.perf_counter()
        settings = pipe._task.settle({"truncation": True})
        from pellucid.tasks.task import Found, Window

        for text, values in zip(texts, outputs, strict=True):
            pipe._task.answer(Found(text, [], iter([Window(0, None, values)])), settings)
        spent["answer"] = time.perf_counter() - start
        rest = whole - spent["text → ids"] - spent["model"] - spent["answer"]
        found = {**spent, "pack and unpack": max(rest, 0.0)}
        if not best or sum(found.values()) < sum(best.values()):
            best = {stage: found[stage] for stage in STAGES}
    return best


def operations(model: str, dtype: str, texts: list[str]) -> dict[str, float]:
    """Seconds inside the model by kind of operation."""
    found = by_steps(model, dtype, texts)
    if not found:
        found = by_nodes(model, dtype, texts)
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def by_steps(model: str, dtype: str, texts: list[str]) -> dict[str, float]:
    """Seconds of the kernels' steps; nothing where OpenVINO computes."""
    found: dict[str, float] = defaultdict(float)
    run = KernelsLibrary.run

    def one_by_one(library: KernelsLibrary, operations: Any, batch: Any, workspace: Any) -> None:
        for operation in operations:
            start = time.perf_counter()
            run(library, (Operation * 1)(operation), batch, workspace)
            kind = STEPS.get(STEP_KINDS[operation.kind], "sums, scales, rounding")
            found[kind] += (time.perf_counter() - start) / ROUNDS

    pipe = pipeline("text-classification", model, engine="openvino", dtype=dtype)
    pipe(texts, truncation=True)
    with patch.object(KernelsLibrary, "run", one_by_one):
        for _ in range(ROUNDS):
            pipe(texts, truncation=True)
    return found


def by_nodes(model: str, dtype: str, texts: list[str]) -> dict[str, float]:
    """Seconds of OpenVINO's nodes, once its own kernels are made."""
    options, call = engine.compile_options, engine.OpenvinoProgram.__call__
    calls = 0
    request: Any = None

    def counted(self: Any, packed: Any) -> Any:
        nonlocal calls, request
        result = call(self, packed)
        calls, request = calls + 1, self._idle[-1]
        return result

    def so_far() -> dict[str, float]:
        # OpenVINO tells the mean of all calls since the graph was made.
        found: dict[str, float] = defaultdict(float)
        for node in request.profiling_info:
            found[KINDS.get(node.node_type, "other")] += node.real_time.total_seconds() * calls
        return found

    setattr(engine, "compile_options", lambda dtype: {**options(dtype), "PERF_COUNT": "YES"})  # noqa: B010
    setattr(engine.OpenvinoProgram, "__call__", counted)  # noqa: B010
    try:
        pipe = pipeline("text-classification", model, engine="openvino", dtype=dtype)
        for _ in range(2):
            pipe(texts, truncation=True)
        before = so_far()
        for _ in range(ROUNDS):
            pipe(texts, truncation=True)
        after = so_far()
    finally:
        setattr(engine, "compile_options", options)  # noqa: B010
        setattr(engine.OpenvinoProgram, "__call__", call)  # noqa: B010
    return {kind: (after[kind] - before[kind]) / ROUNDS for kind in after}


def chart(found: dict[str, dict[str, dict[str, float]]], target: Path) -> None:
    """A bar for each precision, stages above and operations below."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "pellucid"
    figure, axes = pyplot.subplots(2, 1, figsize=(9, 1.4 + 1.1 * len(found)), layout="constrained")
    for axis, part in zip(axes, ("stages", "operations"), strict=True):
        names = list(dict.fromkeys(name for one in found.values() for name in one[part]))
        for place, dtype in enumerate(reversed(found)):
            whole, left = sum(found[dtype][part].values()), 0.0
            for number, name in enumerate(names):
                share = found[dtype][part].get(name, 0.0) / whole
                axis.barh(place, share, left=left, color=f"C{number}", label=name if place == 0 else None)
                if share > 0.04:
                    axis.text(
                        left + share / 2, place, f"{share:.0%}", ha="center", va="center", fontsize=8, color="white"
                    )
                left += share
        axis.set_yticks(range(len(found)), list(reversed(found)), fontsize=8)
        axis.set_title("by stage" if part == "stages" else "inside the model", loc="left", fontsize=10)
        axis.legend(fontsize=7, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)
        axis.set_xlim(0, 1)
        axis.set_xticks([])
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--dtype", nargs="+", default=precisions())
    parser.add_argument("--int8", metavar="FOLDER", help="what `pellucid quantize` made of the model")
    parser.add_argument("--reviews", type=Path)
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--mixed", action="store_true", help="as many words in fewer texts, a few of them long")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--chart", type=Path)
    given = parser.parse_args()
    from pellucid import AutoTokenizer

    words = sorted(word for word in AutoTokenizer.from_pretrained("builtin").get_vocab() if word.isalpha())
    texts = short_texts(given.texts, given.reviews, words)
    if given.mixed:
        texts = joined(texts, mixed_lengths(given.texts // 4))
    models = dict.fromkeys(given.dtype, given.model) | ({"int8": given.int8} if given.int8 else {})
    found = {
        dtype: {
            "stages": stages(pipeline("text-classification", model, engine="openvino", dtype=dtype), texts),
            "operations": operations(model, dtype, texts),
        }
        for dtype, model in models.items()
    }
    if given.chart:
        chart(found, given.chart)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for dtype, parts in found.items():
        for part, seconds in parts.items():
            whole = sum(seconds.values())
            print(f"{dtype}, {part}: {whole:.3f} s")
            for name, own in sorted(seconds.items(), key=lambda one: -one[1]):
                print(f"  {name:<32}{own / whole:>7.1%}")


if __name__ == "__main__":
    main()
