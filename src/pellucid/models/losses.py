"""Which loss a model's labels ask for, as `transformers` decides it, and whether they fit the head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.config import Config
from pellucid.errors import InputError
from pellucid.tensors import as_numpy

IGNORED = -100
"""A label that takes no part in the cross entropy, as in PyTorch."""


def problem_of(config: Config, are_whole: bool) -> str:
    """The kind of problem: what the config says, else what the number of labels and their kind say.

    Args:
        config: of the model. Where it says nothing, it says it from now on, so that the trained model's answers are
            read in the same way.
        are_whole: whether the labels are whole numbers.

    Returns:
        "regression", "single_label_classification" or "multi_label_classification".
    """
    if config.problem_type is None:
        if config.num_labels == 1:
            config.problem_type = "regression"
        else:
            config.problem_type = "single_label_classification" if are_whole else "multi_label_classification"
    return str(config.problem_type)


def checked_labels(config: Config, labels: Any, logits_shape: Sequence[int]) -> tuple[str, Any]:
    """The kind of problem, and the labels as a NumPy array that fits the head.

    Args:
        config: of the model.
        labels: what the caller gave: lists, or an array of any kind.
        logits_shape: `[B, C]`.

    Raises:
        InputError: another number of labels than texts, or a label that is not among the head's.
    """
    told = np.asarray(as_numpy(labels))
    problem = problem_of(config, told.dtype.kind in "iu")
    check_labels(problem, told, logits_shape)
    return problem, told


def check_labels(problem: str, labels: Any, logits_shape: Sequence[int]) -> None:
    """Refuse labels that the head cannot have.

    Args:
        problem: what `problem_of` says.
        labels: a NumPy array.
        logits_shape: `[B, C]`.

    Raises:
        InputError: another number of labels than texts, or a label that is not among the head's.
    """
    batch, count = logits_shape
    if problem == "single_label_classification":
        if labels.size != batch:
            raise _wrong_shape(problem, labels, f"one whole number for each of the {batch} texts")
        if labels.dtype.kind not in "iu":
            raise _wrong_shape(problem, labels, "whole numbers")
        wrong = np.flatnonzero((labels.ravel() >= count) | ((labels.ravel() < 0) & (labels.ravel() != IGNORED)))
        if len(wrong):
            raise InputError(
                f"The label {labels.ravel()[wrong[0]]} of row {wrong[0]} is none of the model's {count} labels, "
                f"0 to {count - 1}. Load the model with `num_labels=` as many as there are.",
                index=int(wrong[0]),
            )
    elif labels.shape != (batch, count) and not (count == 1 and labels.size == batch):
        wanted = (
            f"{count} numbers for each of the {batch} texts" if count > 1 else f"{batch} numbers, one for each text"
        )
        raise _wrong_shape(problem, labels, wanted)


def _wrong_shape(problem: str, labels: Any, wanted: str) -> InputError:
    return InputError(
        f"`labels` has the shape {labels.shape} and holds {labels.dtype}; for {problem.replace('_', ' ')} it must hold "
        f"{wanted}. Pass labels of that form, or set `problem_type` in the config.",
        name="labels",
    )
