"""DistilBERT: the encoder of BERT without types and without a pooler, in half as many layers.

Source: Sanh et al., 2019, https://arxiv.org/abs/1910.01108, §3. Checked against `transformers` in
tests/parity/test_encoders.py.
"""

from __future__ import annotations

from typing import Any

from pellucid.architectures import head_kinds
from pellucid.architectures.bert import BertSettings, Dropout, bert, impossible_sizes
from pellucid.architectures.family import Family
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.heads import first_token


class DistilBertConfig(Config):
    """The config of a DistilBERT checkpoint; the defaults are those of distilbert-base-uncased."""

    model_type = "distilbert"
    defaults = {
        "vocab_size": 30522,
        "max_position_embeddings": 512,
        "sinusoidal_pos_embds": False,
        "n_layers": 6,
        "n_heads": 12,
        "dim": 768,
        "hidden_dim": 3072,
        "dropout": 0.1,
        "attention_dropout": 0.1,
        "activation": "gelu",
        "initializer_range": 0.02,
        "qa_dropout": 0.1,
        "seq_classif_dropout": 0.2,
        "pad_token_id": 0,
    }
    # Sinusoids are only what the position table begins training with; a checkpoint holds the table.
    harmless = frozenset({"sinusoidal_pos_embds"})
    attribute_map = {
        "hidden_size": "dim",
        "intermediate_size": "hidden_dim",
        "num_attention_heads": "n_heads",
        "num_hidden_layers": "n_layers",
        "hidden_act": "activation",
    }

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        return impossible_sizes(self, read_distilbert_config(self))


def read_distilbert_config(config: Any) -> BertSettings:
    """Take from a DistilBERT config what the function needs."""
    return BertSettings(
        width=config.dim,
        inner=config.hidden_dim,
        layers=config.n_layers,
        heads=config.n_heads,
        vocabulary=config.vocab_size,
        positions=config.max_position_embeddings,
        types=0,
        activation=config.activation,
        eps=1e-12,  # no key of the config: the reference fixes it
        dropout=Dropout(
            embeddings=config.dropout,
            attention=config.attention_dropout,
            feed_forward=config.dropout,
            head=config.seq_classif_dropout,
            tokens=config.dropout,
            span=config.qa_dropout,
        ),
    )


NAMES = NameTable(
    prefix="distilbert.",
    body={
        "embeddings.tokens": "embeddings.word_embeddings",
        "embeddings.positions": "embeddings.position_embeddings",
        "embeddings.norm": "embeddings.LayerNorm",
        "layers.{n}.attention.query": "transformer.layer.{n}.attention.q_lin",
        "layers.{n}.attention.key": "transformer.layer.{n}.attention.k_lin",
        "layers.{n}.attention.value": "transformer.layer.{n}.attention.v_lin",
        "layers.{n}.attention.output": "transformer.layer.{n}.attention.out_lin",
        "layers.{n}.attention.norm": "transformer.layer.{n}.sa_layer_norm",
        "layers.{n}.feed_forward.inner": "transformer.layer.{n}.ffn.lin1",
        "layers.{n}.feed_forward.outer": "transformer.layer.{n}.ffn.lin2",
        "layers.{n}.feed_forward.norm": "transformer.layer.{n}.output_layer_norm",
    },
    heads={
        "head.dense": "pre_classifier",
        "head.labels": "classifier",
        "head.choice": "classifier",
        "head.token_labels": "classifier",
        "head.span": "qa_outputs",
        "head.transform": "vocab_transform",
        "head.transform_norm": "vocab_layer_norm",
        "head.decoder": "vocab_projector",
        "head.vocabulary": "vocab_projector",
    },
    ignored=(r"(^|\.)embeddings\.position_ids$",),
)

CLASSIFIER = first_token("head.dense", "relu")

FAMILY = Family(
    model_type="distilbert",
    title="DistilBERT",
    class_prefix="DistilBert",
    config=DistilBertConfig,
    read_config=read_distilbert_config,
    encode=bert,
    heads={
        "base": head_kinds.base(),
        "masked-language-model": head_kinds.masked_language_model(twice=(r"^vocab_projector\.weight$",)),
        "sequence-classification": head_kinds.sequence_classification(CLASSIFIER),
        "multiple-choice": head_kinds.multiple_choice(CLASSIFIER),
        "token-classification": head_kinds.token_classification(),
        "question-answering": head_kinds.question_answering(),
    },
    names=NAMES,
    inputs=("position_ids",),
    narrows=True,
)
