"""Pellucid beside every peer, in one run: `make bench`.

    python run.py --environments DIR DIR --work FOLDER [--reviews FILE.tsv] [--checkpoints NAME …] [--rounds 5]

Each contestant is a process of its own that has loaded the checkpoint. They are asked in turn, round after round, so
that a slow minute of the machine is shared. Medians are compared, by ratios. Writes `results.json` into FOLDER's
`results`, from which `report.py` makes the page.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from peers.agreement import EXACT, compared
from peers.checkpoints import CHECKPOINTS, folder_of
from peers.contestants import BATCH_SIZES, BY_NAME, CONTESTANTS
from peers.machine import machine, versions
from peers.needed import BYTES, Needed
from peers.precisions import precisions
from peers.texts import Texts
from peers.workers import Worker, WorkerError

CALIBRATION_TEXTS = 2048
SENTENCE = "a rigorously structured and exquisitely filmed drama about a father and son"

COUNTS = {
    "DistilBERT-base size": {"short": 256, "mixed": 64, "long": 16},
    "builtin": {"short": 512, "mixed": 96},
    "all-MiniLM-L6-v2": {"short": 256, "mixed": 96},
    "BERT-base size": {"short": 96, "mixed": 32},
}
"""How many texts of each kind; so many that a round of the fastest takes some tenths of a second."""

COMPARED = {"short": 2048, "mixed": 512, "long": 64}
"""How many the labels of bfloat16 and int8 are compared on; one of the few that are timed is 0.4 % of them."""

COLD = ("Pellucid float32", "Pellucid bfloat16", "Pellucid int8", "transformers 4.57 float32, as it comes",
        "transformers 5 float32, as it comes", "PyTorch by hand float32")  # fmt: skip
"""Who starts from the checkpoint itself; the others start from an export that was made beforehand."""

TOKENIZERS = ("Pellucid float32", "transformers 4.57 float32, as it comes", "transformers 5 float32, as it comes")
SERVERS = ("Pellucid float32", "Pellucid bfloat16", "Pellucid int8", "transformers 4.57 float32, as it comes")
MAIN = "DistilBERT-base size"
PARTS = ("texts", "cold", "tokenize", "requests", "growth")


class Run:
    """One run of all that is asked for.

    Args:
        given: the command's arguments.
    """

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.rounds = 2 if given.quick else given.rounds
        self.part = 4 if given.quick else 1
        self.pythons = dict(zip("45", (str(Path(one) / "bin" / "python") for one in given.environments), strict=True))
        self.folder = Path(given.work)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.calibration = self.folder / "calibration.json"
        words = sorted(word for word in vocabulary() if word.isalpha() and word.isascii())
        largest = max(max(counts.values()) for counts in COUNTS.values())
        self.texts = Texts(largest, CALIBRATION_TEXTS, COMPARED["short"], given.reviews, words)
        self.calibration.write_text(json.dumps(self.texts.calibration), encoding="utf-8")
        self.failed: dict[str, str] = {}

    def start(self, name: str, checkpoint: str, threads: int) -> Worker | None:
        """A contestant's process; None where it cannot do this, which is told in the results."""
        contestant, task = BY_NAME[name], CHECKPOINTS[checkpoint]
        try:
            return Worker(
                contestant, self.pythons[contestant.environment], folder_of(self.folder, checkpoint), task, threads,
                self.calibration,
            )  # fmt: skip
        except WorkerError as error:
            self.failed[f"{checkpoint}: {name}"] = str(error)
            say(f"  {error}")
            return None

    def needed(self, checkpoint: str) -> Needed:
        """What a checkpoint asks of the machine at least."""
        return Needed.of(folder_of(self.folder, checkpoint), CHECKPOINTS[checkpoint])

    def throughput(self, checkpoint: str) -> dict[str, Any]:
        """All contestants on all kinds of work, in turn, their memory after the short texts, and how far they agree."""
        task, needed = CHECKPOINTS[checkpoint], self.needed(checkpoint)
        workers = [
            worker
            for one in CONTESTANTS
            if task in one.tasks and self.wanted(one.name)
            if (worker := self.start(one.name, checkpoint, self.given.threads)) is not None
        ]
        found: dict[str, Any] = {"loaded": {one.contestant.name: one.ready for one in workers}}
        values: dict[str, dict[str, Any]] = {}
        try:
            for kind, count in COUNTS[checkpoint].items():
                texts = self.texts.of(kind, count // self.part)
                say(f"{checkpoint}, {kind}: {len(texts)} texts, {len(workers)} contestants")
                measured, values[kind] = self._in_turn(workers, texts)
                found[kind] = {"texts": len(texts), "products": needed.products(texts), **measured}
                if kind == "short":
                    found["peak"] = {one.contestant.name: one.ask("peak")["peak"] for one in workers}
            texts = self.texts.short[: 20 if self.given.quick else 40]
            found["one"] = self._one_by_one(workers, texts)
            found["one_products"] = needed.products(texts) / len(texts)
            found["weights"] = {dtype: needed.weights(dtype) for dtype in BYTES}
            for kind, own in values.items():
                found[kind].update(self._compared(workers, kind, own))
        finally:
            for worker in workers:
                worker.stop()
        return found

    def wanted(self, name: str) -> bool:
        """Whether a contestant is asked for."""
        return not self.given.only or any(word in name for word in self.given.only)

    def _in_turn(self, workers: list[Worker], texts: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        seconds: dict[str, list[float]] = {one.contestant.name: [] for one in workers}
        values: dict[str, Any] = {}
        sizes: dict[str, int] = {}
        for worker in workers:
            name = worker.contestant.name
            if worker.contestant.batches:
                trial = texts[: max(32, len(texts) // 8)]
                tried = {}
                for size in BATCH_SIZES:
                    worker.batch_size = size
                    tried[size] = worker.ask("answers", trial)["seconds"]
                worker.batch_size = sizes[name] = min(tried, key=lambda size: tried[size])
            values[name] = worker.ask("answers", texts, values=True)["values"]
        for _ in range(self.rounds):
            for worker in workers:
                seconds[worker.contestant.name].append(worker.ask("answers", texts)["seconds"])
        return {"seconds": seconds, "batch_size": sizes}, values

    def _compared(self, workers: list[Worker], kind: str, values: dict[str, Any]) -> dict[str, Any]:
        """How far each contestant's values are those of float32; those of other precisions on more texts."""
        by_name = {one.contestant.name: one for one in workers}
        if EXACT not in by_name:
            return {"agreement": {}}
        texts = self.texts.of(kind, COMPARED[kind] // self.part)
        rounded = {name: one for name, one in by_name.items() if "float32" not in name}
        say(f"  labels of {len(texts)} texts, {len(rounded)} contestants")
        exact = by_name[EXACT].ask("answers", texts, values=True)["values"]
        values.update((name, one.ask("answers", texts, values=True)["values"]) for name, one in rounded.items())
        near = {name: compared(exact[: len(own)], own) for name, own in values.items()}
        return {"agreement": near, "compared": len(texts)}

    def _one_by_one(self, workers: list[Worker], texts: list[str]) -> dict[str, list[float]]:
        each: dict[str, list[float]] = {}
        for _ in range(self.rounds):
            for worker in workers:
                each.setdefault(worker.contestant.name, []).extend(worker.ask("one by one", texts)["each"])
        return each

    def cold(self, checkpoint: str) -> dict[str, Any]:
        """Fresh processes, from their start to the first answer, and their memory then."""
        found: dict[str, Any] = {}
        for number in range(self.rounds + 1):
            for name in filter(self.wanted, COLD):
                worker = self.start(name, checkpoint, self.given.threads)
                if worker is None:
                    continue
                worker.stop()
                if number:  # the first fills the disk's cache
                    found.setdefault(name, []).append({**worker.ready, "seconds": worker.start_seconds})
        return found

    def tokenizing(self, checkpoint: str) -> dict[str, list[float]]:
        """The tokenizer alone, on the short texts."""
        workers = [one for name in TOKENIZERS if (one := self.start(name, checkpoint, self.given.threads)) is not None]
        found: dict[str, list[float]] = {}
        for number in range(self.rounds + 1):
            for worker in workers:
                elapsed = worker.ask("tokenize", self.texts.short * 4)["seconds"]
                if number:
                    found.setdefault(worker.contestant.name, []).append(elapsed)
        for worker in workers:
            worker.stop()
        return found

    def growth(self, counts: tuple[int, ...]) -> list[dict[str, float]]:
        """Streams of more and more texts, each in a process of its own."""
        found = []
        for count in counts:
            say(f"  {count:,} texts")
            told = subprocess.run(
                [self.pythons["4"], str(Path(__file__).parent / "growth.py"), "builtin", precisions()[-1], str(count)],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            found.append(json.loads(told.stdout))
        return found

    def requests(self, checkpoint: str) -> dict[str, Any]:
        """One and two threads; and several callers at once, each with one text after the other."""
        found: dict[str, Any] = {}
        for threads in (1, 2):
            workers = [one for name in SERVERS if (one := self.start(name, checkpoint, threads)) is not None]
            texts = self.texts.short[:64]
            for number in range(self.rounds + 1):
                for worker in workers:
                    own = found.setdefault(f"{worker.contestant.name}, {threads} threads", {})
                    asked = [("all at once", worker.ask("answers", texts))]
                    if threads == 2:
                        asked += [(f"{n} callers", worker.ask("at once", texts, callers=n)) for n in (1, 2, 4)]
                    for what, answer in asked:
                        if number:
                            own.setdefault(what, []).append(len(texts) / answer["seconds"])
            for worker in workers:
                worker.stop()
        return found


def vocabulary() -> list[str]:
    """The words of the builtin checkpoint."""
    from pellucid import AutoTokenizer

    return list(AutoTokenizer.from_pretrained("builtin").get_vocab())


def say(words: str) -> None:
    """Tell how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure what is asked for, and write it after each part, so that a run that is cut off leaves what it has."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environments", nargs=2, required=True, help="with transformers 4.57, and with 5")
    parser.add_argument("--work", required=True, help="where checkpoints and results are kept")
    parser.add_argument("--reviews", type=Path, help="a .tsv with a column `text`; made texts where left out")
    parser.add_argument("--checkpoints", nargs="+", default=list(CHECKPOINTS), choices=CHECKPOINTS)
    parser.add_argument("--only", nargs="+", help="contestants with one of these words in their name")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--keep", action="store_true", help="what an earlier run measured and this one does not")
    parser.add_argument("--growth", nargs="*", type=int, default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--quick", action="store_true", help="a quarter of the texts, two rounds")
    given = parser.parse_args()
    run = Run(given)
    python = run.pythons["4"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    here = Path(__file__).parent
    say("making checkpoints")
    needed = set(given.checkpoints) if "texts" in given.parts else set()
    needed |= {MAIN} if {"cold", "tokenize", "requests"} & set(given.parts) else set()
    subprocess.run(
        [python, str(here / "checkpoints.py"), given.work, str(run.calibration), *sorted(needed)], check=True,
        env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    say("the ceiling")
    sizes = sorted({run.needed(name).weights(dtype) for name in needed for dtype in BYTES})
    ceiling = subprocess.run(
        [python, str(here / "ceiling.py"), *map(str, sizes)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    target = run.folder / "results.json"
    results: dict[str, Any] = {
        "machine": machine(),
        "versions": {name: versions(one) for name, one in run.pythons.items()},
        "threads": given.threads,
        "texts": "reviews" if given.reviews else "made",
        "tokenized": len(run.texts.short) * 4,
        **json.loads(ceiling.stdout),
        "checkpoints": {},
        "failed": {},
    }
    if given.keep and target.exists():
        kept = json.loads(target.read_text(encoding="utf-8"))
        read = {**results["reading"], **kept.get("reading", {})}
        results = {**kept, "reading": read, **{name: results[name] for name in ("machine", "versions")}}

    def keep(name: str, found: Any) -> None:
        (results["checkpoints"] if name in CHECKPOINTS else results)[name] = found
        results["failed"].update(run.failed)
        target.write_text(json.dumps(results, indent=1), encoding="utf-8")

    for checkpoint in given.checkpoints:
        if "texts" in given.parts:
            keep(checkpoint, run.throughput(checkpoint))
    for name, part in (("cold", run.cold), ("tokenize", run.tokenizing), ("requests", run.requests)):
        if name in given.parts:
            say(name)
            keep(name, part(MAIN))
    if "growth" in given.parts:
        say("growth")
        keep("growth", run.growth(tuple(given.growth)))
    say(f"wrote {target}")
    print(target)


if __name__ == "__main__":
    main()
