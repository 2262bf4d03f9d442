"""Mistakes are told once, with the line to write instead; right calls are told nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pellucid
from pellucid import AutoModelForSequenceClassification, AutoTokenizer, pipeline
from pellucid.checkpoints.framing import Framing, framing_of
from pellucid.checkpoints.hub import Checkpoint
from pellucid.models.diagnosis import Diagnosis
from support.family_tokenizers import TOKENIZER_CLASSES, write_family_tokenizer

BUILTIN = Path(pellucid.__file__).parent / "builtin"
CLS, SEP, PAD = 2, 3, 0

KINDS = ["numpy", *(["torch"] if find_spec("torch") else []), *(["keras"] if find_spec("tensorflow") else [])]


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> Any:
    if request.param == "keras":
        return pellucid.TFAutoModelForSequenceClassification.from_pretrained(str(BUILTIN))
    return AutoModelForSequenceClassification.from_pretrained(str(BUILTIN), engine=request.param)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.WARNING, "pellucid.models.diagnosis")

    def read() -> list[str]:
        found = [one.getMessage() for one in caplog.records if one.name == "pellucid.models.diagnosis"]
        caplog.clear()
        return found

    return read


MISTAKES = {
    "one axis": ([CLS, 200, SEP], None, "has one axis, [3], and was taken as one text"),
    "padding": ([[CLS, 200, 201, SEP], [CLS, 200, SEP, PAD]], None, "Row 1 ends in padding (id 0, 1 in all), and no"),
    "padding on the left": (
        [[CLS, 200, 201, SEP], [PAD, CLS, 200, SEP], [PAD, PAD, CLS, SEP]],
        None,
        "2 of 3 rows begin in padding (id 0, 3 in all)",
    ),
    "a mask of ones": (
        [[CLS, 9, SEP], [CLS, SEP, PAD]],
        [[1, 1, 1], [1, 1, 1]],
        "`attention_mask` says that it counts",
    ),
    "other padding": ([[CLS, 9, 9, SEP], [CLS, SEP, 100, 100]], None, "last [SEP] with 2 times the id 100"),
    "special tokens": (
        [[200, 201]],
        None,
        "lack the special tokens that this checkpoint's tokenizer puts: [CLS] (id 2)",
    ),
    "doubled": ([[CLS, CLS, 9, SEP, SEP]], None, "Row 0 begins with [CLS] (id 2) twice"),
    "tokenizer": ([[101, 7, 102], [101, 8, 102]], None, "begin with id 101 and end with id 102, as BERT's"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_once(model: Any, told: Callable[[], list[str]], mistake: str) -> None:
    ids, mask, words = MISTAKES[mistake]
    for _ in range(2):
        model(np.array(ids), attention_mask=None if mask is None else np.array(mask))
    (message,) = told()
    assert words in message
    assert "tokenizer" in message


def test_the_line_to_write_names_the_kind_of_arrays(model: Any, told: Callable[[], list[str]]) -> None:
    model([200, 201])
    kind = "tf" if type(model).__name__.startswith("TF") else "np"
    assert all(f"return_tensors={kind!r}" in message for message in told())


@pytest.mark.parametrize("family", TOKENIZER_CLASSES)
def test_what_a_tokenizer_gives_is_right(tmp_path: Path, told: Callable[[], list[str]], family: str) -> None:
    needed = write_family_tokenizer(tmp_path, family)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    texts = ["the quick brown fox", "a dog", "jumps over the lazy dog again"]
    diagnosis = Diagnosis(Checkpoint(str(tmp_path), None, tmp_path), needed["pad_token_id"], ())
    for side in ("right", "left"):
        for rows in (
            tokenizer(texts, padding=True, padding_side=side, return_tensors="np"),
            tokenizer(texts, texts[::-1], padding=True, padding_side=side, return_tensors="np"),
            tokenizer(texts, padding=True, padding_side=side, truncation=True, max_length=5, return_tensors="np"),
            tokenizer([one.split() for one in texts], padding=True, is_split_into_words=True, return_tensors="np")
            if family not in ("roberta", "deberta", "modernbert")
            else tokenizer(texts[:1], return_tensors="np"),
        ):
            mask = rows["attention_mask"].astype(bool)
            diagnosis.of_call(rows["input_ids"], mask, kind="np", has_mask=True, is_learning=False)
    assert told() == []


@given(st.lists(st.lists(st.integers(5, 4000), max_size=6), min_size=1, max_size=4), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_right_batches_are_told_nothing(told: Callable[[], list[str]], texts: list[list[int]], on_left: bool) -> None:
    rows = [[CLS, *text, SEP] for text in texts]
    width = max(map(len, rows))
    fill = [[PAD] * (width - len(row)) for row in rows]
    ids = np.array([pad + row if on_left else row + pad for row, pad in zip(rows, fill, strict=True)])
    diagnosis = Diagnosis(Checkpoint(str(BUILTIN), None, BUILTIN), PAD, ())
    diagnosis.of_call(ids, ids != PAD, kind="np", has_mask=True, is_learning=False)
    assert told() == []


def test_pipelines_are_not_looked_at(told: Callable[[], list[str]]) -> None:
    pipeline("text-classification", "builtin")(["", "a film", "[CLS] [CLS] a"])
    assert told() == []


@pytest.mark.parametrize("engine", [one for one in KINDS if one != "keras"])
def test_an_untrained_head_is_told_when_it_answers(told: Callable[[], list[str]], engine: str) -> None:
    model = pellucid.AutoModelForQuestionAnswering.from_pretrained(str(BUILTIN), engine=engine)
    ids = np.array([[CLS, 9, SEP]])
    model(ids, start_positions=np.array([1]), end_positions=np.array([1]))
    model(ids)
    assert told() == []  # it is being trained
    model = pellucid.AutoModelForQuestionAnswering.from_pretrained(str(BUILTIN), engine=engine)
    model(ids)
    model(ids)
    (message,) = told()
    assert message.startswith("The head of this model was never trained: the checkpoint lacks qa_outputs.")
    assert "Fine-tune it first" in message


def test_a_tokenizer_of_another_checkpoint_is_told(tmp_path: Path, told: Callable[[], list[str]]) -> None:
    write_family_tokenizer(tmp_path, "roberta")
    other = AutoTokenizer.from_pretrained(tmp_path)
    pipeline("text-classification", "builtin", tokenizer=other)
    (message,) = told()
    assert "puts the ids 0 and 2 around a text, and the tokenizer of 'builtin'" in message
    pipeline("text-classification", "builtin", tokenizer=AutoTokenizer.from_pretrained(BUILTIN))
    assert told() == []


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert", "xlm-roberta"])
def test_framings_are_read_off_files(tmp_path: Path, family: str) -> None:
    write_family_tokenizer(tmp_path, family)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    ids = tokenizer("")["input_ids"]
    expected = Framing(ids[0], ids[-1], *tokenizer.convert_ids_to_tokens([ids[0], ids[-1]]))
    found = framing_of(Checkpoint("a", None, tmp_path))
    assert found == (None if family == "xlm-roberta" else expected)
    tokenizer.save_pretrained(tmp_path)
    assert framing_of(Checkpoint("a", None, tmp_path)) == expected


@pytest.mark.parametrize("content", ["", "{", "[]", '{"post_processor": {"type": "TemplateProcessing"}}', "{}"])
def test_files_that_tell_nothing_are_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    assert framing_of(Checkpoint("a", None, tmp_path)) is None
    (tmp_path / "tokenizer.json").write_text(json.dumps({"post_processor": {"type": "Sequence", "processors": []}}))
    assert framing_of(Checkpoint("a", None, tmp_path)) is None
