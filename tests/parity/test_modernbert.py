"""ModernBERT against `transformers`: hidden states and attentions, on every engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.architectures.modernbert import FAMILY, ModernBertConfig
from pellucid.engines import installed
from pellucid.errors import UnsupportedConfigError
from support.encoders import ENGINE_DTYPES, assert_same_numbers, our_outputs, padded_batch, tiny_reference

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = [
    pytest.mark.reference,
    # Parts of the reference are scripted, which PyTorch has grown out of.
    pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning"),
]

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "max_position_embeddings": 40,
    "local_attention": 6,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "cls_token_id": 1,
    "eos_token_id": 2,
    "sep_token_id": 2,
}


def reference(**changes: Any) -> Any:
    config = transformers.ModernBertConfig(**{**SIZES, "attn_implementation": "eager", **changes})
    # With larger weights both would be as far from float64 as the bar is wide.
    return tiny_reference(config, "ModernBertModel", scale=0.2)


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize("on_the_left", [False, True])
def test_a_padded_batch_gives_the_numbers_of_the_reference(tmp_path: Path, engine: str, on_the_left: bool) -> None:
    inputs = padded_batch(SIZES["vocab_size"], on_the_left=on_the_left)
    assert_same_numbers(tmp_path, reference(), FAMILY, engine, "float32", inputs)


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize(
    "changes",
    [
        {"norm_bias": True, "attention_bias": True, "mlp_bias": True},
        {"global_attn_every_n_layers": 2, "local_attention": 1},
        {"local_rope_theta": None, "global_rope_theta": 100},
        {"hidden_activation": "silu", "norm_eps": 0.5},
    ],
    ids=str,
)
def test_what_the_config_says_is_what_is_computed(tmp_path: Path, changes: dict[str, Any], engine: str) -> None:
    assert_same_numbers(tmp_path, reference(**changes), FAMILY, engine, "float32", padded_batch(SIZES["vocab_size"]))


@pytest.mark.parametrize("engine", installed())
def test_late_positions_are_turned_by_the_reference_s_angles(tmp_path: Path, engine: str) -> None:
    inputs = padded_batch(SIZES["vocab_size"])
    inputs["position_ids"] = torch.arange(7000, 7000 + inputs["input_ids"].shape[1])[None]
    assert_same_numbers(tmp_path, reference(max_position_embeddings=8192), FAMILY, engine, "float32", inputs)


@pytest.mark.parametrize("engine", [engine for engine, dtype in ENGINE_DTYPES if dtype == "float64"])
def test_float64_differs_by_what_the_reference_computes_in_float32(tmp_path: Path, engine: str) -> None:
    """Angles and probabilities; where there is padding it gives NaN."""
    model = reference()
    model.save_pretrained(tmp_path)
    inputs = padded_batch(SIZES["vocab_size"])
    inputs["attention_mask"][:] = 1
    with torch.no_grad():
        expected = model.double()(**inputs).last_hidden_state.numpy()
    ours = our_outputs(tmp_path, FAMILY, engine, "float64", inputs)["last_hidden_state"]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"rope_scaling": {"rope_type": "linear", "factor": 2.0}}, "`rope_scaling` is"),
        ({"sparse_prediction": True}, "`sparse_prediction` is True"),
        ({"norm_eps": 0}, "`norm_eps` is 0"),
        ({"hidden_activation": "no"}, "`hidden_activation` is 'no'"),
        ({"global_attn_every_n_layers": 0}, "`global_attn_every_n_layers` is 0"),
        ({"hidden_size": 9, "num_attention_heads": 3}, "heads of 3 numbers"),
        ({"local_rope_theta": "x"}, "`local_rope_theta` is 'x'"),
        ({"classifier_pooling": "max"}, "`classifier_pooling` is 'max'"),
        ({"classifier_activation": "no"}, "`classifier_activation` is 'no'"),
    ],
    ids=str,
)
def test_what_is_not_computed_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(UnsupportedConfigError) as refusal:
        ModernBertConfig(**values).check()
    assert told in str(refusal.value)
