"""Two runs side by side: equal ones part nowhere, and a planted difference is found where it was planted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import pellucid
from pellucid import pipeline
from pellucid.engines import installed
from pellucid.errors import EngineNotInstalledError, InputError, InputTypeError
from pellucid.tracing import reference
from pellucid.tracing.comparing import _numbers

BUILTIN = Path(pellucid.__file__).parent / "builtin"
TEXT = "What an unbelievably good film! \U0001f600 \u0645\u0631\u062d\u0628\u0627"

needs_reference = pytest.mark.skipif(
    find_spec("transformers") is None or find_spec("torch") is None, reason="transformers is not installed"
)


def trace(model: Any = "builtin", text: str = TEXT, engine: str = "numpy", **arguments: Any) -> Any:
    return pipeline("text-classification", str(model), engine=engine, **arguments).trace(text)


@pytest.fixture(scope="module")
def exact() -> Any:
    return trace(dtype="float64")


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the builtin checkpoint with something else in it."""

    def make(weights: dict[str, Callable[[Any], Any]] | None = None, **config: Any) -> Path:
        shutil.copytree(BUILTIN, tmp_path / "copy")
        found = load_file(BUILTIN / "model.safetensors")
        for name, change in (weights or {}).items():
            found[name] = change(found[name])
        save_file(found, tmp_path / "copy" / "model.safetensors", {"format": "pt"})
        written = json.loads((BUILTIN / "config.json").read_text(encoding="utf-8"))
        (tmp_path / "copy" / "config.json").write_text(json.dumps({**written, **config}), encoding="utf-8")
        return tmp_path / "copy"

    return make


@pytest.mark.parametrize("engine", installed())
def test_engines_part_nowhere(exact: Any, engine: str) -> None:
    found = trace(engine=engine).compare(exact, attentions=True)
    assert found.agrees
    assert found.first is None
    assert found.told().startswith("They agree at every stage; the largest difference is")
    names = [stage.name for stage in found.stages]
    layers = [name for number in range(6) for name in (f"attention of layer {number}", f"layer {number}")]
    assert names == ["tokens", "ids", "embeddings", *layers, "logits", "answer"]


def test_a_run_is_the_same_as_itself(exact: Any) -> None:
    assert exact.compare(exact, absolute=0.0, relative=0.0).told() == "They are the same at every stage."


@pytest.mark.parametrize("layer", [0, 2, 5])
def test_a_changed_layer_is_named(exact: Any, changed: Callable[..., Path], layer: int) -> None:
    name = f"bert.encoder.layer.{layer}.output.dense.bias"

    def change(bias: Any) -> Any:
        bias = bias.copy()
        bias[7] += np.float32(0.5).astype(bias.dtype)
        return bias

    found = trace(changed({name: change})).compare(exact)
    assert found.first is not None
    assert found.first.name == f"layer {layer}"
    assert [one.is_same for one in found.stages[: layer + 3]] == [True] * (layer + 3)
    assert f"They part in layer {layer}: by " in found.told()


@pytest.mark.parametrize(
    ("config", "first"), [({"hidden_act": "gelu_new"}, "layer 0"), ({"layer_norm_eps": 1e-2}, "embeddings")]
)
def test_another_function_is_found(exact: Any, changed: Callable[..., Path], config: Any, first: str) -> None:
    found = trace(changed(**config)).compare(exact, absolute=1e-5, relative=1e-5)
    assert found.first is not None
    assert found.first.name == first


def test_other_tokens_part_first(exact: Any) -> None:
    found = trace(text="what a dull film").compare(exact)
    assert found.first is not None
    assert (found.first.name, found.first.where, found.first.values) == ("tokens", "token 2", ("a", "an"))
    assert "can't be laid side by side" in str(found)


def test_fewer_layers_are_told(exact: Any, changed: Callable[..., Path]) -> None:
    found = trace(changed(num_hidden_layers=4)).compare(exact)
    assert found.first is not None
    assert found.first.name == "layer 4"
    assert "4 and 6 layers" in found.told()


def test_the_bar_follows_the_coarser_precision_and_can_be_set(exact: Any) -> None:
    # Where the processor has no bfloat16, OpenVINO computes in float32 instead, which is not NumPy's either.
    rough = trace(engine="openvino", dtype="bfloat16")
    assert rough.compare(exact).absolute == exact.compare(rough).absolute == 0.2
    strict = rough.compare(exact, absolute=1e-6, relative=0.0)
    assert not strict.agrees
    assert strict.absolute == 1e-6
    for bar in (-1.0, float("nan"), "a", True):
        with pytest.raises(InputError, match="must be a number, 0 or more"):
            rough.compare(exact, absolute=bar)


def test_every_form_tells_the_same(exact: Any, changed: Callable[..., Path]) -> None:
    found = trace(changed({"classifier.bias": lambda bias: bias + np.float16(1)})).compare(exact)
    lines = found.to_text(width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in str(found)
    assert "\x1b[31m" in found.to_text(colours=True)
    data = json.loads(found.to_json())
    assert data["first"] == "logits"
    assert not data["agrees"]
    assert data["told"] in found.to_markdown()
    assert [stage["name"] for stage in data["stages"]] == [stage.name for stage in found.stages]
    assert "<td>logits</td><td>parts</td>" in found._repr_html_()


@given(
    one=st.lists(st.floats(width=32), min_size=1, max_size=6),
    other=st.lists(st.floats(width=32), min_size=1, max_size=6),
)
def test_any_numbers_can_be_compared(one: list[float], other: list[float]) -> None:
    found = _numbers("x", np.array(one), np.array(other), (0.0, 0.0), str)
    same = len(one) == len(other) and all(a == b or (a != a and b != b) for a, b in zip(one, other, strict=True))
    assert found.is_same == same


@pytest.mark.reference
@needs_reference
@pytest.mark.parametrize(
    ("task", "item"),
    [
        ("text-classification", TEXT),
        ("feature-extraction", "one"),
        ("zero-shot-classification", TEXT),
        ("text-pair", {"text": "one film", "text_pair": "another"}),
    ],
)
def test_transformers_is_the_other_side(task: str, item: Any) -> None:
    arguments: dict[str, Any] = {"candidate_labels": ["good", "bad"]} if task.startswith("zero") else {}
    if task == "zero-shot-classification":
        pytest.importorskip("torch")
        arguments["hypothesis_template"] = "this is {}"
    found = pipeline(task, "builtin", engine="openvino", **arguments).trace(item).compare("transformers")
    assert found.agrees, str(found)
    assert "transformers" in found.other
    assert len(found.stages) >= 9


@pytest.mark.reference
@needs_reference
def test_a_pipeline_and_a_model_of_transformers_are_the_other_side(changed: Callable[..., Path]) -> None:
    import transformers

    ours = trace(engine="torch")
    theirs = transformers.pipeline("text-classification", str(BUILTIN), dtype="float32")
    assert ours.compare(theirs, attentions=True).agrees
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        str(changed({"bert.encoder.layer.1.attention.self.value.bias": lambda bias: bias + np.float16(1)}))
    ).float()
    found = ours.compare(model, tokenizer=theirs.tokenizer)
    assert found.first is not None
    assert found.first.name == "layer 1"
    with pytest.raises(InputError, match="together with its tokenizer"):
        ours.compare(model)


def test_what_is_no_side_is_refused(exact: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputTypeError, match="got int"):
        exact.compare(3)
    with pytest.raises(InputError, match="not with 'torch'"):
        exact.compare("torch")
    monkeypatch.setattr(reference, "has_transformers", lambda: False)
    with pytest.raises(EngineNotInstalledError, match="pip install transformers torch"):
        exact.compare("transformers")


def test_lines_are_no_longer_than_the_terminal(exact: Any) -> None:
    found = trace(text="word " * 200).compare(exact)
    for width in (80, 48):
        assert max(map(len, found.to_text(width=width).splitlines())) <= width


def test_tokens_are_no_markup(exact: Any) -> None:
    told = trace(text="What <b> | *an*").compare(exact).to_markdown().splitlines()[-1]
    assert "&lt;" in told
