"""Stage 6: logits become answers. One file a task; NumPy only."""

from __future__ import annotations

import importlib

from pellucid.errors import UnknownTaskError
from pellucid.tasks.task import Task

TASKS = {
    "text-classification": "text_classification.TextClassification",
    "token-classification": "token_classification.TokenClassification",
    "question-answering": "question_answering.QuestionAnswering",
    "fill-mask": "fill_mask.FillMask",
    "zero-shot-classification": "zero_shot_classification.ZeroShotClassification",
    "feature-extraction": "feature_extraction.FeatureExtraction",
    "sentence-embedding": "sentence_embedding.SentenceEmbedding",
    "similarity": "similarity.Similarity",
    "text-pair": "text_pair.TextPair",
    "rerank": "rerank.Rerank",
}
"""Each task, and the class that it is. Where several serve one head, the first is the head's own."""

ALIASES = {"sentiment-analysis": "text-classification", "ner": "token-classification"}


def task_name(name: str) -> str:
    """The name of a task, aliases resolved.

    Raises:
        UnknownTaskError: no such task; the message lists them.
    """
    known = ALIASES.get(name, name)
    if known not in TASKS:
        raise UnknownTaskError(f"Unknown task {name}, available tasks are {sorted([*TASKS, *ALIASES])}.", task=name)
    return known


def load_task(name: str) -> type[Task]:
    """The class of a task, by its name or an alias."""
    module, _, class_name = TASKS[task_name(name)].partition(".")
    task: type[Task] = getattr(importlib.import_module(f"pellucid.tasks.{module}"), class_name)
    return task


def task_for_head(head: str) -> str | None:
    """The task that a head serves."""
    return next((name for name in TASKS if head == load_task(name).head), None)
