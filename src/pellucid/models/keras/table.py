"""The explicit classes that compute on TensorFlow: one for each family and head, all of them rows of one table.

`TFBertForSequenceClassification` and its like are attributes of this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.engines import installed
from pellucid.models.table import Table

if TYPE_CHECKING or "tensorflow" in installed():
    from pellucid.models.keras.model import TFPreTrainedModel
else:
    from pellucid.models.keras.missing import TFPreTrainedModel

TF_CLASSES: Table[TFPreTrainedModel] = Table(TFPreTrainedModel, __name__, prefix="TF", on=" on TensorFlow")
"""By family and head."""

# All at once, so that Keras knows each of them when it reads a file.
globals().update({model_class.__name__: model_class for model_class in TF_CLASSES.values()})

if TYPE_CHECKING:

    def __getattr__(name: str) -> type[TFPreTrainedModel]: ...
