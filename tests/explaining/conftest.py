"""Tiny checkpoints of every task with a number that can be explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pellucid import BertTokenizerFast, pipeline
from support.tiny import pellucid_checkpoint

SUFFIXES = {
    "text-classification": ("ForSequenceClassification", ["sad", "fine", "glad"]),
    "text-pair": ("ForSequenceClassification", ["relevance"]),
    "rerank": ("ForSequenceClassification", ["relevance"]),
    "zero-shot-classification": ("ForSequenceClassification", ["contradiction", "neutral", "entailment"]),
    "token-classification": ("ForTokenClassification", ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]),
    "question-answering": ("ForQuestionAnswering", ["a", "b"]),
    "fill-mask": ("ForMaskedLM", ["a", "b"]),
    "similarity": ("Model", ["a", "b"]),
}

Pipes = Callable[..., Any]


@pytest.fixture(scope="session")
def explained_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for task, (suffix, names) in SUFFIXES.items():
        labels = {"id2label": dict(enumerate(names)), "label2id": {name: n for n, name in enumerate(names)}}
        made[task] = pellucid_checkpoint(
            tmp_path_factory.mktemp("explained"), "bert", suffix, initializer_range=0.3, **labels
        )
    return made


@pytest.fixture(scope="session")
def pipe_of(explained_folders: dict[str, Path]) -> Pipes:
    """The pipeline of a task on an engine; each is made once."""
    made: dict[Any, Any] = {}

    def make(task: str, engine: str, **arguments: Any) -> Any:
        key = (task, engine, tuple(sorted(arguments.items())))
        if key not in made:
            made[key] = pipeline(task, str(explained_folders[task]), engine=engine, **arguments)
        return made[key]

    return make


@pytest.fixture(scope="session")
def wordpiece(explained_folders: dict[str, Path]) -> Any:
    """The tokenizer of all tiny checkpoints, which a family with another one can be asked with too."""
    return BertTokenizerFast.from_pretrained(explained_folders["text-classification"])
