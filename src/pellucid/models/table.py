"""The explicit classes: one for each family and head, all of them rows of one table, the families' own.

`BertForSequenceClassification` and its like are attributes of this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

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


class Table(Mapping[tuple[str, str], type[Model]], Generic[Model]):
    """Classes by their family and head; a class is made when it is first asked for.

    Args:
        model_class: what all of them derive from.
        module: where they are found.
        prefix: of their names.
        on: what their documentation says behind the family's name.
    """

    def __init__(self, model_class: type[Model], module: str, *, prefix: str = "", on: str = "") -> None:
        self._model_class, self._module, self._prefix, self._on = model_class, module, prefix, on
        self._made: dict[tuple[str, str], type[Model]] = {}

    def __getitem__(self, key: tuple[str, str]) -> type[Model]:
        if key not in self._made:
            # Where two threads ask at once, both get the first one's.
            self._made.setdefault(key, self._class_of(FAMILIES[key[0]], key[1]))
        return self._made[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((model_type, head) for model_type, family in FAMILIES.items() for head in family.heads)

    def __len__(self) -> int:
        return sum(len(family.heads) for family in FAMILIES.values())

    def _class_of(self, family: Family, head: str) -> type[Model]:
        name = self._prefix + family.class_prefix + family.heads[head].class_suffix
        purpose = f": {PURPOSES[head]}" if head == "base" else f" {PURPOSES[head]}"
        own: dict[str, Any] = {
            "family": family,
            "head_name": head,
            "__module__": self._module,
            "__qualname__": name,
            "__doc__": f"{family.title}{self._on}{purpose}.",
        }
        return type(name, (self._model_class,), own)


CLASSES: Table[PreTrainedModel] = Table(PreTrainedModel, __name__)
"""By family and head."""


def __getattr__(name: str) -> type[PreTrainedModel]:
    for model_class in CLASSES.values() if name[:1].isupper() else ():
        if model_class.__name__ == name:
            return model_class
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
