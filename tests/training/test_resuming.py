"""A run that is cut off goes on, and ends with the weights of one that was not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import FineTuned, finetune
from pellucid.errors import TrainingError

pytest.importorskip("torch")

TEXTS = ["good film", "bad film", "the movie was great", "i hate this movie", "very good", "not good , very bad"] * 4
LABELS = [1, 0, 1, 0, 1, 0] * 4
ARGUMENTS: dict[str, Any] = {
    "epochs": 3, "batch_size": 4, "learning_rate": 1e-3, "evaluation": 0.25, "progress": False, "threads": 1,
    "save_steps": 2,
}  # fmt: skip

KILLED = """
import os, signal, sys
from pellucid import finetune
from pellucid.training.loop import Loop

usual = Loop._step

def step(self, batch):
    if self.progress.step == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return usual(self, batch)

Loop._step = step
sys.path.insert(0, sys.argv[4])
from test_resuming import ARGUMENTS, LABELS, TEXTS
finetune(sys.argv[1], TEXTS, LABELS, output=sys.argv[2], **ARGUMENTS)
"""


def killed_at(step: int, classifier: Path, output: Path) -> None:
    words = [str(classifier), str(output), str(step), str(Path(__file__).parent)]
    run = subprocess.run([sys.executable, "-c", KILLED, *words], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr


def weights_of(made: FineTuned) -> dict[str, Any]:
    return {name: tensor.array(np.float32) for name, tensor in made.model.tensors.items()}


def measures_of(made: FineTuned) -> list[dict[str, Any]]:
    return [{k: v for k, v in one.items() if k not in ("seconds", "texts_per_second")} for one in made.metrics]


@pytest.fixture(scope="module")
def whole(classifier: Path) -> FineTuned:
    return finetune(classifier, TEXTS, LABELS, **{**ARGUMENTS, "save_steps": None})


# 18 texts are left, so an epoch has 5 steps; checkpoints follow steps 2, 4, 5, 7 …
@pytest.mark.parametrize("step", [3, 8, 10, 14], ids=lambda step: f"killed at step {step}")
def test_a_killed_run_ends_with_the_weights_of_a_whole_one(
    step: int, classifier: Path, whole: FineTuned, tmp_path: Path
) -> None:
    killed_at(step, classifier, tmp_path)
    record = json.loads((tmp_path / "training.json").read_text())
    assert 0 < record["progress"]["step"] <= step
    assert not record["finished"]
    made = finetune(classifier, TEXTS, LABELS, output=tmp_path, **ARGUMENTS)
    assert measures_of(made) == measures_of(whole)
    assert made.best_epoch == whole.best_epoch
    for name, values in weights_of(whole).items():
        np.testing.assert_array_equal(weights_of(made)[name], values, err_msg=name)
    assert not (tmp_path / "checkpoint").exists()
    assert json.loads((tmp_path / "metrics.json").read_text()) == made.metrics


def test_a_run_killed_before_its_first_checkpoint_begins_anew(
    classifier: Path, whole: FineTuned, tmp_path: Path
) -> None:
    killed_at(1, classifier, tmp_path / "run")
    made = finetune(classifier, TEXTS, LABELS, output=tmp_path / "run", **ARGUMENTS)
    assert measures_of(made) == measures_of(whole)


def test_a_finished_run_is_read_back(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = finetune(classifier, TEXTS, LABELS, output=tmp_path, **ARGUMENTS)
    monkeypatch.setattr("pellucid.training.loop.Loop.run", lambda *_: pytest.fail("learned again"))
    again = finetune(classifier, TEXTS, LABELS, output=tmp_path, **ARGUMENTS)
    assert "is finished: its model is read back" in caplog.text
    assert (again.metrics, again.best_epoch) == (first.metrics, first.best_epoch)
    for name, values in weights_of(first).items():
        np.testing.assert_array_equal(weights_of(again)[name], values, err_msg=name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 4}, r"What differs: epochs \(3 there, 4 now\)\."),
        ({"labels": LABELS[::-1]}, r"texts and labels"),
        ({"learning_rate": 1e-4, "seed": 1}, r"learning_rate \(0.001 there, 0.0001 now\), seed \(0 there, 1 now\)"),
    ],
    ids=str,
)
def test_another_runs_folder_is_refused(changes: dict[str, Any], words: str, classifier: Path, tmp_path: Path) -> None:
    finetune(classifier, TEXTS, LABELS, output=tmp_path, **ARGUMENTS)
    before = (tmp_path / "model.safetensors").read_bytes()
    given = {"labels": LABELS, **ARGUMENTS, **changes}
    with pytest.raises(TrainingError, match=words):
        finetune(classifier, TEXTS, given.pop("labels"), output=tmp_path, **given)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_resume_false_starts_anew(classifier: Path, tmp_path: Path) -> None:
    finetune(classifier, TEXTS, LABELS, output=tmp_path, **ARGUMENTS)
    made = finetune(classifier, TEXTS, LABELS, output=tmp_path, resume=False, **{**ARGUMENTS, "epochs": 1})
    assert len(made.metrics) == 1
    assert len(json.loads((tmp_path / "metrics.json").read_text())) == 1


def test_a_folder_with_a_model_of_its_own_is_refused(classifier: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(TrainingError, match="holds a model that no run of fine-tuning wrote there"):
        finetune(classifier, TEXTS, LABELS, output=tmp_path, **ARGUMENTS)


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 99, "configuration": {}}'])
def test_a_damaged_record_is_refused(content: str, classifier: Path, tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text(content)
    with pytest.raises(TrainingError, match="cannot be read as the record of a run"):
        finetune(classifier, TEXTS, LABELS, output=tmp_path, **ARGUMENTS)


def test_a_damaged_checkpoint_is_refused(classifier: Path, tmp_path: Path) -> None:
    killed_at(3, classifier, tmp_path)
    (tmp_path / "checkpoint" / "state.safetensors").write_bytes(b"\x00" * 10)
    with pytest.raises(TrainingError, match=r"state.safetensors cannot be read, so the run cannot go on"):
        finetune(classifier, TEXTS, LABELS, output=tmp_path, **ARGUMENTS)
