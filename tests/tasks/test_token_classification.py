"""Token classification beside `transformers`, and what goes beyond it."""

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

TEXTS = [
    "the movie was not good , i hate this film !",
    "",
    "naïve café – 東京 🎬 العربية é\u0301 a" + "b" * 120 + " movies",
    "  bad  movies\n\nwas   nothing ",
    "lovely bats is it boss",
]

CALLS: list[tuple[Any, dict[str, Any]]] = [
    (TEXTS[0], {}),
    (TEXTS, {}),
    (TEXTS[:1], {}),
    *((TEXTS, {"aggregation_strategy": strategy}) for strategy in ("none", "simple", "first", "average", "MAX")),
    (TEXTS, {"aggregation_strategy": "simple", "ignore_labels": []}),
    (TEXTS, {"ignore_labels": ["O", "B-PER"]}),
    (TEXTS[0], {"aggregation_strategy": "average", "ignore_labels": ["PER"]}),
    (TEXTS[2], {"aggregation_strategy": "first", "stride": 0}),
    (" ".join(TEXTS * 12), {"aggregation_strategy": "simple", "stride": 5}),
    ([" ".join(TEXTS * 12), TEXTS[0]], {"aggregation_strategy": "first", "stride": 13}),
    (TEXTS[0].split(), {"is_split_into_words": True}),
    (TEXTS[0].split(), {"is_split_into_words": True, "delimiter": "_", "aggregation_strategy": "max"}),
    ([one.split() for one in TEXTS if one], {"is_split_into_words": True, "aggregation_strategy": "simple"}),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("number", range(len(CALLS)))
@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_answers_are_those_of_the_reference(tiny_task: Made, family: str, number: int, engine: str) -> None:
    inputs, arguments = CALLS[number]
    folder, reference = tiny_task("token-classification", "ForTokenClassification", family)
    ours = pipeline("ner", str(folder), engine=engine)(inputs, **arguments)
    assert_same(ours, reference(inputs, **arguments))
    json.dumps(ours)


@pytest.mark.parametrize(
    ("inputs", "arguments", "message"),
    [
        ([], {}, "At least one input is required"),
        (None, {}, "At least one input is required"),
        (3, {}, "must be a string"),
        ("a", {"aggregation_strategy": "most"}, "not one of none, simple, first, average, max"),
        ("a", {"stride": 3}, "please select another one instead"),
        ("a", {"stride": 40, "aggregation_strategy": "simple"}, "must be a whole number, less than"),
        ("a", {"top_k": 3}, "does not know top_k"),
        (["a", 3], {"is_split_into_words": True}, "list of words"),
        ("a", {"ignore_labels": "O"}, "list of labels"),
    ],
)
def test_what_means_nothing_is_refused_in_words(
    tiny_task: Made, inputs: Any, arguments: dict[str, Any], message: str
) -> None:
    folder, _ = tiny_task("token-classification", "ForTokenClassification")
    with pytest.raises(PellucidError, match=message):
        pipeline("ner", str(folder), engine="numpy")(inputs, **arguments)


def test_a_text_that_is_too_long_is_told_of(tiny_task: Made, caplog: pytest.LogCaptureFixture) -> None:
    folder, reference = tiny_task("token-classification", "ForTokenClassification")
    pipe = pipeline("ner", str(folder), engine="numpy")
    long = "the movie was bad " * 20
    with caplog.at_level(logging.WARNING):
        assert_same(pipe(long), reference(long))
    assert "Text 0 has 82 tokens, and only 40 of them were read. Read it in windows by `stride=`" in caplog.text
    with pytest.raises(PellucidError, match="has 82 tokens"):
        pipe(long, truncation=False)
    caplog.clear()
    details = pipe(long, aggregation_strategy="simple", stride=4, return_details=True)
    assert (details["n_tokens"], details["truncated"], details["windows"]) == (82, False, 3)
    assert pipe(["a b", long], truncation=True, return_details=True)[1]["truncated"]
    assert not caplog.text


def test_a_long_document_has_its_places_to_the_character(tiny_task: Made) -> None:
    folder, _ = tiny_task("token-classification", "ForTokenClassification")
    text = " ".join(f"the {'movie' if n % 3 else 'film'} was good ." for n in range(2000))
    pipe = pipeline("ner", str(folder), engine="openvino", aggregation_strategy="first", ignore_labels=[])
    entities = pipe(text, stride=8)
    assert entities[0]["start"] == 0
    assert entities[-1]["end"] > len(text) - 20
    for entity in entities:
        shown = text[entity["start"] : entity["end"]]
        assert shown.replace(" ", "") == entity["word"].replace(" ", "")


def test_old_arguments_are_understood_and_told_of(tiny_task: Made, caplog: pytest.LogCaptureFixture) -> None:
    folder, _ = tiny_task("token-classification", "ForTokenClassification")
    pipe = pipeline("ner", str(folder), engine="numpy", grouped_entities=True)
    assert pipe(TEXTS[0]) == pipeline("ner", str(folder), engine="numpy", aggregation_strategy="simple")(TEXTS[0])
    assert "`grouped_entities` is deprecated" in caplog.text


def test_the_task_is_told_by_the_checkpoint(tiny_task: Made) -> None:
    folder, _ = tiny_task("token-classification", "ForTokenClassification")
    assert pipeline(model=str(folder), engine="numpy").task == "token-classification"


def test_streams_are_answered_one_by_one(tiny_task: Made) -> None:
    folder, _ = tiny_task("token-classification", "ForTokenClassification")
    pipe = pipeline("ner", str(folder), engine="numpy")
    assert list(pipe(iter(TEXTS))) == pipe(TEXTS)
