"""Stage 6: logits become answers. One file a task, each with the same names; NumPy only.

A task's file has `HEAD`, the head it needs; `OUTPUTS`, what of the head's outputs it reads; `CHECKPOINT`, what
`transformers` takes where no model is named; `settle`, which reads the caller's arguments; `texts_of`, which finds the
texts in one input; `answer`, which turns one text's outputs into its answer; and `whole`, which gives a single input's
answer its form.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pellucid.errors import UnknownTaskError

TASKS = ("text-classification", "feature-extraction")

ALIASES = {"sentiment-analysis": "text-classification"}


class Settings(Protocol):
    """What a task made of the caller's arguments."""

    @property
    def tokenizing(self) -> dict[str, Any]:
        """The arguments for the tokenizer."""


class Task(Protocol):
    """What a task's file has."""

    HEAD: str
    OUTPUTS: tuple[str, ...]
    CHECKPOINT: tuple[str, str]
    WINDOW: int

    def settle(self, arguments: Mapping[str, Any], config: Any) -> Any:
        """Read the caller's arguments."""

    def texts_of(self, item: Any, index: int) -> tuple[Any, Any]:
        """The text, and the second text of a pair or None, in one input."""

    def answer(self, values: npt.NDArray[np.floating[Any]], settings: Any) -> Any:
        """One text's answer, from its own outputs."""

    def whole(self, answer: Any, item: Any, arguments: Mapping[str, Any]) -> Any:
        """The form in which a single input's answer is returned."""


def task_name(name: str) -> str:
    """The name of a task, aliases resolved.

    Raises:
        UnknownTaskError: no such task; the message lists them.
    """
    known = ALIASES.get(name, name)
    if known not in TASKS:
        raise UnknownTaskError(f"Unknown task {name}, available tasks are {sorted([*TASKS, *ALIASES])}.", task=name)
    return known


def load_task(name: str) -> Any:
    """The file of a task, by its name or an alias."""
    return importlib.import_module(f"pellucid.tasks.{task_name(name).replace('-', '_')}")


def task_for_head(head: str) -> str | None:
    """The task that a head serves."""
    return next((name for name in TASKS if head == load_task(name).HEAD), None)
