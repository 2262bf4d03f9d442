"""Zero-shot classification beside `transformers`, and what goes beyond it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from pellucid import PellucidError, pipeline
from pellucid.engines import installed
from support.answers import assert_same
from tasks.conftest import Made

pytestmark = pytest.mark.reference

ENGINES = installed()

TEXT = "the movie was not good , i hate this film !"
LABELS = ["good", "bad", "a very great film"]

CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((TEXT, LABELS), {}),
    ((TEXT,), {"candidate_labels": "good, bad ,nothing"}),
    (([TEXT, "café 東京 🎬"], LABELS), {}),
    (([TEXT], LABELS), {"multi_label": True}),
    ((TEXT, ["good"]), {}),
    ((TEXT, LABELS), {"hypothesis_template": "it is {} !"}),
    ((" ".join([TEXT] * 6), LABELS), {}),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("number", range(len(CALLS)))
def test_answers_are_those_of_the_reference(tiny_task: Made, number: int, engine: str) -> None:
    positional, arguments = CALLS[number]
    folder, reference = tiny_task("zero-shot-classification", "ForSequenceClassification")
    ours = pipeline("zero-shot-classification", str(folder), engine=engine)(*positional, **arguments)
    assert_same(ours, reference(*positional, **arguments))
    json.dumps(ours)


@pytest.mark.parametrize(
    ("positional", "arguments", "message"),
    [
        ((TEXT,), {}, "at least one label"),
        ((TEXT, []), {}, "at least one label"),
        (("", LABELS), {}, "at least one label and at least one sequence"),
        (([], LABELS), {}, "at least one sequence"),
        ((TEXT, LABELS, 3), {}, "Unable to understand extra arguments"),
        ((TEXT, LABELS), {"hypothesis_template": "nothing"}, "was not able to be formatted"),
        ((TEXT, [3]), {}, "must be a string"),
    ],
    ids=str,
)
def test_what_means_nothing_is_refused_in_words(
    tiny_task: Made, positional: tuple[Any, ...], arguments: dict[str, Any], message: str
) -> None:
    folder, _ = tiny_task("zero-shot-classification", "ForSequenceClassification")
    with pytest.raises(PellucidError, match=message):
        pipeline("zero-shot-classification", str(folder), engine="numpy")(*positional, **arguments)


def test_what_is_cut_is_told_of(tiny_task: Made, caplog: pytest.LogCaptureFixture) -> None:
    folder, _ = tiny_task("zero-shot-classification", "ForSequenceClassification")
    pipe = pipeline("zero-shot-classification", str(folder), engine="numpy")
    long = " ".join([TEXT] * 6)
    with caplog.at_level(logging.WARNING):
        details = pipe(long, LABELS, return_details=True)
    assert "were read" in caplog.text
    assert details["truncated"]
    with pytest.raises(PellucidError, match="tokens"):
        pipe(long, LABELS, truncation=False)
