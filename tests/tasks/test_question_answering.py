"""Question answering beside `transformers`, and what goes beyond it."""

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

CONTEXT = "the movie was not good , i hate this film ! naïve café – 東京 🎬 lovely bats"
LONG = " ".join(f"{CONTEXT} {n * 'a'}b" for n in range(1, 9))
QUESTION = "was it good ?"

CALLS: list[dict[str, Any]] = [
    {"question": QUESTION, "context": CONTEXT},
    {"question": QUESTION, "context": LONG},
    {"question": QUESTION, "context": CONTEXT, "top_k": 4},
    {"question": QUESTION, "context": LONG, "top_k": 7, "max_answer_len": 3},
    {"question": QUESTION, "context": CONTEXT, "handle_impossible_answer": True, "top_k": 20},
    {"question": QUESTION, "context": LONG, "handle_impossible_answer": True},
    {"question": QUESTION, "context": CONTEXT, "align_to_words": False, "top_k": 3},
    {"question": QUESTION, "context": LONG, "doc_stride": 3, "max_seq_len": 24, "top_k": 3},
    {"question": [QUESTION, "a b"], "context": CONTEXT},
    {"question": [QUESTION, "a b"], "context": [CONTEXT, LONG], "top_k": 2},
    {"question": [QUESTION], "context": [CONTEXT]},
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("number", range(len(CALLS)))
@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_answers_are_those_of_the_reference(tiny_task: Made, family: str, number: int, engine: str) -> None:
    folder, reference = tiny_task("question-answering", "ForQuestionAnswering", family)
    ours = pipeline("question-answering", str(folder), engine=engine)(**CALLS[number])
    assert_same(ours, reference(**CALLS[number]))
    json.dumps(ours)


@pytest.mark.parametrize(
    "inputs",
    [
        {"question": QUESTION, "context": CONTEXT},
        [{"question": QUESTION, "context": CONTEXT}],
        [{"question": QUESTION, "context": CONTEXT}, {"question": "a", "context": "b c"}],
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore")
def test_dictionaries_are_taken_as_in_the_reference(tiny_task: Made, inputs: Any) -> None:
    folder, reference = tiny_task("question-answering", "ForQuestionAnswering")
    pipe = pipeline("question-answering", str(folder), engine="numpy")
    assert_same(pipe(inputs), reference(inputs))
    stream = inputs if isinstance(inputs, list) else [inputs]
    assert_same(list(pipe(iter(stream))), [reference(one) for one in stream])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"question": "a"}, "needs `question=` and `context=`"),
        ({"inputs": {"question": "a"}}, "dictionary with keys"),
        ({"question": "", "context": "a"}, "`question` cannot be empty"),
        ({"inputs": {"question": "a", "context": None}}, "`context` cannot be None"),
        ({"question": ["a", "b"], "context": ["a"]}, "same lengths: there are 2 and 1"),
        ({"question": "a", "context": "b", "top_k": 0}, "top_k parameter should be >= 1"),
        ({"question": "a", "context": "b", "max_answer_len": 0}, "max_answer_len parameter should be >= 1"),
        ({"question": "a", "context": "b", "doc_stride": 99, "max_seq_len": 30}, "is larger than `max_seq_len`"),
        ({"question": "a", "context": "b", "colour": 1}, "does not know colour"),
        ({"inputs": "a b"}, "must be a dictionary"),
    ],
    ids=str,
)
def test_what_means_nothing_is_refused_in_words(tiny_task: Made, arguments: dict[str, Any], message: str) -> None:
    folder, _ = tiny_task("question-answering", "ForQuestionAnswering")
    with pytest.raises(PellucidError, match=message):
        pipeline("question-answering", str(folder), engine="numpy")(**arguments)


def test_a_long_context_is_read_in_windows(tiny_task: Made) -> None:
    folder, _ = tiny_task("question-answering", "ForQuestionAnswering")
    context = " ".join(f"the movie was {'good' if n % 7 else 'bad'} ." for n in range(2000))
    pipe = pipeline("question-answering", str(folder), engine="openvino")
    details = pipe(question=QUESTION, context=context, top_k=5, return_details=True)
    assert not details["truncated"]
    assert details["windows"] > 300
    for one in details["answer"]:
        assert context[one["start"] : one["end"]] == one["answer"]


def test_a_long_question_leaves_small_windows(tiny_task: Made) -> None:
    """The usual stride would be half a window, and more than what the question leaves; `transformers` fails."""
    folder, _ = tiny_task("question-answering", "ForQuestionAnswering")
    pipe = pipeline("question-answering", str(folder), engine="numpy")
    given = {"question": "a b c d e f " * 5, "context": CONTEXT}
    details = pipe(**given, return_details=True)
    # Of 40 tokens the question takes 30 and special ones 3; neighbours share 3 of the 7 that remain.
    length = details["n_tokens"] - 33
    assert details["windows"] == 1 + -(-(length - 7) // 4)
    with pytest.raises(PellucidError, match="stride=20 is not smaller than the window"):
        pipe(**given, doc_stride=20)
