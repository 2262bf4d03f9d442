"""BERT's relative positions against `transformers`: `layers.relative_key_bias` in the layers of BERT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pellucid.architectures.bert import FAMILY, BertConfig, BertSettings
from pellucid.layers import feed_forward, layer_norm, relative_key_bias, self_attention
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights
from support.encoders import ENGINE_DTYPES, assert_same_numbers, padded_batch, tiny_reference

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.reference

KINDS = ("relative_key", "relative_key_query")


class RelativeConfig(BertConfig):
    supported = {"position_embedding_type": KINDS}


def relative_family(has_keys: bool) -> Any:
    """BERT without places in the text, whose layers see distances."""

    def encode(ops: Ops, w: Weights, s: BertSettings, inputs: Inputs) -> Array:
        embeddings = w / "embeddings"
        x = ops.embedding((embeddings / "tokens")("weight", s.vocabulary, s.width), inputs.ids)
        x = ops.add(x, ops.embedding((embeddings / "types")("weight", s.types, s.width), inputs.types))
        x = ops.tap("hidden_states", layer_norm(ops, embeddings / "norm", x, s.width, s.eps))
        for n in range(s.layers):
            layer = w / f"layers.{n}"

            def bias(query: Array, key: Array, layer: Weights = layer) -> Array:
                return relative_key_bias(
                    ops, layer / "attention.distances", query, key if has_keys else None, inputs.layout, s.positions,
                    s.width, s.heads,
                )  # fmt: skip

            attended = self_attention(ops, layer / "attention", x, inputs.layout, s.width, s.heads, bias=bias)
            x = layer_norm(ops, layer / "attention.norm", ops.add(attended, x), s.width, s.eps)
            fed = feed_forward(ops, layer / "feed_forward", x, s.width, s.inner, s.activation)
            x = layer_norm(ops, layer / "feed_forward.norm", ops.add(fed, x), s.width, s.eps)
            x = ops.tap("hidden_states", x)
        return x

    distances = {"layers.{n}.attention.distances": "encoder.layer.{n}.attention.self.distance_embedding"}
    # The reference makes a table of places, and never reads it.
    names = replace(
        FAMILY.names, body={**FAMILY.names.body, **distances}, ignored=(r"embeddings\.position_embeddings\.",)
    )
    return replace(FAMILY, config=RelativeConfig, encode=encode, names=names)


@pytest.mark.parametrize(("engine", "dtype"), ENGINE_DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_distances_count_as_in_the_reference(tmp_path: Path, kind: str, engine: str, dtype: str) -> None:
    config = transformers.BertConfig(
        vocab_size=60, hidden_size=24, num_hidden_layers=3, num_attention_heads=4, intermediate_size=40,
        max_position_embeddings=20, position_embedding_type=kind, attn_implementation="eager",
    )  # fmt: skip
    family = relative_family(kind == "relative_key_query")
    inputs = padded_batch(60, types=2)
    assert_same_numbers(tmp_path, tiny_reference(config, "BertModel"), family, engine, dtype, inputs)
