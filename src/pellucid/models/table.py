"""The explicit classes, `BertForSequenceClassification` and its kin: one for each family and head."""

from __future__ import annotations

from pellucid.architectures import FAMILIES
from pellucid.architectures.family import Family
from pellucid.models.base import PreTrainedModel


def _model_class(family: Family, head: str) -> type[PreTrainedModel]:
    name = family.class_prefix + family.heads[head].class_suffix
    task = "the encoder alone" if head == "base" else f"the encoder and the head for {head.replace('-', ' ')}"
    return type(
        name,
        (PreTrainedModel,),
        {
            "__doc__": f"{family.class_prefix}: {task}.\n\n{PreTrainedModel.__doc__}",
            "__module__": __name__,
            "family": family,
            "head": head,
            "config_class": family.config,
            "base_model_prefix": family.names.prefix.rstrip("."),
        },
    )


CLASSES: dict[tuple[str, str], type[PreTrainedModel]] = {
    (family.model_type, head): _model_class(family, head) for family in FAMILIES.values() for head in family.heads
}
"""By family and head."""

globals().update({model_class.__name__: model_class for model_class in CLASSES.values()})
