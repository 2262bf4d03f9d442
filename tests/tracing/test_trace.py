"""A trace shows what a call computes, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import pipeline
from pellucid.cli import main
from pellucid.tracing.words import clipped, columns_of
from support.tiny import pellucid_checkpoint

ASKED: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "text-classification": ("ForSequenceClassification", "the movie was good", {"top_k": None}),
    "token-classification": (
        "ForTokenClassification", "the movie was very good ! " * 12, {"stride": 4, "aggregation_strategy": "simple"},
    ),
    "question-answering": (
        "ForQuestionAnswering",
        {"question": "was it good ?", "context": "the film was very good . " * 12},
        {"top_k": 2},
    ),
    "fill-mask": ("ForMaskedLM", "the movie was [MASK]", {}),
    "zero-shot-classification": ("ForSequenceClassification", "a great film", {"candidate_labels": ["good", "bad"]}),
    "feature-extraction": ("Model", "not bad", {}),
    "sentence-embedding": ("Model", "not bad", {}),
    "text-pair": ("ForSequenceClassification", {"text": "good", "text_pair": "bad"}, {}),
    "rerank": ("ForSequenceClassification", "good", {"documents": ["bad", "a good film"]}),
}  # fmt: skip

TEXTS = [
    "a",
    "👩‍👧 🎬",
    "مرحبا good",
    "日本語の映画",
    "<script>alert('x')</script> | *a* `b`",
    "́ x",
    "",
    "the movie " * 15,
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for task, (suffix, _, _) in ASKED.items():
        names = ["relevance"] if task == "rerank" else ["entailment", "other"]
        labels = {"id2label": dict(enumerate(names)), "label2id": {name: n for n, name in enumerate(names)}}
        made[task] = tmp_path_factory.mktemp("traced")
        pellucid_checkpoint(made[task], "bert", suffix, **labels)
    return made


def pipe_for(folders: dict[str, Path], task: str, engine: str = "openvino") -> Any:
    arguments = {"pooling": "mean"} if task == "sentence-embedding" else {}
    return pipeline(task, str(folders[task]), engine=engine, **arguments)


@pytest.mark.parametrize("engine", ["openvino", "numpy"])
@pytest.mark.parametrize("task", ASKED)
def test_a_trace_holds_what_a_call_gives(folders: dict[str, Path], task: str, engine: str) -> None:
    _, item, arguments = ASKED[task]
    pipe = pipe_for(folders, task, engine)
    trace, answer = pipe.trace(item, **arguments), pipe(item, **arguments)
    assert json.dumps(trace.answer) == json.dumps(answer)
    expected = list(pipe.outputs([item], **arguments))
    assert len(trace.sequences) == len(expected)
    for one, other in zip(trace.sequences, expected, strict=True):
        for name, values in other.items():
            assert np.array_equal(one.values[name], values)
    found = json.loads(trace.to_json())
    assert [stage["name"] for stage in found["stages"]][:5] == ["text", "tokens", "ids", "packed", "hidden states"]
    assert found["stages"][-1]["name"] == "answer"
    assert found["answer"] == json.loads(json.dumps(answer))
    assert len(found["norms"]) == 4
    assert str(trace) == trace.to_text()
    assert task in repr(trace)


def test_stages_can_be_looked_at_one_by_one(folders: dict[str, Path]) -> None:
    pipe = pipe_for(folders, "text-classification")
    text = "the movie was goodo"
    trace = pipe.trace(text)
    encoding = pipe.tokenizer(text)
    assert trace.ids == encoding.input_ids
    assert trace.tokens == encoding.tokens()
    assert [text[start:end] for start, end in trace.spans[1:-1]] == ["the", "movie", "was", "good", "o"]
    notes = [one.note for one in trace.sequences[0].tokens]
    assert notes == ["begins the sequence", "", "", "", "a word in 2 pieces", "a word in 2 pieces", "ends a text"]
    output = pipe.model(**pipe.tokenizer(text, return_tensors="np"), output_hidden_states=True, output_attentions=True)
    for layer, expected in zip(trace.hidden_states, output.hidden_states, strict=True):
        assert np.allclose(layer, np.asarray(expected)[0], atol=1e-5)
    assert len(trace.attentions) == 3
    for layer, expected in zip(trace.attentions, output.attentions, strict=True):
        assert np.allclose(layer, np.asarray(expected)[0], atol=1e-5)
        assert np.allclose(layer.sum(-1), 1, atol=1e-5)
    assert np.allclose(trace.logits, np.asarray(output.logits)[0], atol=1e-5)
    assert np.allclose(trace.probabilities.sum(), 1)
    assert np.allclose(trace.norms[0], np.linalg.norm(trace.hidden_states[0], axis=-1))
    assert all(stage.seconds is None or stage.seconds >= 0 for stage in trace.stages)


def test_hidden_states_are_computed_when_they_are_asked_for(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = pipe_for(folders, "text-classification")
    asked = []
    run = pipe.model.runner.run
    monkeypatch.setattr(
        pipe.model.runner, "run", lambda packed, **named: asked.append(named.get("taps", ())) or run(packed, **named)
    )
    trace = pipe.trace("good")
    assert asked == [()]
    assert trace.hidden_states is trace.hidden_states
    assert asked == [(), ("hidden_states",)]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_can_be_shown(folders: dict[str, Path], text: str) -> None:
    trace = pipe_for(folders, "text-classification").trace(text, truncation=True)
    for width in (80, 40):
        assert all(columns_of(line) <= width for line in trace.to_text(width=width).splitlines())
    assert "\x1b" not in trace.to_text()
    assert "\x1b[1m" in trace.to_text(colours=True)
    markdown = trace.to_markdown()
    assert "<script" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in rows[:8]}) == 1
    assert json.loads(trace.to_json())["input"] == text


def test_a_list_is_traced_one_by_one(folders: dict[str, Path]) -> None:
    pipe = pipe_for(folders, "text-classification")
    traces = pipe.trace(["good", "bad"])
    assert [trace.input for trace in traces] == ["good", "bad"]
    assert [trace.answer for trace in traces] == [pipe(text) for text in ("good", "bad")]


def test_windows_are_told(folders: dict[str, Path]) -> None:
    _, item, arguments = ASKED["question-answering"]
    trace = pipe_for(folders, "question-answering").trace(item, **arguments)
    assert len(trace.sequences) > 2
    assert f"in {len(trace.sequences)} sequences" in trace.stages[2].sentence
    assert "sequences more" in trace.to_text() or len(trace.sequences) <= 3
    assert trace.packed.lengths.sum() == sum(len(one.tokens) for one in trace.sequences)


def test_words_are_cut_tocolumns_of() -> None:
    assert clipped("abc", 3) == "abc"
    assert clipped("abcd", 3) == "ab…"
    assert columns_of(clipped("日本語の映画", 7)) <= 7
    assert columns_of("é") == 1


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "sentiment-analysis", "--model", "builtin", "What a film!"]) == 0
    shown = capsys.readouterr().out
    assert "1 text" in shown
    assert "POSITIVE" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert main(["trace", "sentiment-analysis", "--model", "builtin", "What a film!", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"][0]["label"] == "POSITIVE"
    assert main(["trace", "sentiment-analysis", "--model", "builtin", "What a film!", "--markdown"]) == 0
    assert "| stage |" in capsys.readouterr().out
    assert main(["trace", "question-answering", "--model", "builtin", "What a film!"]) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a good film", "it has every word whole."),
        ("I luved it", "2 of these belong to words that it lacks."),
        ("日本 film", "2 tokens stand for what it cannot spell."),
        ("I luved 本", "2 of these belong to words that it lacks, and 1 token stands for what it cannot spell."),
    ],
)
def test_what_the_vocabulary_lacks_is_told(text: str, told: str) -> None:
    stage = pipeline("text-classification", "builtin").trace(text).stages[1]
    assert stage.sentence == f"The tokenizer split the text into pieces that its vocabulary has; {told}"
