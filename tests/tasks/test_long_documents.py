"""Documents of any length: what is held does not grow with them, and few are under way at once."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from pellucid import pipeline, stages
from pellucid.streaming import groups, portions
from pellucid.tokenizers import pieces
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
def test_memory_is_constant(pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    task, arguments = MEASURED[name]
    pipe = pipes[task]
    monkeypatch.setattr(stages, "AHEAD", 4096)
    monkeypatch.setattr(pieces, "PIECE", 4000)
    answered(pipe, document(200), arguments)
    short, long = 10_000, 20_000
    # Were each token kept, with its place and its logits, it would be some hundred bytes a word.
    assert peak(pipe, long, arguments) - peak(pipe, short, arguments) < 5 * (long - short)


@pytest.mark.parametrize("name", MEASURED)
def test_a_document_in_pieces_is_answered_like_the_whole(
    pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    task, arguments = MEASURED[name]
    arguments = {**arguments, "return_details": True}
    arguments.pop("ignore_labels", None)
    text = document(1500)
    expected = answered(pipes[task], text, arguments)
    monkeypatch.setattr(pieces, "PIECE", 300)
    monkeypatch.setattr(stages, "AHEAD", 500)
    taken = []
    encode = pipes[task].tokenizer.encode_document
    monkeypatch.setattr(
        pipes[task].tokenizer,
        "encode_document",
        lambda *given, **named: taken.append(encode(*given, **named)) or taken[-1],
    )
    assert_same(answered(pipes[task], text, arguments), expected)
    assert expected["windows"] > 10
    assert taken != [None]


def test_progress_with_a_document_among_texts(
    pipes: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pieces, "PIECE", 300)
    pipe = pipes["token-classification"]
    arguments = {"aggregation_strategy": "simple", "stride": 9}
    texts = ["good", document(900), "", document(3)]
    expected = [pipe(text, **arguments) for text in texts]
    assert_same(pipe(texts, progress=True, **arguments), expected)
    assert "4/4" in capsys.readouterr().err


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
    assert list(portions(sizes, int, 10)) == expected


def test_groups_are_read_as_they_come_and_passed_over() -> None:
    read = []
    source = ((place, read.append(n) or n) for n, place in enumerate([0, 0, 2, 2, 4]))
    found = [next(group, None) for group in groups(source, 6)]
    assert found == [0, None, 2, None, 4, None]
    assert read == [0, 1, 2, 3, 4]
