"""ALBERT: BERT whose layers share their weights, behind small embeddings.

Source: Lan et al., 2019, https://arxiv.org/abs/1909.11942. Checked against `transformers` in
tests/parity/test_encoders.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pellucid.architectures import head_kinds
from pellucid.architectures.bert import NAMES as BERT_NAMES
from pellucid.architectures.bert import (
    POOLED,
    POOLER,
    BertConfig,
    BertSettings,
    Dropout,
    bert_embeddings,
    bert_layer,
    common_sizes,
    distances,
    impossible_sizes,
)
from pellucid.architectures.family import Family
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.layers import linear
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights


@dataclass(frozen=True)
class AlbertSettings(BertSettings):
    """What the function needs to know.

    Attributes:
        groups: how many layers have weights of their own; each stands for `layers / groups` neighbours.
    """

    groups: int = 1


def albert(ops: Ops, w: Weights, settings: AlbertSettings, inputs: Inputs) -> Array:
    """Give each token a vector that knows its whole text: ids `[T]` → hidden states `[T, H]`.

    The data's way: embeddings → a wider vector → layers of BERT, `layers / groups` of them with the same weights.
    """
    s = settings
    x = bert_embeddings(ops, w / "embeddings", s, inputs)
    x = ops.tap("hidden_states", linear(ops, w / "embeddings.projection", x, s.embedding_width, s.width))
    for n in range(s.layers):
        layer = w / f"layers.{n * s.groups // s.layers}"
        wanted = inputs.wanted if n == s.layers - 1 else None
        x = ops.tap("hidden_states", bert_layer(ops, layer, s, x, inputs, distances(ops, layer, s, inputs), wanted))
    return x


class AlbertConfig(Config):
    """The config of an ALBERT checkpoint; the defaults are those of albert-xxlarge."""

    model_type = "albert"
    defaults = {
        "vocab_size": 30000,
        "embedding_size": 128,
        "hidden_size": 4096,
        "num_hidden_layers": 12,
        "num_hidden_groups": 1,
        "num_attention_heads": 64,
        "intermediate_size": 16384,
        "inner_group_num": 1,
        "hidden_act": "gelu_new",
        "hidden_dropout_prob": 0,
        "attention_probs_dropout_prob": 0,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "classifier_dropout_prob": 0.1,
        "position_embedding_type": "absolute",
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
    }
    harmless = frozenset({"bos_token_id", "eos_token_id"})
    supported = {**BertConfig.supported, "inner_group_num": (1,)}

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        reasons = impossible_sizes(self, read_albert_config(self))
        groups, layers = self.num_hidden_groups, self.num_hidden_layers
        if type(groups) is not int or not 1 <= groups <= max(1, layers):
            reasons.append(f"`num_hidden_groups` is {groups!r}, and must be a whole number from 1 to {layers}")
        if type(self.embedding_size) is not int or self.embedding_size < 1:
            reasons.append(f"`embedding_size` is {self.embedding_size!r}, and must be a whole number, at least 1")
        return reasons


def read_albert_config(config: Any) -> AlbertSettings:
    """Take from an ALBERT config what the function needs."""
    return AlbertSettings(
        **common_sizes(config),
        types=config.type_vocab_size,
        place=config.position_embedding_type,
        embedding_width=config.embedding_size,
        groups=config.num_hidden_groups,
        dropout=Dropout(
            embeddings=config.hidden_dropout_prob,
            attention=config.attention_probs_dropout_prob,
            attention_output=config.hidden_dropout_prob,
            head=config.classifier_dropout_prob,
            tokens=config.classifier_dropout_prob,
        ),
    )


_LAYER = "encoder.albert_layer_groups.{n}.albert_layers.0"

NAMES = NameTable(
    prefix="albert.",
    body={
        "embeddings.tokens": "embeddings.word_embeddings",
        "embeddings.types": "embeddings.token_type_embeddings",
        "embeddings.positions": "embeddings.position_embeddings",
        "embeddings.norm": "embeddings.LayerNorm",
        "embeddings.projection": "encoder.embedding_hidden_mapping_in",
        "layers.{n}.attention.query": f"{_LAYER}.attention.query",
        "layers.{n}.attention.key": f"{_LAYER}.attention.key",
        "layers.{n}.attention.value": f"{_LAYER}.attention.value",
        "layers.{n}.attention.distances": f"{_LAYER}.attention.distance_embedding",
        "layers.{n}.attention.output": f"{_LAYER}.attention.dense",
        "layers.{n}.attention.norm": f"{_LAYER}.attention.LayerNorm",
        "layers.{n}.feed_forward.inner": f"{_LAYER}.ffn",
        "layers.{n}.feed_forward.outer": f"{_LAYER}.ffn_output",
        "layers.{n}.feed_forward.norm": f"{_LAYER}.full_layer_layer_norm",
        "pooler": "pooler",
    },
    heads={
        "head.labels": "classifier",
        "head.token_labels": "classifier",
        "head.choice": "classifier",
        "head.span": "qa_outputs",
        "head.transform": "predictions.dense",
        "head.transform_norm": "predictions.LayerNorm",
        "head.decoder": "predictions.decoder",
        "head.vocabulary": "predictions",
    },
    ignored=BERT_NAMES.ignored,
)

FAMILY = Family(
    model_type="albert",
    title="ALBERT",
    class_prefix="Albert",
    config=AlbertConfig,
    read_config=read_albert_config,
    encode=albert,
    heads={
        "base": head_kinds.base("BaseModelOutputWithPooling", POOLER, new=("pooler",)),
        "masked-language-model": head_kinds.masked_language_model(twice=(r"^predictions\.decoder\.",)),
        "sequence-classification": head_kinds.sequence_classification(POOLED, new=("pooler",)),
        "multiple-choice": head_kinds.multiple_choice(POOLED, new=("pooler",)),
        "token-classification": head_kinds.token_classification(),
        "question-answering": head_kinds.question_answering(),
    },
    names=NAMES,
    inputs=("token_type_ids", "position_ids"),
    narrows=True,
)
