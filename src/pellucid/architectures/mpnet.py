"""MPNet: the encoder of BERT, with one bias of distances for all layers and positions that begin behind padding's.

Source: Song et al., 2020, https://arxiv.org/abs/2004.09297, §3.1; the bias is that of Raffel et al., 2019,
https://arxiv.org/abs/1910.10683, §2.1. Checked against `transformers` in tests/parity/test_mpnet.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pellucid.architectures import head_kinds
from pellucid.architectures.bert import (
    POOLER,
    BertSettings,
    Dropout,
    bert_embeddings,
    bert_layer,
    common_sizes,
    impossible_sizes,
)
from pellucid.architectures.family import Family
from pellucid.architectures.roberta import HEADS
from pellucid.architectures.roberta import NAMES as ROBERTA_NAMES
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.layers import shared_relative_bias
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.positions import near_and_far_rows
from pellucid.weights import Weights

PADDING_ID = 1
BUCKETS = 32
FURTHEST = 128
"""No keys of the config: the reference fixes all three."""


@dataclass(frozen=True)
class MPNetSettings(BertSettings):
    """What the function needs to know besides.

    Attributes:
        relative_rows: rows of the table of distances, of which the first 32 are used.
    """

    relative_rows: int = BUCKETS


def mpnet(ops: Ops, w: Weights, settings: MPNetSettings, inputs: Inputs) -> Array:
    """Give each token a vector that knows its whole text: ids `[T]` → hidden states `[T, H]`.

    The data's way: token + position → norm → layers × (attention with a bias of distances, add, norm, feed-forward,
    add, norm). The embeddings and the output of each layer are tapped as "hidden_states".
    """
    s = settings
    x = ops.tap("hidden_states", bert_embeddings(ops, w / "embeddings", s, inputs))
    rows = near_and_far_rows(BUCKETS, FURTHEST)
    bias = shared_relative_bias(ops, w / "relative.rows", rows, inputs.layout, s.relative_rows, s.heads, x)
    for n in range(s.layers):
        wanted = inputs.wanted if n == s.layers - 1 else None
        x = ops.tap("hidden_states", bert_layer(ops, w / f"layers.{n}", s, x, inputs, lambda query, key: bias, wanted))
    return x


class MPNetConfig(Config):
    """The config of an MPNet checkpoint; the defaults are those of mpnet-base."""

    model_type = "mpnet"
    defaults = {
        "vocab_size": 30527,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "relative_attention_num_buckets": 32,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }
    harmless = frozenset({"bos_token_id", "eos_token_id"})

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        rows = self.relative_attention_num_buckets
        reasons = impossible_sizes(self, read_mpnet_config(self))
        if type(rows) is not int or rows < BUCKETS:
            reasons.append(
                f"`relative_attention_num_buckets` is {rows!r}, and must be a whole number, at least {BUCKETS}, which "
                "are used whatever it is"
            )
        return reasons


def read_mpnet_config(config: Any) -> MPNetSettings:
    """Take from an MPNet config what the function needs."""
    return MPNetSettings(
        **common_sizes(config),
        types=0,
        padding_id=PADDING_ID,
        relative_rows=config.relative_attention_num_buckets,
        dropout=Dropout(
            embeddings=config.hidden_dropout_prob,
            attention=config.attention_probs_dropout_prob,
            attention_output=config.hidden_dropout_prob,
            feed_forward=config.hidden_dropout_prob,
            head=config.hidden_dropout_prob,
            tokens=config.hidden_dropout_prob,
        ),
    )


NAMES = NameTable(
    prefix="mpnet.",
    body={
        "embeddings.tokens": "embeddings.word_embeddings",
        "embeddings.positions": "embeddings.position_embeddings",
        "embeddings.norm": "embeddings.LayerNorm",
        "relative.rows": "encoder.relative_attention_bias",
        "layers.{n}.attention.query": "encoder.layer.{n}.attention.attn.q",
        "layers.{n}.attention.key": "encoder.layer.{n}.attention.attn.k",
        "layers.{n}.attention.value": "encoder.layer.{n}.attention.attn.v",
        "layers.{n}.attention.output": "encoder.layer.{n}.attention.attn.o",
        "layers.{n}.attention.norm": "encoder.layer.{n}.attention.LayerNorm",
        "layers.{n}.feed_forward.inner": "encoder.layer.{n}.intermediate.dense",
        "layers.{n}.feed_forward.outer": "encoder.layer.{n}.output.dense",
        "layers.{n}.feed_forward.norm": "encoder.layer.{n}.output.LayerNorm",
        "pooler": "pooler.dense",
    },
    heads=ROBERTA_NAMES.heads,
    ignored=(r"(^|\.)embeddings\.position_ids$",),
)

FAMILY = Family(
    model_type="mpnet",
    title="MPNet",
    class_prefix="MPNet",
    config=MPNetConfig,
    read_config=read_mpnet_config,
    encode=mpnet,
    heads={**HEADS, "base": head_kinds.base("BaseModelOutputWithPooling", POOLER, new=("pooler",))},
    names=NAMES,
    inputs=("position_ids",),
    narrows=True,
)
