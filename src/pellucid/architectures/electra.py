"""ELECTRA: the encoder of BERT behind smaller embeddings, trained to tell which tokens were replaced.

Source: Clark et al., 2020, https://arxiv.org/abs/2003.10555. Checked against `transformers` in
tests/parity/test_encoders.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pellucid.architectures import head_kinds
from pellucid.architectures.bert import NAMES as BERT_NAMES
from pellucid.architectures.bert import BertConfig, BertSettings, bert, read_bert_config
from pellucid.architectures.family import Family
from pellucid.checkpoints.names import NameTable
from pellucid.heads import first_token, vocabulary


class ElectraConfig(BertConfig):
    """The config of an ELECTRA checkpoint; the defaults are those of electra-small."""

    model_type = "electra"
    defaults = {
        **BertConfig.defaults,
        "embedding_size": 128,
        "hidden_size": 256,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        "summary_type": "first",
        "summary_use_proj": True,
        "summary_activation": "gelu",
        "summary_last_dropout": 0.1,
    }
    harmless = BertConfig.harmless | {"summary_last_dropout"}
    supported = {
        **BertConfig.supported,
        "summary_type": ("first",),
        "summary_use_proj": (True,),
        "summary_activation": ("gelu",),
    }

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        size = self.embedding_size
        wrong = type(size) is not int or size < 1
        reason = f"`embedding_size` is {size!r}, and must be a whole number, at least 1"
        return [*super().impossible(), *([reason] if wrong else [])]


def read_electra_config(config: Any) -> BertSettings:
    """Take from an ELECTRA config what the function needs."""
    return replace(read_bert_config(config), embedding_width=config.embedding_size)


NAMES = NameTable(
    prefix="electra.",
    body={
        **{path: hub for path, hub in BERT_NAMES.body.items() if path != "pooler"},
        "embeddings.projection": "embeddings_project",
    },
    heads={
        "head.classifier": "classifier.dense",
        "head.labels": "classifier.out_proj",
        "head.token_labels": "classifier",
        "head.summary": "sequence_summary.summary",
        "head.choice": "classifier",
        "head.span": "qa_outputs",
        "head.transform": "generator_predictions.dense",
        "head.transform_norm": "generator_predictions.LayerNorm",
        "head.decoder": "generator_lm_head",
        "head.vocabulary": "generator_lm_head",
        "head.dense": "discriminator_predictions.dense",
        "head.replaced": "discriminator_predictions.dense_prediction",
    },
    ignored=BERT_NAMES.ignored,
)

CLASSIFIER = first_token("head.classifier", "gelu", dropout_before=True)

FAMILY = Family(
    model_type="electra",
    title="ELECTRA",
    class_prefix="Electra",
    config=ElectraConfig,
    read_config=read_electra_config,
    encode=bert,
    heads={
        "base": head_kinds.base("BaseModelOutputWithCrossAttentions"),
        "masked-language-model": head_kinds.masked_language_model(
            vocabulary("gelu"), twice=(r"^generator_lm_head\.weight$",)
        ),
        "replaced-token-detection": head_kinds.replaced_token_detection("ElectraForPreTrainingOutput"),
        "sequence-classification": head_kinds.sequence_classification(CLASSIFIER),
        "multiple-choice": head_kinds.multiple_choice(first_token("head.summary", "gelu")),
        "token-classification": head_kinds.token_classification(),
        "question-answering": head_kinds.question_answering(),
    },
    names=NAMES,
    inputs=("token_type_ids", "position_ids"),
    narrows=True,
)
