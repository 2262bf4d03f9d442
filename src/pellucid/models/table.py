"""The explicit classes: one for each family and head, all of them rows of one table."""

from __future__ import annotations

from pellucid.architectures.bert import FAMILY as BERT
from pellucid.architectures.distilbert import FAMILY as DISTILBERT
from pellucid.models.base import PreTrainedModel


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


CLASSES: dict[tuple[str, str], type[PreTrainedModel]] = {
    (model_class.family.model_type, model_class.head): model_class
    for model_class in (
        BertModel,
        BertForSequenceClassification,
        DistilBertModel,
        DistilBertForSequenceClassification,
    )
}
"""By family and head."""
