"""What the loss of each head is computed from, and which loss the labels ask for, as `transformers` decides it.

Every loss is one of three, each engine's `LOSSES`: the cross entropy of one label of several, the binary cross entropy
of each label, the squared error. A head says by a word which of its outputs and labels go into it:

"texts"     logits `[B, C]`, labels `[B]` or `[B, C]`; the config's `problem_type` tells which of the three
"pair"      logits `[B, 2]`, labels `[B]`
"choices"   logits `[B, C]`, labels `[B]`
"tokens"    logits `[B, L, C]`, labels `[B, L]`; those of padding take no part
"replaced"  logits `[B, L]`, labels `[B, L]` of 0 and 1; those of padding take no part
"span"      start and end logits `[B, L]`, the columns of the first and of the last token `[B]`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pellucid.config import Config
from pellucid.errors import InputError
from pellucid.tensors import as_numpy

IGNORED = -100
"""A label that takes no part in the cross entropy, as in PyTorch."""

HIDDEN_LOGIT = -1e30
"""The logit of a column of padding, where no answer begins or ends."""

Losses: TypeAlias = Mapping[str, Callable[[Any, Any], Any]]
"""An engine's three losses, by the words of `problem_type`."""

SINGLE, MULTI = "single_label_classification", "multi_label_classification"


def labels_by_name(labels: Any) -> dict[str, Any]:
    """The labels of a call under the names that they were given by."""
    if isinstance(labels, tuple):
        return dict(zip(("start_positions", "end_positions"), labels, strict=True))
    return {"labels": labels}


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
            config.problem_type = SINGLE if are_whole else MULTI
    return str(config.problem_type)


def loss_of(
    kind: str, problem: str, outputs: Mapping[str, Any], labels: Any, is_token: Any, losses: Losses, reshape: Any
) -> Any:
    """The loss of a head's outputs, in the arrays of any engine.

    Args:
        kind: the head's word.
        problem: of labels of whole texts.
        outputs: the head's, in the caller's rectangle.
        labels: checked; for "span" a pair.
        is_token: `[B, L]`, 1 for tokens and 0 for padding, in the dtype of the logits for "span", else of the labels.
        losses: the engine's.
        reshape: the engine's, of an array and a shape.
    """
    if kind == "span":
        padding = (1 - is_token) * HIDDEN_LOGIT
        names = ("start_logits", "end_logits")
        first, last = (losses[SINGLE](outputs[name] + padding, one) for name, one in zip(names, labels, strict=True))
        return (first + last) / 2
    logits = outputs["logits"]
    if kind == "tokens":
        counted = labels * is_token + IGNORED * (1 - is_token)
        return losses[SINGLE](reshape(logits, (-1, logits.shape[-1])), reshape(counted, (-1,)))
    if kind == "replaced":
        chosen = reshape(is_token, (-1,)) > 0
        return losses[MULTI](reshape(logits, (-1, 1))[chosen], reshape(labels, (-1, 1))[chosen])
    return losses[problem if kind == "texts" else SINGLE](logits, labels)


def checked_labels(
    kind: str, config: Config, labels: Any, shape: Sequence[int], is_token: npt.NDArray[np.bool_]
) -> tuple[str, Any]:
    """The kind of problem, and the labels as NumPy arrays that fit the head.

    Args:
        kind: the head's word.
        config: of the model.
        labels: what the caller gave: lists, or arrays of any kind; for "span" a pair.
        shape: of the logits.
        is_token: bool `[B, L]`.

    Raises:
        InputError: another number of labels than texts or tokens, or a label that is not among the head's.
    """
    if kind == "span":
        return SINGLE, tuple(_checked_columns(np.asarray(as_numpy(one)), is_token.shape) for one in labels)
    told = np.asarray(as_numpy(labels))
    if kind in ("tokens", "replaced"):
        _check_token_labels(told, is_token, shape[-1] if kind == "tokens" else 2)
        return SINGLE, told
    problem = problem_of(config, told.dtype.kind in "iu") if kind == "texts" else SINGLE
    check_labels(problem, told, shape)
    return problem, told


def _check_token_labels(labels: Any, is_token: npt.NDArray[np.bool_], count: int) -> None:
    if labels.shape != is_token.shape:
        raise InputError(
            f"`labels` has the shape {labels.shape}, and `input_ids` has {is_token.shape}: each token needs its label. "
            f"Pad the labels as the ids are, with {IGNORED}.",
            name="labels",
        )
    wrong = np.argwhere(is_token & (labels != IGNORED) & ((labels < 0) | (labels >= count)))
    if len(wrong):
        row, column = (int(one) for one in wrong[0])
        raise InputError(
            f"The label {labels[row, column]} at [{row}, {column}] is none of the head's, 0 to {count - 1}. "
            f"Tokens that take no part have the label {IGNORED}.",
            index=row,
            position=column,
        )


def _checked_columns(columns: Any, shape: Sequence[int]) -> Any:
    """Columns where answers begin or end; those beyond the last one take no part, as in `transformers`."""
    batch, length = shape
    columns = columns.reshape(-1)
    if len(columns) != batch or columns.dtype.kind not in "iu" or ((columns < 0) & (columns != IGNORED)).any():
        raise InputError(
            f"`start_positions` and `end_positions` must hold one column, from 0 to {length - 1}, for each of the "
            f"{batch} texts; {columns.tolist()[:8]} was given. A text without an answer has its first column.",
            name="start_positions",
        )
    return np.where(columns >= length, IGNORED, columns)


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
