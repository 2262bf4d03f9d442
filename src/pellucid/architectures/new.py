"""GTE for long texts: BERT with rotary positions, GeGLU and biases; `model_type` "new", and "gte" in `transformers` 5.

Source: Zhang et al., 2024, https://arxiv.org/abs/2407.19669, §2. Checked against numbers of `transformers` 5 in
tests/parity/test_golden.py. The angles of the checkpoints "new" are scaled for texts longer than those that they
learned from ("ntk"): the base is multiplied by a factor, and all angles turn factor ** (2 / D) times slower, which is
(6) of https://kexue.fm/archives/9706. `transformers` 5 says the same by the word "linear" and another base.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pellucid.architectures import head_kinds
from pellucid.architectures.bert import POOLED, common_dropout, common_sizes
from pellucid.architectures.family import Family
from pellucid.architectures.rotary_bert import (
    RotaryBertSettings,
    impossible_rope_parameters,
    impossible_turning,
    rope_parameters,
    rotary_bert,
)
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.heads import vocabulary
from pellucid.layers import linear
from pellucid.ops import Array, Ops
from pellucid.weights import Weights


def one_map(ops: Ops, w: Weights, settings: RotaryBertSettings, x: Array) -> tuple[Array, Array]:
    """What bends and what it is multiplied by, from one map; the second half bends."""
    s = settings
    value, bent = ops.split(linear(ops, w / "inner", x, s.width, 2 * s.inner, bias=False), [s.inner, s.inner])
    return bent, value


class NewConfig(Config):
    """The config of a checkpoint "new"; the defaults are those of the checkpoints' own code."""

    model_type = "new"
    defaults = {
        "vocab_size": 30528,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 2048,
        "type_vocab_size": 1,
        "initializer_range": 0.02,
        "layer_norm_type": "layer_norm",
        "layer_norm_eps": 1e-12,
        "position_embedding_type": "rope",
        "rope_theta": 10000.0,
        "rope_scaling": None,
        "classifier_dropout": None,
        "pack_qkv": True,
        "unpad_inputs": False,
        "use_memory_efficient_attention": False,
        "logn_attention_scale": False,
        "logn_attention_clip1": False,
        "pad_token_id": 0,
    }
    # How it is computed; the last is read where the one before it is true alone.
    harmless = frozenset({"unpad_inputs", "use_memory_efficient_attention", "logn_attention_clip1"})
    supported = {
        "layer_norm_type": ("layer_norm",),
        "position_embedding_type": ("rope",),
        "pack_qkv": (True,),
        "logn_attention_scale": (False,),
    }

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        match self.rope_scaling:
            case None:
                pass
            case {"type": "ntk", "factor": int() | float() as factor, **others} if factor >= 1 and not others:
                pass
            case other:
                return [f"`rope_scaling` is {other!r}, and only the type 'ntk' with a factor from 1 on is computed"]
        return impossible_turning(self, read_new_config(self))


def read_new_config(config: Any) -> RotaryBertSettings:
    """Take from a config "new" what the function needs."""
    stretch = 1.0 if config.rope_scaling is None else config.rope_scaling["factor"]
    return replace(_settings(config), theta=config.rope_theta, stretch=stretch)


class GteConfig(Config):
    """The config of a GTE checkpoint; the defaults are those of `transformers` 5."""

    model_type = "gte"
    defaults = {
        "vocab_size": 250048,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 8192,
        "type_vocab_size": 1,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "classifier_dropout": None,
        "rope_parameters": None,
        "rope_theta": 160000.0,
        "pad_token_id": 1,
    }
    optional = frozenset({"rope_theta"})

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        return impossible_rope_parameters(self) or impossible_turning(self, read_gte_config(self))


def read_gte_config(config: Any) -> RotaryBertSettings:
    """Take from a GTE config what the function needs."""
    theta, slower = rope_parameters(config, config.rope_theta)
    return replace(_settings(config), theta=theta, slower=slower)


def _settings(config: Any) -> RotaryBertSettings:
    """What both forms of the config have in common."""
    return RotaryBertSettings(
        **common_sizes(config),
        types=config.type_vocab_size,
        place="rotary",
        opened_dropout=config.hidden_dropout_prob,
        dropout=common_dropout(config),
    )


HEADS = {
    "base": head_kinds.base("BaseModelOutputWithPooling"),
    "masked-language-model": head_kinds.masked_language_model(
        vocabulary("gelu"), twice=(r"^lm_head\.decoder\.weight$",)
    ),
    "sequence-classification": head_kinds.sequence_classification(POOLED, new=("pooler",)),
    "token-classification": head_kinds.token_classification(),
}


def names(prefix: str, other_prefix: str) -> NameTable:
    """The names, which differ in what stands before them."""
    return NameTable(
        prefix=prefix,
        body={
            "embeddings.tokens": "embeddings.word_embeddings",
            "embeddings.types": "embeddings.token_type_embeddings",
            "embeddings.norm": "embeddings.LayerNorm",
            "layers.{n}.attention.query_key_value": "encoder.layer.{n}.attention.qkv_proj",
            "layers.{n}.attention.output": "encoder.layer.{n}.attention.o_proj",
            "layers.{n}.attention.norm": "encoder.layer.{n}.attn_ln",
            "layers.{n}.feed_forward.inner": "encoder.layer.{n}.mlp.up_gate_proj",
            "layers.{n}.feed_forward.outer": "encoder.layer.{n}.mlp.down_proj",
            "layers.{n}.feed_forward.norm": "encoder.layer.{n}.mlp_ln",
            "pooler": "pooler.dense",
        },
        heads={
            "head.labels": "classifier",
            "head.token_labels": "classifier",
            "head.transform": "lm_head.dense",
            "head.transform_norm": "lm_head.norm",
            "head.decoder": "lm_head.decoder",
            "head.vocabulary": "lm_head.decoder",
        },
        other_prefixes=(other_prefix,),
    )


FAMILY = Family(
    model_type="new",
    title="GTE (new)",
    class_prefix="New",
    config=NewConfig,
    read_config=read_new_config,
    encode=rotary_bert(one_map),
    heads=HEADS,
    names=names("new.", "gte."),
    inputs=("token_type_ids", "position_ids"),
)

GTE = Family(
    model_type="gte",
    title="GTE",
    class_prefix="Gte",
    config=GteConfig,
    read_config=read_gte_config,
    encode=rotary_bert(one_map),
    heads=HEADS,
    names=names("gte.", "new."),
    inputs=("token_type_ids", "position_ids"),
)
