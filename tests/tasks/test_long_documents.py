"""Documents of any length: memory is in proportion to their tokens, and few are under way at once."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from pellucid import pipeline, stages
from pellucid.streaming import portions
from support.answers import assert_same
from support.tiny import pellucid_checkpoint

WORDS = "the movie was good bad very not great film i love hate this".split()

LABELS = [f"LABEL_{n}" for n in range(9)]
"""All are left out where memory is measured: an answer is as long as what is found."""

MEASURED: dict[str, tuple[str, dict[str, Any]]] = {
    "windows that share little": ("token-classification", {"stride": 16, "ignore_labels": LABELS}),
    "windows that share most": ("token-classification", {"stride": 100, "ignore_labels": LABELS}),
    "question": ("question-answering", {}),
}

BYTES = {"windows that share little": 350, "windows that share most": 600, "question": 350}
"""The most that one more token may take: its number, its place and word, and outputs in each window that it is in."""


@pytest.fixture(scope="module")
def pipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A pipeline for each task, whose model takes 128 tokens."""
    made = {}
    for task, suffix in (("token-classification", "ForTokenClassification"),
                         ("question-answering", "ForQuestionAnswering")):  # fmt: skip
        folder = tmp_path_factory.mktemp("long")
        pellucid_checkpoint(folder, "bert", suffix, max_position_embeddings=128, num_hidden_layers=1, num_labels=9)
        made[task] = pipeline(task, str(folder), engine="numpy", max_tokens=128)
    return made


def document(words: int, first: int = 0) -> str:
    return " ".join(WORDS[n * n % 7 + n % 6] for n in range(first, first + words))


def answered(pipe: Any, text: str, arguments: dict[str, Any]) -> Any:
    if pipe.task == "token-classification":
        return pipe(text, aggregation_strategy="simple", **arguments)
    return pipe(question="was it good ?", context=text, top_k=3, **arguments)


def peak(pipe: Any, words: int, arguments: dict[str, Any]) -> int:
    """The most bytes that were held at once while a document was answered."""
    text = document(words)
    gc.collect()
    tracemalloc.start()
    try:
        answered(pipe, text, arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", MEASURED)
def test_one_more_token_takes_a_few_hundred_bytes(pipes: dict[str, Any], name: str) -> None:
    task, arguments = MEASURED[name]
    pipe = pipes[task]
    answered(pipe, document(200), arguments)
    short, long = 8000, 16000  # so that a micro-batch takes less than either
    assert (peak(pipe, long, arguments) - peak(pipe, short, arguments)) / (long - short) < BYTES[name]


def test_the_windows_of_a_text_share_its_lists(pipes: dict[str, Any]) -> None:
    rows = pipes["token-classification"].tokenizer.encode_ragged(
        [document(1000)], truncation=True, max_length=128, stride=9, overflow=True
    )
    assert len(rows) > 8
    assert len({id(row._source) for row in rows}) == 1
    assert rows[0]._source.offsets is rows[-1]._source.offsets


def test_few_documents_are_under_way_at_once(pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = pipes["token-classification"]
    texts = [document(5 + 60 * (n % 3), n) for n in range(40)]
    expected = pipe(texts)
    monkeypatch.setattr(stages, "MAX_CHARACTERS", 700)
    taken = []
    encode = pipe.tokenizer.encode_ragged

    def watched(given: list[str], *rest: Any, **named: Any) -> Any:
        taken.append([len(text) for text in given])
        return encode(given, *rest, **named)

    monkeypatch.setattr(pipe.tokenizer, "encode_ragged", watched)
    assert_same(list(pipe(iter(texts))), expected)
    assert_same(pipe(texts), expected)
    assert [size for sizes in taken for size in sizes] == [len(text) for text in texts] * 2
    assert max(map(sum, taken)) <= 700
    assert max(map(len, taken)) > 1


def test_a_text_that_is_refused_has_its_own_number(pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "MAX_CHARACTERS", 1)
    with pytest.raises(ValueError, match="Text 2 has 202 tokens"):
        pipes["token-classification"](["a", "b", document(200)], truncation=False)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([9], [[9]]),
        ([99, 1, 99], [[99], [1], [99]]),
        ([1, 2, 3, 4, 5], [[1, 2, 3, 4], [5]]),
        ([10, 10, 0, 0], [[10], [10, 0, 0]]),
    ],
)
def test_portions(sizes: list[int], expected: list[list[int]]) -> None:
    assert [sizes[one] for one in portions(sizes, 10)] == expected
