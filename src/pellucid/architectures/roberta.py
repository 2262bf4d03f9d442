"""RoBERTa: the encoder of BERT, with positions counted from the padding id; and the families that are RoBERTa by data.

Source: Liu et al., 2019, https://arxiv.org/abs/1907.11692. Checked against `transformers` in
tests/parity/test_encoders.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pellucid.architectures import head_kinds
from pellucid.architectures.bert import NAMES as BERT_NAMES
from pellucid.architectures.bert import POOLED, POOLER, BertConfig, BertSettings, bert, read_bert_config
from pellucid.architectures.family import Family
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.heads import first_token, vocabulary


class RobertaConfig(BertConfig):
    """The config of a RoBERTa checkpoint; the defaults are those of `transformers`."""

    model_type = "roberta"
    defaults = {
        **BertConfig.defaults,
        "vocab_size": 50265,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }
    harmless = BertConfig.harmless | {"bos_token_id", "eos_token_id"}

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        reasons = super().impossible()
        padding_id, positions = self.pad_token_id, self.max_position_embeddings
        if type(padding_id) is not int or padding_id < 0:
            reasons.append(f"`pad_token_id` is {padding_id!r}, and positions are counted from it: it must be an id")
        elif type(positions) is int and positions <= padding_id + 1:
            reasons.append(
                f"`max_position_embeddings` is {positions}, and the first token stands at {padding_id + 1}, behind the "
                "id of padding"
            )
        return reasons


def read_roberta_config(config: Any) -> BertSettings:
    """Take from a RoBERTa config what the function needs."""
    return replace(read_bert_config(config), padding_id=config.pad_token_id)


NAMES = NameTable(
    prefix="roberta.",
    body=BERT_NAMES.body,
    heads={
        "head.dense": "classifier.dense",
        "head.labels": "classifier.out_proj",
        "head.token_labels": "classifier",
        "head.choice": "classifier",
        "head.span": "qa_outputs",
        "head.transform": "lm_head.dense",
        "head.transform_norm": "lm_head.layer_norm",
        "head.decoder": "lm_head.decoder",
        "head.vocabulary": "lm_head",
    },
    ignored=BERT_NAMES.ignored,
)

CLASSIFIER = first_token("head.dense", "tanh", dropout_before=True)

HEADS = {
    "base": head_kinds.base("BaseModelOutputWithPoolingAndCrossAttentions", POOLER, new=("pooler",)),
    "masked-language-model": head_kinds.masked_language_model(vocabulary("gelu"), twice=(r"^lm_head\.decoder\.",)),
    "sequence-classification": head_kinds.sequence_classification(CLASSIFIER),
    "multiple-choice": head_kinds.multiple_choice(POOLED, new=("pooler",)),
    "token-classification": head_kinds.token_classification(),
    "question-answering": head_kinds.question_answering(),
}


def roberta_family(model_type: str, title: str, class_prefix: str, config: type[Config]) -> Family:
    """A family that is RoBERTa in all but its vocabulary."""
    return Family(
        model_type=model_type,
        title=title,
        class_prefix=class_prefix,
        config=config,
        read_config=read_roberta_config,
        encode=bert,
        heads=HEADS,
        names=NAMES,
        inputs=("token_type_ids", "position_ids"),
        narrows=True,
    )


FAMILY = roberta_family("roberta", "RoBERTa", "Roberta", RobertaConfig)
