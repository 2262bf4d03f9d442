"""How well answers fit labels, from logits; NumPy only."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.training.labels import MULTI, SINGLE

Floats = npt.NDArray[np.float64]

BEST = {SINGLE: ("accuracy", 1), MULTI: ("micro_f1", 1), "regression": ("mean_squared_error", -1)}
"""The measure that tells the best epoch, and whether more of it is better."""


def evaluate(problem: str, logits: npt.NDArray[Any], labels: npt.NDArray[Any]) -> dict[str, float]:
    """The loss and the measures of one kind of problem.

    Args:
        problem: as the config's `problem_type`.
        logits: `[B, C]`.
        labels: int `[B]` of one label each, float `[B, C]` of several labels or of numbers.

    Returns:
        "eval_loss", and "accuracy"; or "micro_f1" and "subset_accuracy"; or "mean_squared_error" and "pearson".
    """
    values = logits.astype(np.float64)
    if problem == SINGLE:
        losses = _log_sum_exp(values) - values[np.arange(len(values)), labels]
        return {"eval_loss": float(losses.mean()), "accuracy": float((values.argmax(axis=1) == labels).mean())}
    wanted = labels.astype(np.float64).reshape(values.shape)
    if problem == MULTI:
        losses = np.maximum(values, 0) - values * wanted + np.log1p(np.exp(-np.abs(values)))
        return {"eval_loss": float(losses.mean()), **_several(values > 0, wanted > 0.5)}
    error = float(((values - wanted) ** 2).mean())
    return {"eval_loss": error, "mean_squared_error": error, "pearson": pearson(values.ravel(), wanted.ravel())}


def is_better(problem: str, new: dict[str, Any], old: dict[str, Any] | None) -> bool:
    """Whether an epoch is better than the best so far; of equal ones the smaller loss is, then the earlier."""
    if old is None:
        return True
    name, sign = BEST[problem]
    return (sign * new[name], -new["eval_loss"]) > (sign * old[name], -old["eval_loss"])


def pearson(first: Floats, second: Floats) -> float:
    """The correlation of two rows of numbers; 0 where one of them does not vary."""
    one, other = first - first.mean(), second - second.mean()
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size else 0.0


def _several(answers: npt.NDArray[np.bool_], wanted: npt.NDArray[np.bool_]) -> dict[str, float]:
    hits, marked = int((answers & wanted).sum()), int(answers.sum() + wanted.sum())
    return {
        "micro_f1": 2 * hits / marked if marked else 1.0,  # nothing to find, and nothing found
        "subset_accuracy": float((answers == wanted).all(axis=1).mean()),
    }


def _log_sum_exp(values: Floats) -> Floats:
    top = values.max(axis=1, keepdims=True)
    total: Floats = np.log(np.exp(values - top).sum(axis=1)) + top[:, 0]
    return total
