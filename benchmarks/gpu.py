"""Texts and tokens per second on a GPU: Pellucid on PyTorch beside `transformers` at its best batch size.

    python benchmarks/gpu.py [--checkpoint FOLDER] [--texts 2000] [--rounds 5] [--json]

Mixed lengths, 8 to 400 tokens, in bfloat16; and the same numbers in float32, compared first. Without `--checkpoint`
the weights are random, of the size of DistilBERT-base. Where there is no GPU everything runs on the CPU, with fewer
texts, and the report says what it could not measure.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
import transformers

import pellucid
from pellucid.engines.torch import gpu
from pellucid.engines.torch_attention import HAS_KERNEL_FOR_ROWS
from pellucid.packing import Packed, micro_batches, pack

BATCH_SIZES = (8, 16, 32, 64, 128, 256)
BUDGETS = (4096, 16384, 65536)


def made_ids(count: int, vocabulary: int) -> list[list[int]]:
    """Ids of texts of mixed lengths with a long tail."""
    random = np.random.default_rng(0)
    lengths = np.clip(random.gamma(1.2, 54, count).astype(int), 8, 400)
    return [random.integers(1000, vocabulary, length).tolist() for length in lengths]


def random_checkpoint() -> str:
    """A folder with random weights of the size of DistilBERT-base."""
    torch.manual_seed(0)
    folder = tempfile.mkdtemp(prefix="pellucid-gpu-")
    config = transformers.DistilBertConfig(num_labels=2)
    transformers.DistilBertForSequenceClassification(config).save_pretrained(folder)
    return folder


def theirs(model: Any, rows: list[list[int]], batch_size: int, device: str) -> Any:
    """Logits by `transformers`: sorted by length, padded to the longest of each batch; its best case."""
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index]))
    logits = torch.empty(len(rows), model.config.num_labels)
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(rows[i]) for i in chosen], batch_first=True)
            mask = torch.nn.utils.rnn.pad_sequence([torch.ones(len(rows[i])) for i in chosen], batch_first=True)
            given = {"input_ids": ids.to(device), "attention_mask": mask.long().to(device)}
            logits[chosen] = model(**given).logits.float().cpu()
    return logits.numpy()


def ours(model: Any, packed: Packed, budget: int) -> Any:
    """Logits by Pellucid, packed, in micro-batches of this many tokens at most."""
    return model.runner.run(packed, outputs=("logits",), max_tokens=budget).outputs["logits"]


def models(folder: str, dtype: str, device: str) -> tuple[Any, Any]:
    """The same checkpoint in `transformers` and here."""
    reference = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype).to(device).eval()
    model = pellucid.AutoModelForSequenceClassification.from_pretrained(
        folder, engine="torch", dtype=dtype, device=device
    )
    return reference, model


def contestants(folder: str, rows: list[list[int]], device: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every contestant in bfloat16."""
    reference, model = models(folder, "bfloat16", device)
    packed = pack(rows)
    for batch_size in BATCH_SIZES:
        yield f"transformers, sorted, batch_size={batch_size}", partial(theirs, reference, rows, batch_size, device)
    for budget in BUDGETS if device != "cpu" else (512,):
        yield f"pellucid, max_tokens={budget}", partial(ours, model, packed, budget)


def parity(folder: str, rows: list[list[int]], device: str) -> float:
    """The largest difference of logits in float32."""
    reference, model = models(folder, "float32", device)
    some = rows[:64]
    return float(np.abs(theirs(reference, some, 16, device) - ours(model, pack(some), 4096)).max())


def measure(folder: str, texts: int, rounds: int, device: str) -> dict[str, Any]:
    """Parity, and medians of interleaved rounds."""
    rows = made_ids(texts, transformers.AutoConfig.from_pretrained(folder).vocab_size)
    tokens = sum(map(len, rows))
    difference = parity(folder, rows, device)
    ready = dict(contestants(folder, rows, device))
    seconds: dict[str, list[float]] = {name: [] for name in ready}
    for round_number in range(rounds + 1):
        for name, run in ready.items():
            start = time.perf_counter()
            run()  # what it gives lies on the host, so the device has finished
            if round_number:
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    lengths = np.array([len(row) for row in rows], np.int32)
    cells = sum(len(batch) * int(lengths[batch].max()) for batch in micro_batches(lengths, max(BUDGETS)))
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "pytorch": torch.__version__,
        "kernel_for_rows": device == "cuda" and HAS_KERNEL_FOR_ROWS,
        "float32_largest_difference": difference,
        "tokens": tokens,
        "cells_of_rectangles": cells,
        "texts_per_second": {name: texts / value for name, value in medians.items()},
        "tokens_per_second": {name: tokens / value for name, value in medians.items()},
    }


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", help="a folder with a sequence classifier; random weights where left out")
    parser.add_argument("--texts", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    transformers.logging.set_verbosity_error()
    device = gpu() or "cpu"
    texts = given.texts or (2000 if device != "cpu" else 100)
    report = measure(given.checkpoint or random_checkpoint(), texts, given.rounds, device)
    report["not_measured"] = [] if device != "cpu" else ["a GPU: none is there", "the kernel for rows: it is a GPU's"]
    if given.json:
        print(json.dumps(report, indent=2))
        return
    print(f"{report['device']}, PyTorch {report['pytorch']}, bfloat16, {texts} texts, {report['tokens']:,} tokens")
    print(f"float32: logits differ from transformers' by {report['float32_largest_difference']:.1e} at most")
    best = max(rate for name, rate in report["texts_per_second"].items() if name.startswith("transformers"))
    for name, rate in report["texts_per_second"].items():
        print(
            f"{name:<40}{rate:>9.0f} texts/s {report['tokens_per_second'][name]:>12,.0f} tokens/s {rate / best:>6.2f}×"
        )
    for what in report["not_measured"]:
        print(f"not measured: {what}")


if __name__ == "__main__":
    main()
