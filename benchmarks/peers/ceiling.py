"""What no engine can be faster than: the machine's best rate for matrix products, and how soon weights are read.

    python ceiling.py [BYTES …] → {"rates": 10⁹ operations a second by precision, "reading": seconds by number of bytes}

Every library that multiplies here is tried on the products of an encoder, for several numbers of tokens; the best
counts. One short text needs few products, but all weights: reading so many bytes is tried too.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from peers.precisions import precisions

TOKENS = (256, 512, 1024, 2048)
WIDTH, INNER = 768, 3072
LAYERS = 4
SECONDS = 0.6


def best_seconds(run: Callable[[], Any]) -> float:
    """The least time of a run."""
    run()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def on_openvino(dtype: str, tokens: int) -> float:
    """The rate of OpenVINO on a chain of products, in 10⁹ operations a second."""
    import openvino as ov

    opset, random = ov.opset15, np.random.default_rng(0)
    x = given = opset.parameter([tokens, WIDTH], np.float32)
    for _ in range(LAYERS):
        for inputs, outputs in ((WIDTH, INNER), (INNER, WIDTH)):
            weight = random.standard_normal((outputs, inputs), np.float32) / np.float32(inputs**0.5)
            if dtype == "int8":
                ends = [opset.constant(np.float32(end)) for end in (-4, 4 - 1 / 32)]
                x = opset.fake_quantize(x, *ends, *ends, 256)
                step = np.float32(np.abs(weight).max() / 127)
                numbers = opset.constant(np.rint(weight / step).astype(np.int8))
                node: Any = opset.multiply(opset.convert(numbers, "f32"), opset.constant(step))
            else:
                node = opset.constant(weight)
            x = opset.matmul(x, node, False, True)
    hint = "f32" if dtype == "float32" else "bf16"
    model = ov.Model([x], [given], "products")
    request = (
        ov.Core()
        .compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"})
        .create_infer_request()
    )
    rows = random.standard_normal((tokens, WIDTH), np.float32)
    return 4 * LAYERS * tokens * WIDTH * INNER / best_seconds(lambda: request.infer([rows], share_inputs=True)) / 1e9


def on_torch(dtype: str, tokens: int) -> float:
    """The rate of PyTorch."""
    import torch

    rows = torch.randn(tokens, WIDTH).to(getattr(torch, dtype))
    layer = torch.nn.Linear(WIDTH, INNER).to(rows.dtype)
    with torch.inference_mode():
        return 2 * tokens * WIDTH * INNER / best_seconds(lambda: layer(rows)) / 1e9


def on_kernels(dtype: str, tokens: int) -> float:
    """The rate of Pellucid's own kernels, with what lays rows out for them; 0 where there are none."""
    from pellucid.checkpoints.roundings import Rounding
    from pellucid.checkpoints.stored import StoredTensor
    from pellucid.engines.kernels import KernelsProgram
    from pellucid.engines.kernels_library import library_for
    from pellucid.packing import pack

    if (library := library_for(dtype)) is None:
        return 0
    random = np.random.default_rng(0)
    arrays = {"x": random.standard_normal((tokens, WIDTH), np.float32)}
    for layer in range(LAYERS):
        for name, shape in (("wide", (INNER, WIDTH)), ("narrow", (WIDTH, INNER))):
            arrays[f"{layer}.{name}.weight"] = random.standard_normal(shape, np.float32) / np.float32(shape[1] ** 0.5)

    weights = {name: array for name, array in arrays.items() if name != "x"}

    def chain(ops: Any, weight: Any, inputs: Any) -> dict[str, Any]:
        x = ops.embedding(weight("x", tokens, WIDTH), inputs.ids)
        for name, array in weights.items():
            x = ops.linear(x, weight(name, *array.shape))
        return {"y": x}

    roundings = {
        name.removesuffix(".weight"): Rounding(-4.0, 4.0, np.ones(array.shape[1], np.float32))
        for name, array in weights.items()
        if dtype == "int8"
    }
    parameters = {name: StoredTensor.from_array(name, array) for name, array in arrays.items()}
    program, packed = KernelsProgram(library, chain, parameters, dtype, roundings), pack([list(range(tokens))])
    return 4 * LAYERS * tokens * WIDTH * INNER / best_seconds(lambda: program(packed)) / 1e9


def reading(count: int) -> float:
    """The least seconds in which all cores together read so many bytes, again and again."""
    import torch

    values = np.ones(count // 4, np.float32)
    tensor = torch.from_numpy(values)
    parts = np.array_split(values, torch.get_num_threads())
    with ThreadPoolExecutor(len(parts)) as pool:
        ways: tuple[Callable[[], Any], ...] = (tensor.sum, lambda: list(pool.map(np.maximum.reduce, parts)))
        return min(best_seconds(way) for way in ways)


def main() -> None:
    """Measure and print."""
    rates = {dtype: max(on_openvino(dtype, tokens) for tokens in TOKENS) for dtype in (*precisions(), "int8")}
    for dtype in ("float32", "bfloat16"):
        rates[dtype] = max(rates.get(dtype, 0), *(on_torch(dtype, tokens) for tokens in TOKENS))
    for dtype in rates:
        rates[dtype] = max(rates[dtype], *(on_kernels(dtype, tokens) for tokens in TOKENS))
    read = {count: reading(int(count)) for count in sys.argv[1:]}
    print(json.dumps({"rates": rates, "reading": read}))


if __name__ == "__main__":
    main()
