"""The explicit classes: one for each family and head, all of them rows of one table."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

from pellucid.architectures.bert import FAMILY as BERT
from pellucid.architectures.distilbert import FAMILY as DISTILBERT
from pellucid.models.base import PreTrainedModel
from pellucid.models.pretrained import Pretrained


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


Model = TypeVar("Model", bound=Pretrained)

Table: TypeAlias = dict[tuple[str, str], type[Model]]


def table_of(*model_classes: type[Model]) -> Table[Model]:
    """Classes by their family and head."""
    return {(model_class.family.model_type, model_class.head): model_class for model_class in model_classes}


CLASSES: Table[PreTrainedModel] = table_of(
    BertModel, BertForSequenceClassification, DistilBertModel, DistilBertForSequenceClassification
)
"""By family and head."""
