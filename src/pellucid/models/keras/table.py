"""The explicit classes that compute on TensorFlow: one for each family and head, all of them rows of one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.architectures.bert import FAMILY as BERT
from pellucid.architectures.distilbert import FAMILY as DISTILBERT
from pellucid.engines import installed
from pellucid.models.table import Table, table_of

if TYPE_CHECKING or "tensorflow" in installed():
    from pellucid.models.keras.model import TFPreTrainedModel
else:
    from pellucid.models.keras.missing import TFPreTrainedModel


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


TF_CLASSES: Table[TFPreTrainedModel] = table_of(
    TFBertModel, TFBertForSequenceClassification, TFDistilBertModel, TFDistilBertForSequenceClassification
)
"""By family and head."""
