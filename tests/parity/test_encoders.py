"""Every family and head against `transformers`: hidden states, attentions, logits, on every engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from parity.conftest import Note
from pellucid.engines import ENGINES, installed
from support.tiny import PADDING_IS_ZEROS, SIZES, SUFFIXES, reference_model, takes_types

INSTALLED = installed()

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = [
    pytest.mark.reference,
    # Of the reference's own DeBERTa.
    pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning"),
]

FAMILIES = tuple(SIZES)
HEADS = [(family, suffix) for family in FAMILIES for suffix in SUFFIXES[family]]
BY_DISTANCE = ("deberta", "deberta-v2", "mobilebert", "modernbert", "mpnet")
PER_TOKEN = ("last_hidden_state", "hidden_states", "start_logits", "end_logits")
LENGTHS = (11, 3, 7, 1)
ALL = {"output_hidden_states": True, "output_attentions": True}

TOLERANCE = {"float32": {"rtol": 1e-4, "atol": 1e-5}, "float64": {"rtol": 0, "atol": 1e-10}}

IN_FLOAT32 = ("deberta", "esm", "modernbert")
"""Families whose reference computes some steps in float32, whatever precision it is asked for; or, of ESM, whose angles
are float32 here."""

ENGINE_DTYPES = [(engine, dtype) for engine in INSTALLED for dtype in ENGINES[engine].dtypes if dtype in TOLERANCE]


def batch(family: str) -> dict[str, Any]:
    """Four rows of unequal lengths; the first has its padding on the left."""
    generator = torch.Generator().manual_seed(5)
    shape = (len(LENGTHS), max(LENGTHS) + 2)
    ids = torch.randint(1, SIZES[family]["vocab_size"], shape, generator=generator)
    # With a mask in it the reference's ESM counts padding to a text; see tests/parity/test_esm.py.
    ids[ids == SIZES[family].get("mask_token_id")] += 1
    mask = torch.zeros_like(ids)
    for row, length in enumerate(LENGTHS):
        mask[row, :length] = 1
    mask[0] = mask[0].flip(0)
    inputs = {"input_ids": ids, "attention_mask": mask}
    if takes_types(family):
        inputs["token_type_ids"] = torch.randint(0, 2, shape, generator=generator)
    return inputs


def without_holes(family: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The batch without what a family and its reference see differently."""
    if family in BY_DISTANCE:
        # Holes between tokens are closed here, so they would stand nearer to each other than in the reference.
        inputs["attention_mask"][0] = inputs["attention_mask"][0].sort(descending=True).values
    return padded_by_padding(family, inputs)


def padded_by_padding(family: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The batch with the id of padding where there is padding, for families whose reference looks at it."""
    if family in PADDING_IS_ZEROS:
        inputs["input_ids"] = inputs["input_ids"] * inputs["attention_mask"]
    return inputs


def both(
    tmp_path: Path, family: str, suffix: str, engine: str, dtype: str, inputs: dict[str, Any], **changes: Any
) -> tuple[Any, Any]:
    """The reference's output, and ours from the checkpoint that it saved."""
    if dtype == "float64" and family in IN_FLOAT32:
        pytest.skip("some of it is in float32")
    reference = reference_model(family, suffix, **changes)
    reference.save_pretrained(tmp_path)
    if dtype == "float64":
        reference = reference.double()
    with torch.no_grad():
        expected = reference(**inputs, **ALL)
    model_class = getattr(pellucid, type(reference).__name__)
    model = model_class.from_pretrained(tmp_path, engine=engine, dtype=dtype)
    return expected, model(**{name: value.numpy() for name, value in inputs.items()}, **ALL)


def assert_same_at_tokens(expected: Any, output: Any, mask: Any, dtype: str) -> float:
    """Compare all outputs at real tokens; the largest difference, as a part of what is allowed."""
    largest = 0.0
    allowed = TOLERANCE[dtype]
    assert list(output.keys()) == list(expected.keys())
    is_token = mask.numpy().astype(bool)
    for name, value in output.items():
        for ours, theirs in zip(*((v if isinstance(v, tuple) else (v,)) for v in (value, expected[name])), strict=True):
            theirs = theirs.numpy()
            assert ours.shape == theirs.shape
            assert ours.dtype == np.dtype(dtype)
            if name == "attentions":
                ours, theirs = np.moveaxis(ours, 1, 2)[is_token], np.moveaxis(theirs, 1, 2)[is_token]
            elif name in PER_TOKEN or (name == "logits" and ours.shape[:2] == is_token.shape):
                assert (ours[~is_token] == 0).all(), "padding is zeros"
                ours, theirs = ours[is_token], theirs[is_token]
            np.testing.assert_allclose(ours, theirs, **allowed, err_msg=name)
            if ours.size:
                parts = np.abs(ours - theirs) / (allowed["atol"] + allowed["rtol"] * np.abs(theirs))
                largest = max(largest, float(parts.max()))
    return largest


@pytest.mark.parametrize(("engine", "dtype"), ENGINE_DTYPES)
@pytest.mark.parametrize(("family", "suffix"), HEADS)
def test_a_padded_batch_gives_the_numbers_of_the_reference(
    tmp_path: Path, family: str, suffix: str, engine: str, dtype: str, note: Note
) -> None:
    inputs = batch(family)
    # Pooling reads the first column, which must be a token of its row in both.
    inputs["attention_mask"][:, 0] = 1
    inputs = without_holes(family, inputs)
    rectangles = inputs if suffix != "ForMultipleChoice" else {n: v.view(2, 2, -1) for n, v in inputs.items()}
    expected, output = both(tmp_path, family, suffix, engine, dtype, rectangles)
    difference = assert_same_at_tokens(expected, output, inputs["attention_mask"], dtype)
    if dtype == "float32":
        note(family, suffix, engine, difference)


@pytest.mark.parametrize(("engine", "dtype"), ENGINE_DTYPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_mask_padding_counts_as_in_the_reference(
    tmp_path: Path, family: str, engine: str, dtype: str
) -> None:
    inputs = {"input_ids": batch(family)["input_ids"]}
    expected, output = both(tmp_path, family, "ForSequenceClassification", engine, dtype, inputs)
    assert_same_at_tokens(expected, output, torch.ones_like(inputs["input_ids"]), dtype)


@pytest.mark.parametrize(("engine", "dtype"), ENGINE_DTYPES)
@pytest.mark.parametrize("family", FAMILIES)
def test_hidden_states_are_the_same_where_padding_stands_on_the_left(
    tmp_path: Path, family: str, engine: str, dtype: str
) -> None:
    inputs = padded_by_padding(family, batch(family))
    expected, output = both(tmp_path, family, "Model", engine, dtype, inputs)
    is_token = inputs["attention_mask"].numpy().astype(bool)
    np.testing.assert_allclose(
        output.last_hidden_state[is_token], expected.last_hidden_state.numpy()[is_token], **TOLERANCE[dtype]
    )


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("bert", {"hidden_act": "gelu_new"}),
        ("bert", {"hidden_act": "relu"}),
        ("bert", {"hidden_act": "silu"}),
        ("bert", {"hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 0.5}),
        ("bert", {"num_labels": 5, "type_vocab_size": 1}),
        ("bert", {"num_hidden_layers": 1, "num_attention_heads": 1}),
        ("distilbert", {"activation": "relu"}),
        ("distilbert", {"num_labels": 1, "sinusoidal_pos_embds": True}),
    ],
    ids=str,
)
def test_what_the_config_says_is_what_is_computed(
    tmp_path: Path, family: str, changes: dict[str, Any], engine: str
) -> None:
    inputs = batch(family)
    inputs["attention_mask"][:, 0] = 1
    if changes.get("type_vocab_size") == 1:
        inputs["token_type_ids"] = torch.zeros_like(inputs["input_ids"])
    expected, output = both(tmp_path, family, "ForSequenceClassification", engine, "float32", inputs, **changes)
    assert_same_at_tokens(expected, output, inputs["attention_mask"], "float32")


@pytest.mark.parametrize("engine", INSTALLED)
def test_position_ids_are_taken_as_given(tmp_path: Path, engine: str) -> None:
    inputs = batch("bert")
    inputs["attention_mask"][:, 0] = 1
    inputs["position_ids"] = torch.arange(inputs["input_ids"].shape[1]).flip(0)[None]
    expected, output = both(tmp_path, "bert", "Model", engine, "float32", inputs)
    assert_same_at_tokens(expected, output, inputs["attention_mask"], "float32")


@pytest.mark.parametrize("stored", ["float16", "bfloat16"])
@pytest.mark.parametrize("engine", INSTALLED)
def test_half_precision_checkpoints_are_widened_exactly(tmp_path: Path, stored: str, engine: str) -> None:
    reference = reference_model("bert", "ForSequenceClassification").to(getattr(torch, stored))
    reference.save_pretrained(tmp_path)
    inputs = batch("bert")
    inputs["attention_mask"][:, 0] = 1
    with torch.no_grad():
        expected = reference.float()(**inputs, **ALL)
    model = pellucid.AutoModelForSequenceClassification.from_pretrained(tmp_path, engine=engine)
    output = model(**{name: value.numpy() for name, value in inputs.items()}, **ALL)
    assert_same_at_tokens(expected, output, inputs["attention_mask"], "float32")


@pytest.mark.parametrize("prefixed", [True, False], ids=["with the prefix", "without it"])
@pytest.mark.parametrize("engine", INSTALLED)
def test_old_names_of_layer_norms_load(tmp_path: Path, engine: str, prefixed: bool) -> None:
    from safetensors.torch import save_file

    suffix = "ForSequenceClassification" if prefixed else "Model"
    reference = reference_model("bert", suffix)
    reference.config.save_pretrained(tmp_path)
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in reference.state_dict().items()
    }
    assert any(name.endswith("gamma") for name in old)
    assert all(name.startswith(("bert.", "classifier.")) == prefixed for name in old)
    save_file(old, tmp_path / "model.safetensors", metadata={"format": "pt"})
    inputs = batch("bert")
    inputs["attention_mask"][:, 0] = 1
    with torch.no_grad():
        expected = reference(**inputs, **ALL)
    model, report = getattr(pellucid, f"Bert{suffix}").from_pretrained(
        tmp_path, engine=engine, output_loading_info=True
    )
    assert not report.unused
    assert not report.missing
    output = model(**{name: value.numpy() for name, value in inputs.items()}, **ALL)
    assert_same_at_tokens(expected, output, inputs["attention_mask"], "float32")


@pytest.mark.minilm
@pytest.mark.parametrize(("engine", "dtype"), ENGINE_DTYPES)
def test_minilm_gives_the_numbers_of_the_reference(minilm: Path, engine: str, dtype: str) -> None:
    from transformers import AutoModel, AutoTokenizer

    texts = [
        "I've been waiting for a HuggingFace course my whole life.",
        "So have I!",
        "Ünïcödé – 東京, naïve café; 3.14 % of them. " * 6,
        "a",
    ]
    reference = AutoModel.from_pretrained(minilm, attn_implementation="eager").to(getattr(torch, dtype)).eval()
    inputs = AutoTokenizer.from_pretrained(minilm)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = reference(**inputs, **ALL)
    model = pellucid.AutoModel.from_pretrained(minilm, engine=engine, dtype=dtype)
    ours = pellucid.AutoTokenizer.from_pretrained(minilm)(texts, padding=True, return_tensors="np")
    output = model(**ours, **ALL)
    is_token = inputs["attention_mask"].numpy().astype(bool)
    atol = 1e-4 if dtype == "float32" else 1e-10
    for layer, (mine, theirs) in enumerate(zip(output.hidden_states, expected.hidden_states, strict=True)):
        difference = np.abs(mine[is_token] - theirs.numpy()[is_token]).max()
        assert difference < atol, f"layer {layer}"
    assert np.abs(output.pooler_output - expected.pooler_output.numpy()).max() < atol
