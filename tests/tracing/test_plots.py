"""Pictures of traces: each is drawn for every text, and shows what the trace holds."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import BertConfig, BertForSequenceClassification, BertTokenizerFast, pipeline
from pellucid.errors import InputError, NotInstalledError
from pellucid.tracing.projection import named_apart, projected
from support.tiny import pellucid_checkpoint

KINDS = ["attention", "token_lengths", "probabilities", "norms", "projection"]

TEXTS = ["", "a", "good", "👩‍👧 🎬", "مرحبا good", "日本語の映画 $x$ $", "the movie " * 15]


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = pellucid_checkpoint(tmp_path_factory.mktemp("plotted"), "bert", "ForSequenceClassification")
    return pipeline("text-classification", str(folder), engine="numpy")


@pytest.fixture(scope="module")
def large(pipe: Any) -> Any:
    """A trace with 28 labels, 24 layers, 16 heads and 512 tokens."""
    labels = {number: f"label {number} {'x' * (number % 7)}" for number in range(28)}
    config = BertConfig(
        vocab_size=len(pipe.tokenizer), hidden_size=32, num_attention_heads=16, num_hidden_layers=24,
        intermediate_size=16, id2label=labels, initializer_range=0.3,
    )  # fmt: skip
    model = BertForSequenceClassification(config, engine="numpy")
    asked = pipeline("text-classification", model, tokenizer=pipe.tokenizer)
    return asked.trace("good film , not bad ! " * 200, truncation=True, max_length=512)


def figure_of(trace: Any, *arguments: Any, **named: Any) -> Any:
    pytest.importorskip("matplotlib")
    figure = trace.plot(*arguments, **named)
    from matplotlib.figure import Figure

    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    return figure


def labels_of(axis: Any) -> list[Any]:
    return [label for label in axis.get_ticklabels() if label.get_text()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_every_kind_is_drawn_of_every_text(pipe: Any, text: str, kind: str) -> None:
    figure_of(pipe.trace(text, truncation=True), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_a_large_trace_do_not_lie_on_each_other(large: Any, kind: str) -> None:
    assert len(large.tokens) == 512
    figure = figure_of(large, kind)
    figure.canvas.draw()
    ax = figure.axes[0]
    assert max(figure.get_size_inches()) <= 13
    assert len(figure._repr_png_()) < 1_000_000
    for axis, along in ((ax.xaxis, "x"), (ax.yaxis, "y")):
        boxes = [label.get_window_extent() for label in labels_of(axis)]
        ends = sorted((getattr(box, f"{along}0"), getattr(box, f"{along}1")) for box in boxes)
        assert all(one[1] <= other[0] + 1.5 for one, other in pairwise(ends)), along
    names = [note.get_window_extent() for note in ax.texts]
    if kind == "projection":
        assert 5 < len(names) < 512


def test_attention_is_that_of_the_trace(pipe: Any) -> None:
    trace = pipe.trace("the movie was good")
    for arguments, expected in (
        ({}, trace.attentions[-1].mean(0)),
        ({"layer": 0, "head": 2}, trace.attentions[0][2]),
        ({"layer": -2, "head": -1}, trace.attentions[-2][-1]),
        ({"layer": 1, "head": "mean"}, trace.attentions[1].mean(0)),
    ):
        ax = figure_of(trace, "attention", **arguments).axes[0]
        (image,) = ax.images
        np.testing.assert_allclose(image.get_array(), expected)
        assert [label.get_text() for label in labels_of(ax.xaxis)] == trace.tokens
        assert [label.get_text() for label in labels_of(ax.yaxis)] == trace.tokens


def test_all_heads_are_drawn_at_once(large: Any, pipe: Any) -> None:
    ax = figure_of(large, layer="all").axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == [str(n) for n in range(16)]
    assert [label.get_text() for label in ax.get_yticklabels()] == [str(n) for n in range(24)]
    assert ax.images[0].get_array().shape == (24 * 41 - 1, 16 * 41 - 1)
    trace = pipe.trace("the movie was good")
    one = figure_of(trace, layer=1, head="all").axes[0].images[0].get_array()
    first = trace.attentions[1][0]
    np.testing.assert_allclose(one[: len(first), : len(first)], first / first.max(), rtol=1e-6)
    assert figure_of(trace, layer="all", head=1).axes[0].images[0].get_array().shape[1] == len(first)


def test_probabilities_have_the_names_of_labels(large: Any, pipe: Any) -> None:
    assert large.labels[3] == "label 3 xxx"
    ax = figure_of(large, "probabilities").axes[0]
    order = np.argsort(-large.probabilities, kind="stable")
    assert [label.get_text() for label in ax.get_yticklabels()] == [large.labels[n] for n in order]
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], large.probabilities[order])
    many = pipe.trace("good")
    many.probabilities, many.labels = np.linspace(0, 1, 100), []
    ax = figure_of(many, "probabilities").axes[0]
    assert "60 labels more" in ax.get_title()
    assert ax.get_yticklabels()[0].get_text() == "label 99"


def test_norms_and_lengths_are_those_of_the_trace(pipe: Any) -> None:
    trace = pipe.trace("the movie was goodo")
    np.testing.assert_allclose(figure_of(trace, "norms").axes[0].images[0].get_array(), trace.norms)
    bars = [bar.get_height() for bar in figure_of(trace, "token_lengths").axes[0].patches]
    assert bars == [0, 1, 0, 2, 1, 1], "o; the, was; good; movie"


def test_several_sequences_have_lengths_and_pictures_of_their_own(tmp_path: Path) -> None:
    folder = pellucid_checkpoint(tmp_path, "bert", "ForQuestionAnswering")
    pipe = pipeline("question-answering", str(folder), engine="numpy")
    trace = pipe.trace({"question": "was it good ?", "context": "the film was very good . " * 12})
    count = len(trace.sequences)
    assert count > 2
    _, second = figure_of(trace, "token_lengths").axes
    assert [bar.get_height() for bar in second.patches] == [len(one.tokens) for one in trace.sequences]
    for sequence in (0, count - 1):
        length = len(trace.sequences[sequence].tokens)
        rows = trace.rows_of(sequence)
        shown = figure_of(trace, "norms", sequence=sequence).axes[0].images[0].get_array()
        np.testing.assert_allclose(shown, np.array(trace.norms)[:, rows])
        assert trace.attentions_of(sequence)[0].shape == (4, length, length)
        np.testing.assert_allclose(trace.attentions_of(sequence)[-1].sum(-1), 1, atol=1e-5)
        figure_of(trace, "attention", sequence=sequence)
        figure_of(trace, "projection", sequence=sequence)
    assert np.array_equal(trace.attentions[0], trace.attentions_of(0)[0])
    with pytest.raises(InputError, match="has no probabilities"):
        trace.plot("probabilities")
    with pytest.raises(InputError, match=f"0 to {count - 1}"):
        trace.plot("norms", sequence=count)


def test_what_is_not_there_is_refused(pipe: Any) -> None:
    pytest.importorskip("matplotlib")
    trace = pipe.trace("good")
    for kind, how, words in (
        ("attentions", {}, "attention, token_lengths"), ("attention", {"layer": 3}, "0 to 2"),
        ("attention", {"head": 4}, "0 to 3"), ("attention", {"layer": "last"}, "'all'"),
        ("projection", {"layer": 4}, "0 to 3"), ("projection", {"layer": -5}, "embeddings"),
        ("norms", {"layer": 1}, "`layer` means nothing"), ("projection", {"head": 1}, "`head` means nothing"),
        ("norms", {"sequence": True}, "sequence"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            trace.plot(kind, **how)


def test_it_is_drawn_into_axes_that_are_given(pipe: Any, large: Any) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), layout="constrained")
    axes = figure.subplots(1, len(KINDS))
    for trace in (pipe.trace("the movie was good"), large):
        for kind, ax in zip(KINDS, axes, strict=True):
            assert trace.plot(kind, ax=ax) is figure
    figure.canvas.draw()


def test_directions_are_those_of_the_variance() -> None:
    random = np.random.default_rng(0)
    states = random.normal(size=(50, 8)) * np.array([9, 4, 1, 1, 1, 1, 1, 1]) + 100
    points, shares = projected(states)
    values = np.linalg.eigvalsh(np.cov(states.T))[::-1]
    np.testing.assert_allclose(shares, values[:2] / values.sum(), rtol=1e-9)
    np.testing.assert_allclose(points.var(axis=0, ddof=1), values[:2], rtol=1e-9)
    np.testing.assert_allclose(projected(-states)[0].max(axis=0), points.max(axis=0))
    for few in (np.ones((1, 4)), np.ones((3, 4)), np.arange(4.0).reshape(2, 2), np.ones((5, 1))):
        points, shares = projected(few)
        assert points.shape == (len(few), 2)
        assert np.isfinite(points).all()
        assert 0 <= sum(shares) <= 1 + 1e-9


def test_names_that_would_hide_each_other_are_left_out() -> None:
    assert named_apart(np.array([[0.0, 0], [1, 1]]), ["a", "b"], 5, 5) == [0, 1]
    assert len(named_apart(np.zeros((9, 2)), ["word"] * 9, 5, 5)) == 1


def test_plots_say_what_to_install(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pellucid.tracing.figures", "pellucid.tracing.plots"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    trace = pipe.trace("good")
    with pytest.raises(NotInstalledError, match=r"pip install pellucid\[plot\]") as caught:
        trace.plot()
    assert isinstance(caught.value, ImportError)


def test_neither_pyplot_nor_a_backend_is_touched(pipe: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    code = (
        "import sys, matplotlib\n"
        # To look at the backend would choose one.
        "settings = lambda: {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != 'backend'}\n"
        "before = settings()\n"
        "from pellucid import pipeline\n"
        "pipe = pipeline('sentiment-analysis', 'builtin', engine='numpy')\n"
        "pipe.trace('good').plot()._repr_png_()\n"
        "pipe.explain('good').plot()._repr_png_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert settings() == before\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=tmp_path)


def test_a_trace_has_the_names_of_its_labels(pipe: Any) -> None:
    assert pipe.trace("good").labels == ["LABEL_0", "LABEL_1"]
    assert isinstance(pipe.tokenizer, BertTokenizerFast)
