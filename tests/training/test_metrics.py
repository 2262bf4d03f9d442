"""The measures, against numbers that are known."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.training.metrics import evaluate, is_better, pearson


def test_one_label_a_text() -> None:
    logits = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1000.0]], np.float32)
    found = evaluate("single_label_classification", logits, np.array([0, 1, 1]))
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["eval_loss"] == pytest.approx((np.log(2) + np.log(1 + np.exp(2)) + 0) / 3)


def test_several_labels_a_text() -> None:
    logits = np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, -1000.0]], np.float32)
    found = evaluate("multi_label_classification", logits, np.array([[1, 0], [1, 0], [1, 0]], np.float32))
    assert found["micro_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert found["subset_accuracy"] == pytest.approx(1 / 3)
    hit, miss = np.log1p(np.exp(-1)), np.log1p(np.exp(1))
    assert found["eval_loss"] == pytest.approx((hit + hit + hit + miss + miss + 0) / 6)


def test_nothing_to_find_and_nothing_found_is_right() -> None:
    found = evaluate("multi_label_classification", np.array([[-1.0]]), np.array([[0.0]]))
    assert found["micro_f1"] == found["subset_accuracy"] == 1.0


def test_numbers() -> None:
    found = evaluate("regression", np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [5.0]]))
    assert found["mean_squared_error"] == found["eval_loss"] == pytest.approx(4 / 3)
    assert found["pearson"] == pytest.approx(np.corrcoef([1, 2, 3], [1, 2, 5])[0, 1])
    assert pearson(np.array([1.0, 1.0]), np.array([0.0, 3.0])) == 0.0


@pytest.mark.parametrize(
    ("problem", "new", "old", "expected"),
    [
        ("single_label_classification", {"accuracy": 0.5, "eval_loss": 1}, None, True),
        ("single_label_classification", {"accuracy": 0.6, "eval_loss": 2}, {"accuracy": 0.5, "eval_loss": 1}, True),
        ("single_label_classification", {"accuracy": 0.5, "eval_loss": 0.9}, {"accuracy": 0.5, "eval_loss": 1}, True),
        ("single_label_classification", {"accuracy": 0.5, "eval_loss": 1}, {"accuracy": 0.5, "eval_loss": 1}, False),
        (
            "regression",
            {"mean_squared_error": 2, "eval_loss": 2},
            {"mean_squared_error": 1, "eval_loss": 1},
            False,
        ),
    ],
)
def test_the_better_epoch(problem: str, new: dict[str, float], old: dict[str, float] | None, expected: bool) -> None:
    assert is_better(problem, new, old) is expected
