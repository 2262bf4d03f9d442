"""int8: what is rounded and how, what is written, and which precision is picked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import pellucid
from pellucid import pipeline, quantize
from pellucid.checkpoints.roundings import FILENAME, Rounding, measured_of
from pellucid.cli import main
from pellucid.engines import kernels_library, processor
from pellucid.engines.int8 import FEW_WEIGHT_STEPS, WEIGHT_STEPS, WeightSteps, quantized_weight
from pellucid.errors import ConfigError, InputError, InputTypeError, UnsupportedDtypeError
from pellucid.packing import pack
from pellucid.quantization import choosing
from pellucid.quantization.agreement import agreement
from pellucid.quantization.rounding import best_rounding, ends, nearest, stepped
from support.tiny import WORDS, pellucid_checkpoint

openvino = pytest.importorskip("pellucid.engines.openvino", exc_type=ImportError)
openvino_program = pytest.importorskip("pellucid.engines.openvino_program", exc_type=ImportError)
openvino_int8 = pytest.importorskip("pellucid.engines.openvino_int8", exc_type=ImportError)

SENTENCES = ["the movie was {}", "i {} this film", "not {} , not at all !", "{} ?", "what a {} film was it , very {}"]
TEXTS = [sentence.replace("{}", word) for sentence in SENTENCES for word in WORDS[-20:]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder in int8, made of the builtin checkpoint, and its report."""
    folder = tmp_path_factory.mktemp("int8") / "made"
    return folder, quantize(pipeline("text-classification", "builtin", engine="openvino"), TEXTS, folder)


def test_the_answers_are_those_of_float32(made: tuple[Path, Any]) -> None:
    folder, report = made
    assert report.reaches_bar
    assert report.precisions["float32"] == {"agreement": 1.0, "largest_difference": 0.0, "times_float32": 1.0}
    assert 0 < report.precisions["int8"]["largest_difference"] < 0.35
    assert report.maps > 20
    exact = pipeline("text-classification", "builtin", engine="openvino", top_k=None)
    whole = pipeline("text-classification", str(folder), engine="openvino", dtype="int8", top_k=None)
    found = agreement(exact.outputs(TEXTS), whole.outputs(TEXTS))
    assert found.share >= 0.98
    assert found.decisions == len(TEXTS)
    assert 0 < found.difference < 0.4


def test_every_library_reads_the_folder(made: tuple[Path, Any]) -> None:
    text = "what a film"
    assert pipeline("text-classification", str(made[0]), engine="numpy")(text) == pipeline(
        "text-classification", "builtin", engine="numpy"
    )(text)


@pytest.mark.parametrize("family", ["bert", "deberta-v2", "modernbert", "mobilebert", "albert", "electra", "deberta"])
def test_families_compute_in_int8(tmp_path: Path, family: str) -> None:
    pellucid_checkpoint(tmp_path / "exact", family, "ForSequenceClassification", num_labels=3)
    pellucid_checkpoint(tmp_path / "bert", "bert", "ForSequenceClassification")
    pipe = pipeline(
        "text-classification", str(tmp_path / "exact"), tokenizer=str(tmp_path / "bert"), engine="openvino", top_k=None
    )
    report = quantize(pipe, TEXTS, tmp_path / "made", agreement=0.5)
    assert report.reaches_bar
    assert report.maps
    (answer,) = pipeline("text-classification", str(tmp_path / "made"), engine="openvino", dtype="int8")(["good"])
    assert answer["label"].startswith("LABEL_")


def test_vectors_keep_the_rules_of_their_checkpoint(minilm: Path, tmp_path: Path) -> None:
    exact = pipeline("sentence-embedding", str(minilm), engine="openvino")
    report = quantize(exact, TEXTS, tmp_path / "made")
    assert (tmp_path / "made" / "1_Pooling" / "config.json").exists()
    vectors = np.asarray(
        pipeline("sentence-embedding", str(tmp_path / "made"), engine="openvino", dtype="int8")(TEXTS[:9])
    )
    assert np.allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-3)
    assert (vectors * np.asarray(exact(TEXTS[:9]))).sum(-1).min() > 0.97
    assert report.precisions["int8"]["agreement"] > 0.98


@pytest.mark.parametrize("features", [frozenset(), frozenset({"amx_int8"})])
@pytest.mark.parametrize("steps", [None, FEW_WEIGHT_STEPS])
def test_a_linear_map_in_int8_is_the_product_of_the_rounded(
    monkeypatch: pytest.MonkeyPatch, steps: WeightSteps | None, features: frozenset[str]
) -> None:
    monkeypatch.setattr(processor, "features", lambda: features)
    if steps is not None:
        monkeypatch.setattr(openvino_int8, "weight_steps", lambda: steps)
    random = np.random.default_rng(0)
    table, weight = random.standard_normal((50, 64), np.float32), random.standard_normal((32, 64), np.float32)
    bias = random.standard_normal(32, np.float32)
    _, rounding = best_rounding(table, np.abs(table).max(0), [weight])
    assert rounding.scale.std() > 0

    def forward(ops: Any, w: Any, inputs: Any) -> dict[str, Any]:
        x = ops.embedding((w / "table")("weight", 50, 64), inputs.ids)
        return {"y": ops.linear(x, (w / "map")("weight", 32, 64), (w / "map")("bias", 32))}

    from pellucid.checkpoints.stored import StoredTensor

    parameters = {
        name: StoredTensor.from_array(name, array)
        for name, array in (("table.weight", table), ("map.weight", weight), ("map.bias", bias))
    }
    program = openvino.build(forward, parameters, dtype="int8", roundings={"map": rounding})
    found = program(pack([list(range(50))])).outputs["y"]
    small = stepped(table / rounding.scale, rounding.low, rounding.high)
    expected = small @ nearest(weight * rounding.scale, openvino_int8.weight_steps()).T + bias
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()
    exact = table @ weight.T + bias
    assert np.abs(expected - exact).max() < 0.05 * np.abs(exact).max()


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_a_range_has_a_step_that_is_zero(one: float, other: float) -> None:
    low, high = ends(min(one, other), max(one, other))
    assert low <= 0 <= high
    assert low < high
    zero = stepped(np.zeros(1, np.float32), low, high)
    assert abs(zero[0]) <= 1e-5 * (high - low)


@given(arrays.arrays(np.float32, (5, 7), elements=st.floats(-100, 100, width=32)))
def test_a_rounded_weight_is_half_a_step_away_at_most(weight: Any) -> None:
    step = np.abs(weight).max(axis=1, keepdims=True) / 127
    assert (np.abs(nearest(weight) - weight) <= step * 0.501 + 1e-6).all()


@given(arrays.arrays(np.float32, (5, 7), elements=st.floats(-100, 100, width=32)))
def test_few_steps_leave_room_for_two_products_in_16_bits(weight: Any) -> None:
    numbers, step = quantized_weight(weight, FEW_WEIGHT_STEPS)
    assert 2 * 255 * np.abs(numbers.astype(int)).max() < 2**15
    assert (np.abs(numbers * step - weight) <= step * 0.501 + 1e-6).all()


@given(
    arrays.arrays(np.float32, (3, 29), elements=st.floats(-100, 100, width=32)), st.sampled_from([2, 4, 6, 8]),
    st.lists(st.booleans(), min_size=29, max_size=29),
)  # fmt: skip
def test_weights_leave_room_for_so_many_products_in_16_bits(weight: Any, added: int, are_large: list[bool]) -> None:
    steps = WeightSteps(127 if added == 2 else 255, added)
    numbers, step = quantized_weight(weight, steps)
    assert (np.abs(numbers * step - weight) <= step * 0.501 + 1e-6).all()
    groups = np.pad(numbers.astype(int), ((0, 0), (0, 3))).reshape(3, -1, 2, 2)
    for first in range(0, 8, added // 2):
        for half in range(2):
            together = groups[:, first : first + added // 2, half].reshape(3, -1)
            of_inputs = together * np.resize(are_large, together.shape[1]) * 255
            ends_of_sums = [255 * of_one_sign(together, 0).sum(axis=1) for of_one_sign in (np.maximum, np.minimum)]
            for sums in (of_inputs.sum(axis=1), *ends_of_sums):
                assert (np.abs(sums) < 2**15).all()


def test_a_processor_whose_products_overflow_has_few_steps(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for is_exact, steps in ((True, WEIGHT_STEPS), (False, FEW_WEIGHT_STEPS)):
        monkeypatch.setattr(openvino_int8, "_largest_products_are_exact", lambda is_exact=is_exact: is_exact)
        assert openvino_int8.weight_steps.__wrapped__() == steps
        assert ("weights have 127 steps here" in caplog.text) != is_exact


@pytest.mark.parametrize("other", [{"weight_steps": 63}, {"added_in_16_bits": 10}])
def test_a_measure_with_other_steps_leaves_int8_out(
    made: tuple[Path, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture, other: dict[str, int]
) -> None:
    for file in made[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = json.loads((tmp_path / FILENAME).read_text())
    content["agreement"] = {name: {"agreement": 1.0, "times_float32": 2.0} for name in ("float32", "int8")}
    content["agreement"]["float32"]["times_float32"] = 1.0
    content.update(other)
    (tmp_path / FILENAME).write_text(json.dumps(content))
    pipe = pipeline("text-classification", str(tmp_path), engine="openvino", dtype="auto-fast")
    assert pipe.model.runner.dtype == "float32"
    assert "leaves int8 out" in caplog.text


@pytest.mark.parametrize(("number", "added"), [(255, 0), (127, 2)])
def test_older_measures_tell_by_their_steps_what_was_added_up(
    made: tuple[Path, Any], tmp_path: Path, number: int, added: int
) -> None:
    for file in made[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = json.loads((tmp_path / FILENAME).read_text())
    del content["added_in_16_bits"]
    (tmp_path / FILENAME).write_text(json.dumps({**content, "weight_steps": number}))
    measured = measured_of(pipeline("text-classification", str(tmp_path)).model.checkpoint)
    assert measured is not None
    assert (measured.weight_steps, measured.added_in_16_bits) == (number, added)


def test_evening_channels_out_helps_where_one_is_large() -> None:
    random = np.random.default_rng(0)
    rows, weight = random.standard_normal((200, 64), np.float32), random.standard_normal((32, 64), np.float32)
    error, _ = best_rounding(rows, np.abs(rows).max(0), [weight])
    rows[:, 3] *= 100
    weight[:, 3] /= 100
    uneven, rounding = best_rounding(rows, np.abs(rows).max(0), [weight])
    assert rounding.scale[3] > 5 * np.median(rounding.scale)
    assert uneven < 3 * error


def test_what_int8_needs_is_told(tmp_path: Path, made: tuple[Path, Any]) -> None:
    with pytest.raises(UnsupportedDtypeError, match=rf"no {FILENAME}.*pellucid quantize"):
        pipeline("text-classification", "builtin", engine="openvino", dtype="int8")
    with pytest.raises(UnsupportedDtypeError, match="'numpy' does not compute in 'int8'"):
        pipeline("text-classification", str(made[0]), engine="numpy", dtype="int8")
    with pytest.raises(UnsupportedDtypeError, match="computes on 'numpy'"):
        quantize(pipeline("text-classification", "builtin", engine="numpy"), TEXTS, tmp_path / "x")
    with pytest.raises(InputError, match="has 3 texts, and at least 32"):
        quantize(pipeline("text-classification", "builtin", engine="openvino"), TEXTS[:3], tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content | {"format": 99},
        lambda content: content | {"inputs": [content["inputs"][0] | {"low": 5, "high": 1}]},
        lambda content: content | {"inputs": [content["inputs"][0] | {"scale": [0.0]}]},
        lambda content: content | {"inputs": [{}]},
        lambda content: [content],
        lambda content: content | {"inputs": [content["inputs"][0] | {"scale": [1.0]}]},
    ],
)
def test_a_damaged_file_is_told(made: tuple[Path, Any], tmp_path: Path, damage: Any) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for file in made[0].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    content = json.loads((folder / FILENAME).read_text())
    (folder / FILENAME).write_text(json.dumps(damage(content)))
    with pytest.raises(ConfigError, match="Make it again by `pellucid quantize`"):
        pipeline("text-classification", str(folder), engine="openvino", dtype="int8")


def test_the_fastest_precision_is_picked_and_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {"float32": 1.0, "bfloat16": 0.5, "int8": 0.25}
    monkeypatch.setattr(choosing, "seconds", lambda pipes, texts: [times[pipe.model.runner.dtype] for pipe in pipes])
    pipe = pipeline("text-classification", "builtin", engine="openvino", dtype="auto-fast", sample=TEXTS)
    assert pipe.model.runner.dtype == "int8"
    assert "picked int8" in caplog.text
    assert "4.00 times" in caplog.text
    assert pipe("good")[0]["label"] == "POSITIVE"
    times["int8"] = 2.0
    pipe = pipeline("text-classification", "builtin", engine="openvino", dtype="auto-fast", sample=TEXTS)
    assert pipe.model.runner.dtype == "bfloat16"
    times["bfloat16"] = 2.0
    pipe = pipeline("text-classification", "builtin", engine="openvino", dtype="auto-fast", sample=TEXTS)
    assert pipe.model.runner.dtype == "float32"


def test_a_stored_measure_is_a_sample(
    made: tuple[Path, Any], caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.loads((made[0] / FILENAME).read_text())
    for file in made[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for times, dtype in ((9.0, "int8"), (0.1, "bfloat16")):
        content["agreement"]["int8"]["times_float32"] = times
        content["agreement"]["bfloat16"] = {"agreement": 1.0, "times_float32": 1.5}
        (tmp_path / FILENAME).write_text(json.dumps(content))
        pipe = pipeline("text-classification", str(tmp_path), engine="openvino", dtype="auto-fast")
        assert pipe.model.runner.dtype == dtype
        assert f"picked {dtype}" in caplog.text
        assert pipe(["good"])[0]["label"] == "POSITIVE"


def test_a_choice_without_a_measure_is_refused() -> None:
    with pytest.raises(InputError, match="Pass `sample=`"):
        pipeline("text-classification", "builtin", engine="openvino", dtype="auto-fast")
    with pytest.raises(InputTypeError, match="list of texts"):
        pipeline("text-classification", "builtin", engine="openvino", dtype="auto-fast", sample="good")
    with pytest.raises(InputError, match=r"`agreement=2` must be a share"):
        pipeline("text-classification", "builtin", engine="openvino", dtype="auto-fast", sample=TEXTS, agreement=2)
    with pytest.raises(InputError, match="`sample` chooses a precision"):
        pipeline("text-classification", "builtin", engine="openvino", sample=TEXTS)


@pytest.mark.parametrize(("count", "learnt"), [(32, 16), (33, 17), (1024, 512), (1500, 512)])
def test_what_is_learnt_from_is_not_measured(count: int, learnt: int) -> None:
    texts = [str(number) for number in range(count)]
    seen, measured = choosing.check_sample(texts, 0.995)
    assert len(seen) == learnt
    assert sorted(seen + measured, key=int) == texts
    # Lists may be sorted by length; neither half has the short ones alone.
    assert abs(np.mean(list(map(int, seen[:100]))) - np.mean(list(map(int, measured[:100])))) < 2


@pytest.mark.parametrize(("count", "expected"), [(5, 5), (10, 10), (11, 6), (100, 10)])
def test_a_part_of_a_list_is_from_all_of_it(count: int, expected: int) -> None:
    part = choosing.spread(list(range(count)), 10)
    assert len(part) == expected
    assert part[0] == 0
    assert part[-1] >= count - count / 5


def test_agreement_counts_decisions() -> None:
    exact = [{"logits": np.array([1.0, 0.0])}, {"logits": np.array([0.0, 1.0])}]
    found = [{"logits": np.array([0.0, 1.0])}, {"logits": np.array([0.0, 1.0])}]
    assert agreement(exact, found).share == 0.5
    assert agreement(exact, found).difference == pytest.approx(0.4621, abs=1e-4)
    spans = [{"start_logits": np.array([[0.0], [3.0], [1.0]])}]
    moved = [{"start_logits": np.array([[0.0], [3.0], [5.0]])}]
    assert agreement(spans, spans).share == 1
    assert agreement(spans, moved).share == 0
    vectors = [{"last_hidden_state": np.array([[1.0, 0.0], [0.0, 2.0]])}]
    turned = [{"last_hidden_state": np.array([[0.0, 1.0], [0.0, 1.0]])}]
    assert agreement(vectors, turned).share == 0.5
    assert agreement([{"logits": np.array([2.0])}], [{"logits": np.array([-2.0])}]).share == 0
    assert agreement([{"logits": np.zeros((0, 9))}], [{"logits": np.zeros((0, 9))}]).decisions == 0


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join([*TEXTS, "", "  "]))
    words = [
        "quantize",
        "builtin",
        "--task",
        "sentiment-analysis",
        "--texts",
        str(texts),
        "--output",
        str(tmp_path / "a"),
    ]
    assert main([*words, "--count", "80"]) == 0
    shown = capsys.readouterr().out
    assert "40 decisions on 40 texts" in shown
    assert "int8" in shown
    assert f"--model {tmp_path / 'a'} --dtype int8" in shown
    assert main(["run", "sentiment-analysis", "--model", str(tmp_path / "a"), "--dtype", "int8", "good"]) == 0
    capsys.readouterr()
    assert main([*words, "--json", "--agreement", "1"]) in (0, 3)
    found = json.loads(capsys.readouterr().out)
    assert found["reaches_bar"] == (found["precisions"]["int8"]["agreement"] == 1)
    assert main([*words[:-2], "--output", str(tmp_path / "b"), "--count", "5"]) == 1
    assert "at least 32" in capsys.readouterr().err


def test_names_are_public() -> None:
    assert pellucid.quantize is quantize
    assert Rounding.__doc__


def test_where_openvino_has_no_bfloat16_it_computes_in_float32_and_says_so(
    made: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(openvino_program, "has_bfloat16", lambda: False)
    monkeypatch.setattr(kernels_library, "INSTRUCTIONS", ())
    openvino_program._say_that_there_is_no_bfloat16.cache_clear()
    pipeline("text-classification", str(made[0]), engine="openvino", dtype="int8")(TEXTS[:3])
    assert "no units for bfloat16" not in caplog.text
    exact = pipeline("text-classification", "builtin", engine="openvino")
    assert exact.in_precision("bfloat16")(TEXTS) == exact(TEXTS)
    assert "no units for bfloat16" in caplog.text


def test_a_stored_measure_that_reaches_no_bar_leaves_float32(made: tuple[Path, Any], tmp_path: Path) -> None:
    for file in made[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = json.loads((tmp_path / FILENAME).read_text())
    for dtype in content["agreement"]:
        content["agreement"][dtype]["agreement"] = 0.5
    (tmp_path / FILENAME).write_text(json.dumps(content))
    pipe = pipeline("text-classification", str(tmp_path), engine="openvino", dtype="auto-fast")
    assert pipe.model.runner.dtype == "float32"
    for damage in ({}, {"agreement": 3}, {"agreement": {"int8": {}}}, {"agreement": {"int8": {"agreement": "x"}}}):
        (tmp_path / FILENAME).write_text(json.dumps({"format": 1, **damage}))
        with pytest.raises(ConfigError, match="Make it again by `pellucid quantize`"):
            pipeline("text-classification", str(tmp_path), engine="openvino", dtype="auto-fast")


def test_modules_of_pytorch_are_of_one_precision() -> None:
    pytest.importorskip("torch")
    with pytest.raises(UnsupportedDtypeError, match="computes in .*float32 alone"):
        pipeline("text-classification", "builtin", engine="torch", dtype="auto-fast", sample=TEXTS)


def test_the_class_of_the_pipeline_stays(caplog: pytest.LogCaptureFixture) -> None:
    class Own(pellucid.Pipeline):
        pass

    pipe = pipeline(
        "text-classification", "builtin", engine="openvino", dtype="auto-fast", sample=TEXTS, pipeline_class=Own
    )
    assert type(pipe) is Own
    assert type(pipe.in_precision("float32")) is Own


def test_layers_behind_the_encoder_are_saved_in_either_form(minilm: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(minilm, tmp_path / "given")
    modules = json.loads((tmp_path / "given" / "modules.json").read_text())
    modules.insert(2, {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (tmp_path / "given" / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "given" / "2_Dense").mkdir()
    (tmp_path / "given" / "2_Dense" / "pytorch_model.bin").write_bytes(b"weights")
    model = pellucid.AutoModel.from_pretrained(tmp_path / "given", engine="numpy")
    from pellucid.checkpoints.sidecars import Sidecars

    files = Sidecars(model.checkpoint).files()
    assert files["2_Dense/pytorch_model.bin"] == b"weights"
    assert {"modules.json", "1_Pooling/config.json"} <= set(files)
