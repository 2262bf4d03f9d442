"""Nomic BERT: BERT with rotary positions, SwiGLU and no biases, for long texts.

Source: Nussbaum et al., 2024, https://arxiv.org/abs/2402.01613, §3. Checked against numbers of `transformers` 5 in
tests/parity/test_golden.py. Its checkpoints on the Hub have two forms of config, that of their own code (`n_embd` …)
and that of `transformers` 5 (`hidden_size` …), and some have both; the tensors have one.
"""

from __future__ import annotations

from typing import Any

from pellucid.architectures import head_kinds
from pellucid.architectures.bert import POOLED, common_dropout
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
from pellucid.layers import layer_norm, linear
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights


def two_maps(ops: Ops, w: Weights, settings: RotaryBertSettings, x: Array) -> tuple[Array, Array]:
    """What bends and what it is multiplied by, from a map each."""
    s = settings
    return (
        linear(ops, w / "gate", x, s.width, s.inner, bias=False),
        linear(ops, w / "inner", x, s.width, s.inner, bias=False),
    )


def vocabulary(ops: Ops, w: Weights, settings: Any, config: Config, hidden: Array, inputs: Inputs) -> dict[str, Array]:
    """The word at each chosen token: logits `[N, V]`, with the biases that the form of the config has."""
    s = settings
    x = linear(ops, w / "head.transform", ops.rows(hidden, inputs.chosen), s.width, s.width, bias=s.has_head_biases)
    x = layer_norm(ops, w / "head.transform_norm", ops.activation(s.activation, x), s.width, s.eps)
    table = w / ("embeddings.tokens" if config.tie_word_embeddings else "head.decoder")
    bias = (w / "head.vocabulary")("bias", s.vocabulary) if s.has_head_biases else None
    return {"logits": ops.linear(x, table("weight", s.vocabulary, s.width), bias)}


class NomicBertConfig(Config):
    """The config of a Nomic BERT checkpoint; the defaults are those of `transformers` 5."""

    model_type = "nomic_bert"
    defaults = {
        "vocab_size": 30528,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "silu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 2048,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "classifier_dropout": None,
        "head_dim": None,
        "rope_parameters": None,
        # Of the checkpoints' own code.
        "activation_function": None,
        "causal": False,
        "mlp_fc1_bias": None,
        "mlp_fc2_bias": False,
        "moe_every_n_layers": 0,
        "n_positions": None,
        "parallel_block": False,
        "prenorm": False,
        "qkv_proj_bias": False,
        "rotary_emb_base": 1000.0,
        "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False,
        "rotary_emb_scale_base": None,
        "rotary_scaling_factor": None,
        "scale_attn_by_inverse_layer_idx": False,
        "scale_attn_weights": True,
        "use_rms_norm": False,
    }
    harmless = frozenset({"head_dim"})  # which follows from the sizes, and is refused otherwise
    optional = frozenset({
        "activation_function", "causal", "mlp_fc1_bias", "mlp_fc2_bias", "moe_every_n_layers", "n_positions",
        "parallel_block", "prenorm", "qkv_proj_bias", "rotary_emb_base", "rotary_emb_fraction",
        "rotary_emb_interleaved", "rotary_emb_scale_base", "rotary_scaling_factor", "scale_attn_by_inverse_layer_idx",
        "scale_attn_weights", "use_rms_norm",
    })  # fmt: skip
    supported = {
        "activation_function": (None, "swiglu"),
        "causal": (False,),
        "mlp_fc1_bias": (None, False),
        "mlp_fc2_bias": (False,),
        "moe_every_n_layers": (0,),
        "parallel_block": (False,),
        "prenorm": (False,),
        "qkv_proj_bias": (False,),
        "rotary_emb_fraction": (1.0,),
        "rotary_emb_interleaved": (False,),
        "rotary_emb_scale_base": (None,),
        "rotary_scaling_factor": (None,),
        "scale_attn_by_inverse_layer_idx": (False,),
        "scale_attn_weights": (True,),
        "use_rms_norm": (False,),
    }
    attribute_map = {
        "n_embd": "hidden_size",
        "n_head": "num_attention_heads",
        "n_inner": "intermediate_size",
        "n_layer": "num_hidden_layers",
        "layer_norm_epsilon": "layer_norm_eps",
        "attn_pdrop": "attention_probs_dropout_prob",
        "resid_pdrop": "hidden_dropout_prob",
        "rope_theta": "rotary_emb_base",
    }

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        return impossible_rope_parameters(self) or impossible_turning(self, read_nomic_bert_config(self))


def read_nomic_bert_config(config: Any) -> RotaryBertSettings:
    """Take from a Nomic BERT config what the function needs."""
    theta, slower = rope_parameters(config, config.rotary_emb_base)
    own_positions, positions = config.n_positions, config.max_position_embeddings
    return RotaryBertSettings(
        width=config.hidden_size,
        inner=config.intermediate_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        vocabulary=config.vocab_size,
        # Where both are given, the second is how long the texts were that it learned from.
        positions=positions if own_positions is None else own_positions,
        types=config.type_vocab_size,
        activation=config.hidden_act,
        eps=config.layer_norm_eps,
        place="rotary",
        theta=theta,
        slower=slower,
        has_biases=False,
        has_head_biases=config.mlp_fc1_bias is None,
        dropout=common_dropout(config),
    )


FAMILY = Family(
    model_type="nomic_bert",
    title="Nomic BERT",
    class_prefix="NomicBert",
    config=NomicBertConfig,
    read_config=read_nomic_bert_config,
    encode=rotary_bert(two_maps),
    heads={
        "base": head_kinds.base("BaseModelOutputWithPooling"),
        "masked-language-model": head_kinds.masked_language_model(vocabulary, twice=(r"^cls\.predictions\.decoder\.",)),
        "sequence-classification": head_kinds.sequence_classification(POOLED, new=("pooler",)),
        "token-classification": head_kinds.token_classification(),
    },
    names=NameTable(
        prefix="nomic_bert.",
        body={
            "embeddings.tokens": "embeddings.word_embeddings",
            "embeddings.types": "embeddings.token_type_embeddings",
            "embeddings.norm": "emb_ln",
            "layers.{n}.attention.query_key_value": "encoder.layers.{n}.attn.Wqkv",
            "layers.{n}.attention.output": "encoder.layers.{n}.attn.out_proj",
            "layers.{n}.attention.norm": "encoder.layers.{n}.norm1",
            "layers.{n}.feed_forward.inner": "encoder.layers.{n}.mlp.fc11",
            "layers.{n}.feed_forward.gate": "encoder.layers.{n}.mlp.fc12",
            "layers.{n}.feed_forward.outer": "encoder.layers.{n}.mlp.fc2",
            "layers.{n}.feed_forward.norm": "encoder.layers.{n}.norm2",
            "pooler": "pooler.dense",
        },
        heads={
            "head.labels": "classifier",
            "head.token_labels": "classifier",
            "head.transform": "cls.predictions.transform.dense",
            "head.transform_norm": "cls.predictions.transform.layer_norm",
            "head.decoder": "cls.predictions.decoder",
            "head.vocabulary": "cls.predictions",
        },
        # Of the checkpoints' own code.
        other_prefixes=("bert.",),
    ),
    inputs=("token_type_ids", "position_ids"),
)
