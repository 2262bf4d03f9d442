"""The explicit classes: one for each family and head, all of them rows of one table, the families' own.

`BertForSequenceClassification` and its like are attributes of this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pellucid.architectures import FAMILIES
from pellucid.architectures.family import Family
from pellucid.models.base import PreTrainedModel
from pellucid.models.pretrained import Pretrained

PURPOSES = {
    "base": "the encoder alone",
    "masked-language-model": "and a head that finds the words behind masks",
    "next-sentence": "and a head that tells whether the second text follows the first",
    "sequence-classification": "and a head that labels whole texts",
    "multiple-choice": "and a head that chooses one of several texts",
    "token-classification": "and a head that labels tokens",
    "question-answering": "and a head that finds where the answer stands",
    "replaced-token-detection": "and a head that tells which tokens were replaced",
}
"""What each head is for, in the words of the classes' documentation."""

Model = TypeVar("Model", bound=Pretrained)

Table: TypeAlias = dict[tuple[str, str], type[Model]]


def table_of(model_class: type[Model], module: str, *, prefix: str = "", on: str = "") -> Table[Model]:
    """Classes by their family and head.

    Args:
        model_class: what all of them derive from.
        module: where they are found.
        prefix: of their names.
        on: what their documentation says behind the family's name.
    """
    return {
        (family.model_type, head): _class_of(model_class, family, head, module, prefix, on)
        for family in FAMILIES.values()
        for head in family.heads
    }


def _class_of(model_class: type[Model], family: Family, head: str, module: str, prefix: str, on: str) -> type[Model]:
    name = prefix + family.class_prefix + family.heads[head].class_suffix
    purpose = f": {PURPOSES[head]}" if head == "base" else f" {PURPOSES[head]}"
    own: dict[str, Any] = {
        "family": family,
        "head_name": head,
        "__module__": module,
        "__qualname__": name,
        "__doc__": f"{family.title}{on}{purpose}.",
    }
    return type(name, (model_class,), own)


CLASSES: Table[PreTrainedModel] = table_of(PreTrainedModel, __name__)
"""By family and head."""

globals().update({model_class.__name__: model_class for model_class in CLASSES.values()})

if TYPE_CHECKING:

    def __getattr__(name: str) -> type[PreTrainedModel]: ...
