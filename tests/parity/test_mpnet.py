"""MPNet against `transformers`: hidden states, attentions and the pooler, on every engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.architectures.mpnet import FAMILY, MPNetConfig
from pellucid.engines import installed
from pellucid.errors import UnsupportedConfigError
from pellucid.positions import near_and_far_rows
from support.encoders import ENGINE_DTYPES, assert_same_numbers, padded_batch, tiny_reference

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.reference

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
}


def reference(**changes: Any) -> Any:
    config = transformers.MPNetConfig(**{**SIZES, "attn_implementation": "eager", **changes})
    return tiny_reference(config, "MPNetModel")


def batch(*, on_the_left: bool = False) -> dict[str, Any]:
    """With the positions that the reference counts: from 2 on at tokens, 1 at padding."""
    inputs = padded_batch(SIZES["vocab_size"], on_the_left=on_the_left)
    mask = inputs["attention_mask"]
    inputs["position_ids"] = mask.cumsum(dim=1) * mask + 1
    return inputs


@pytest.mark.parametrize(("engine", "dtype"), ENGINE_DTYPES)
def test_a_padded_batch_gives_the_numbers_of_the_reference(tmp_path: Path, engine: str, dtype: str) -> None:
    assert_same_numbers(tmp_path, reference(), FAMILY, engine, dtype, batch())


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize(
    "changes",
    [{"hidden_act": "relu", "layer_norm_eps": 0.5}, {"relative_attention_num_buckets": 40}, {"num_attention_heads": 1}],
    ids=str,
)
def test_what_the_config_says_is_what_is_computed(tmp_path: Path, changes: dict[str, Any], engine: str) -> None:
    assert_same_numbers(tmp_path, reference(**changes), FAMILY, engine, "float32", batch())


def test_a_text_may_be_longer_than_the_distances_that_are_told_apart(tmp_path: Path) -> None:
    ids = torch.arange(150)[None] % 50 + 2
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "position_ids": torch.arange(2, 152)[None]}
    assert_same_numbers(tmp_path, reference(max_position_embeddings=160), FAMILY, "numpy", "float32", inputs)


def test_buckets_are_those_of_the_reference() -> None:
    from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

    distance = np.arange(-600, 601)
    ours = near_and_far_rows(32, 128)[np.clip(distance, -128, 128) + 128]
    # The reference counts from the query to the key.
    np.testing.assert_array_equal(ours, MPNetEncoder.relative_position_bucket(torch.from_numpy(-distance)).numpy())


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"relative_attention_num_buckets": 31}, "`relative_attention_num_buckets` is 31"),
        ({"hidden_size": 7}, "`hidden_size` 7 cannot be divided"),
    ],
    ids=str,
)
def test_what_is_not_computed_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(UnsupportedConfigError) as refusal:
        MPNetConfig(**values).check()
    assert told in str(refusal.value)
