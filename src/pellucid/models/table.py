"""The explicit classes: one for each family and head, all of them rows of one table."""

from __future__ import annotations

from typing import TypeAlias

from pellucid.architectures.bert import FAMILY as BERT
from pellucid.architectures.distilbert import FAMILY as DISTILBERT
from pellucid.models.base import PreTrainedModel
from pellucid.models.tensorflow import TFPreTrainedModel


class BertModel(PreTrainedModel):
    """BERT: the encoder alone, with its pooler."""

    family, head = BERT, "base"


class BertForSequenceClassification(PreTrainedModel):
    """BERT and a head that labels whole texts."""

    family, head = BERT, "sequence-classification"


class DistilBertModel(PreTrainedModel):
    """DistilBERT: the encoder alone."""

    family, head = DISTILBERT, "base"


class DistilBertForSequenceClassification(PreTrainedModel):
    """DistilBERT and a head that labels whole texts."""

    family, head = DISTILBERT, "sequence-classification"


class TFBertModel(TFPreTrainedModel):
    """BERT on TensorFlow: the encoder alone, with its pooler."""

    family, head = BERT, "base"


class TFBertForSequenceClassification(TFPreTrainedModel):
    """BERT on TensorFlow and a head that labels whole texts."""

    family, head = BERT, "sequence-classification"


class TFDistilBertModel(TFPreTrainedModel):
    """DistilBERT on TensorFlow: the encoder alone."""

    family, head = DISTILBERT, "base"


class TFDistilBertForSequenceClassification(TFPreTrainedModel):
    """DistilBERT on TensorFlow and a head that labels whole texts."""

    family, head = DISTILBERT, "sequence-classification"


Table: TypeAlias = dict[tuple[str, str], type[PreTrainedModel]]


def _table(*model_classes: type[PreTrainedModel]) -> Table:
    return {(model_class.family.model_type, model_class.head): model_class for model_class in model_classes}


CLASSES = _table(BertModel, BertForSequenceClassification, DistilBertModel, DistilBertForSequenceClassification)
"""By family and head."""

TF_CLASSES = _table(
    TFBertModel, TFBertForSequenceClassification, TFDistilBertModel, TFDistilBertForSequenceClassification
)
"""Likewise, the classes that compute on TensorFlow."""
