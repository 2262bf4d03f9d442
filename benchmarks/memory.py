"""The most memory that a process takes: for long documents, and for loading and answering in each precision.

    python benchmarks/memory.py documents [--words 500 5000 50000 200000]
    python benchmarks/memory.py precisions [--model FOLDER] [--int8 FOLDER]

Each figure is the peak of a process of its own, in MiB. Documents go through a BERT of 4 layers and 384 dimensions with
random weights; it, and a DistilBERT of base size where no model is named, are made on the way.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from peers.peak import peak_mebibytes
from peers.precisions import precisions
from pellucid import (
    AutoTokenizer,
    BertConfig,
    BertForQuestionAnswering,
    BertForTokenClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    pipeline,
)

LABELS = 9


def make(folder: Path, kind: Any, config: Any) -> str:
    """A checkpoint of random weights with the builtin tokenizer."""
    kind(config, engine="numpy").save_pretrained(folder)
    AutoTokenizer.from_pretrained("builtin").save_pretrained(folder)
    return str(folder)


def document(model: str, task: str, count: int) -> None:
    """Answer one document, check every place in it, and tell the peak."""
    words = sorted(word for word in AutoTokenizer.from_pretrained("builtin").get_vocab() if word.isalpha())
    text = " ".join(np.random.default_rng(0).choice(words, count))
    pipe = pipeline(task, model, engine="openvino")
    start = time.perf_counter()
    if task == "token-classification":
        ignored = [f"LABEL_{number}" for number in range(LABELS - 1)]
        answer = pipe(text, aggregation_strategy="simple", stride=32, ignore_labels=ignored)
    else:
        answer = pipe(question="what is it ?", context=text, top_k=3)
        assert all(text[one["start"] : one["end"]] == one["answer"] for one in answer)
    print(f"{task:<22}{count:>9,}{peak_mebibytes():>7}{time.perf_counter() - start:>8.1f}{len(answer):>9,}")


def precision(model: str, dtype: str) -> None:
    """Answer one text, then a hundred, and tell the peaks."""
    pipe = pipeline("text-classification", model, engine="openvino", dtype=dtype)
    pipe("a text of a few words")
    first = peak_mebibytes()
    pipe([f"a text of a few words , number {number}" for number in range(100)])
    print(f"{dtype:<22}{first:>9}{peak_mebibytes():>9}")


def main() -> None:
    """Measure each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["documents", "precisions", "one-document", "one-precision"])
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--words", type=int, nargs="+", default=[500, 5_000, 50_000, 200_000])
    parser.add_argument("--model", help="a folder")
    parser.add_argument("--int8", help="what `pellucid quantize` made of it")
    given = parser.parse_args()
    if given.part == "one-document":
        document(given.rest[0], given.rest[1], int(given.rest[2]))
        return
    if given.part == "one-precision":
        precision(*given.rest)
        return

    def measured(part: str, *words: str) -> None:
        subprocess.run([sys.executable, __file__, part, *words], check=True)

    vocabulary = len(AutoTokenizer.from_pretrained("builtin"))
    with tempfile.TemporaryDirectory() as folder:
        if given.part == "documents":
            sizes: dict[str, Any] = {
                "vocab_size": vocabulary,
                "hidden_size": 384,
                "num_hidden_layers": 4,
                "num_attention_heads": 6,
                "intermediate_size": 1536,
            }
            print(f"{'':<22}{'words':>9}{'MiB':>7}{'seconds':>8}{'answers':>9}", flush=True)
            for task, kind in (("token-classification", BertForTokenClassification),
                               ("question-answering", BertForQuestionAnswering)):  # fmt: skip
                labels = LABELS if task == "token-classification" else 2
                model = make(Path(folder) / task, kind, BertConfig(num_labels=labels, **sizes))
                for count in given.words:
                    measured("one-document", model, task, str(count))
            return
        config = DistilBertConfig(vocab_size=30_522, num_labels=2)
        model = given.model or make(Path(folder) / "model", DistilBertForSequenceClassification, config)
        print(f"{'':<22}{'first':>9}{'a hundred':>9}", flush=True)
        for dtype in precisions():
            measured("one-precision", model, dtype)
        if given.int8:
            measured("one-precision", given.int8, "int8")


if __name__ == "__main__":
    main()
