"""Tiny checkpoints for each task, and the reference's pipelines on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.tiny import CLASS_PREFIX, reference_model, write_tokenizer

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")

LABELS: dict[str, tuple[str, ...]] = {
    "ForTokenClassification": TAGS,
    "ForSequenceClassification": ("contradiction", "neutral", "entailment"),
}

Made = Callable[..., tuple[Path, Any]]


@pytest.fixture(scope="session")
def tiny_task(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A checkpoint of a head that `transformers` saved, and its pipeline there; each is made once."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    made: dict[Any, tuple[Path, Any]] = {}

    def make(task: str, suffix: str, family: str = "bert", **changes: Any) -> tuple[Path, Any]:
        key = (task, suffix, family, tuple(sorted(map(str, changes.items()))))
        if key not in made:
            folder = tmp_path_factory.mktemp("task")
            names = LABELS.get(suffix)
            if names and "num_labels" not in changes:
                changes = {
                    "id2label": dict(enumerate(names)),
                    "label2id": {name: n for n, name in enumerate(names)},
                    **changes,
                }
            reference_model(family, suffix, **changes).save_pretrained(folder)
            write_tokenizer(folder)
            tokenizer = getattr(transformers, f"{CLASS_PREFIX[family]}TokenizerFast")(
                folder / "vocab.txt", model_max_length=40
            )
            tokenizer.save_pretrained(folder)
            made[key] = folder, transformers.pipeline(task, str(folder), dtype="float32")
        return made[key]

    return make
