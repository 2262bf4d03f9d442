"""Fill mask beside `transformers`, and what goes beyond it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pellucid import PellucidError, pipeline
from pellucid.engines import installed
from support.answers import assert_same
from tasks.conftest import Made

pytestmark = pytest.mark.reference

ENGINES = installed()

ONE = "the movie was [MASK] , café !"
TWO = "the [MASK] was [MASK] good"

CALLS: list[tuple[Any, dict[str, Any]]] = [
    (ONE, {}),
    ([ONE], {}),
    ([ONE, "i [MASK] this"], {}),
    (TWO, {}),
    ([TWO, ONE], {"top_k": 2}),
    (ONE, {"top_k": 1}),
    (ONE, {"targets": ["good", "bad"]}),
    (ONE, {"targets": "good", "top_k": 3}),
    (ONE, {"targets": ["good", "good", "movies"]}),
    (ONE + " a" * 60, {"tokenizer_kwargs": {"truncation": True}}),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("number", range(len(CALLS)))
@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_answers_are_those_of_the_reference(tiny_task: Made, family: str, number: int, engine: str) -> None:
    inputs, arguments = CALLS[number]
    folder, reference = tiny_task("fill-mask", "ForMaskedLM", family)
    ours = pipeline("fill-mask", str(folder), engine=engine)(inputs, **arguments)
    assert_same(ours, reference(inputs, **arguments))
    json.dumps(ours)


def test_logits_are_computed_at_the_masks_alone(tiny_task: Made) -> None:
    folder, _ = tiny_task("fill-mask", "ForMaskedLM")
    pipe = pipeline("fill-mask", str(folder), engine="openvino")
    seen = []
    run = pipe.model.runner.run

    def watched(*arguments: Any, **named: Any) -> Any:
        result = run(*arguments, **named)
        seen.append(result.outputs["logits"].shape[0])
        return result

    pipe.model.runner.run = watched  # type: ignore[method-assign]
    pipe([TWO, ONE, f"{ONE} !", ONE])
    # The last one is computed with the second.
    assert seen == [4]


@pytest.mark.parametrize(
    ("inputs", "arguments", "message"),
    [
        ("the movie", {}, r"No mask_token \(\[MASK\]\) found on input 0"),
        ([ONE, "a"], {}, "found on input 1"),
        ("a " * 60 + "[MASK]", {"tokenizer_kwargs": {"truncation": True}}, "No mask_token"),
        (ONE, {"targets": []}, "At least one target"),
        (ONE, {"top_k": 0}, "whole number above 0"),
        (ONE, {"colour": 1}, "does not know colour"),
        (ONE + " a" * 60, {}, "accepts at most 40"),
    ],
    ids=str,
)
def test_what_means_nothing_is_refused_in_words(
    tiny_task: Made, inputs: Any, arguments: dict[str, Any], message: str
) -> None:
    folder, _ = tiny_task("fill-mask", "ForMaskedLM")
    with pytest.raises(PellucidError, match=message):
        pipeline("fill-mask", str(folder), engine="numpy")(inputs, **arguments)
