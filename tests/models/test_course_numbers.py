"""The logits of the course's second notebook: from the real checkpoint, which only the Hub has."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pellucid import AutoModelForSequenceClassification, AutoTokenizer
from pellucid.engines import installed
from support.course_cache import SST2, use_cache
from support.course_numbers import NOTEBOOK, differences, measured

WITHIN = 1e-4


@pytest.mark.hub
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", installed())
def test_the_real_checkpoint_gives_the_logits_of_the_notebook(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    # All other tests are kept off the network, by what `conftest.py` sets.
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    tokenizer = AutoTokenizer.from_pretrained(SST2)
    model = AutoModelForSequenceClassification.from_pretrained(SST2, engine=engine)
    assert model.config.id2label == {0: "NEGATIVE", 1: "POSITIVE"}
    assert differences(measured(model, tokenizer), NOTEBOOK, WITHIN) == []


def test_the_hub_is_left_alone_unless_it_is_asked_for_by_name() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not reference", "-k", "real"]
    done = subprocess.run([*command, __file__], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert re.search(rf"^{len(installed())} skipped, \d+ deselected", done.stdout, flags=re.MULTILINE), done.stdout


def test_random_weights_give_logits_of_the_same_shapes_and_other_numbers(
    course_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cache(monkeypatch, course_cache)
    found = measured(AutoModelForSequenceClassification.from_pretrained(SST2), AutoTokenizer.from_pretrained(SST2))
    told = differences(found, NOTEBOOK, WITHIN)
    assert len(told) == len(NOTEBOOK)
    assert not any("shape" in line for line in told)
    np.testing.assert_allclose(found["padding with a mask"][1:], found["two tokens"], atol=WITHIN)
    assert np.abs(found["padding without a mask"][1:] - found["two tokens"]).max() > 100 * WITHIN


def test_numbers_agree_within_the_limit_and_not_beyond() -> None:
    close = {name: np.array(rows) + 0.9 * WITHIN for name, rows in NOTEBOOK.items()}
    assert differences(close, NOTEBOOK, WITHIN) == []
    for wrong in (
        np.array(NOTEBOOK["three tokens"]) + 1.1 * WITHIN,
        np.full((1, 2), np.nan),
        np.zeros((2, 2)),
        np.array(NOTEBOOK["three tokens"])[0],
    ):
        assert len(differences({**close, "three tokens": wrong}, NOTEBOOK, WITHIN)) == 1
    assert differences({"another": [[0.0]]}, {"one": [[0.0]]}, WITHIN) == [
        "another is only on one side",
        "one is only on one side",
    ]
