"""The families of checkpoints, one file each: function, config reading, name table, heads."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping

from pellucid.architectures.family import Family
from pellucid.errors import UnknownModelTypeError

# By the `model_type` of config.json: the file of each family, and what it is called there.
_HOMES = {
    "albert": ("albert", "FAMILY"),
    "bert": ("bert", "FAMILY"),
    "camembert": ("camembert", "FAMILY"),
    "deberta": ("deberta", "FAMILY"),
    "deberta-v2": ("deberta_v2", "FAMILY"),
    "distilbert": ("distilbert", "FAMILY"),
    "electra": ("electra", "FAMILY"),
    "esm": ("esm", "FAMILY"),
    "gte": ("new", "GTE"),
    "mobilebert": ("mobilebert", "FAMILY"),
    "modernbert": ("modernbert", "FAMILY"),
    "mpnet": ("mpnet", "FAMILY"),
    "new": ("new", "FAMILY"),
    "nomic_bert": ("nomic_bert", "FAMILY"),
    "roberta": ("roberta", "FAMILY"),
    "xlm-roberta": ("xlm_roberta", "FAMILY"),
}


class _Families(Mapping[str, Family]):
    """The families by their `model_type`; a family's file is imported when the family is asked for."""

    def __getitem__(self, model_type: str) -> Family:
        module, name = _HOMES[model_type]
        family: Family = getattr(importlib.import_module(f"pellucid.architectures.{module}"), name)
        return family

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)


FAMILIES = _Families()


def family_of(model_type: object, name: str) -> Family:
    """The family that a config's `model_type` names.

    Args:
        model_type: the value of the key; None where it is missing.
        name: the checkpoint, for the message.

    Raises:
        UnknownModelTypeError: the key is missing or names a family that this version does not run.
    """
    if isinstance(model_type, str) and model_type in FAMILIES:
        return FAMILIES[model_type]
    known = ", ".join(sorted(FAMILIES))
    if model_type is None:
        said = f"The config.json of {name!r} has no `model_type`, so its family is not known."
    else:
        near = difflib.get_close_matches(str(model_type), FAMILIES, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        said = f"{name!r} is of the family `model_type` {model_type!r}, which this version does not run.{hint}"
    raise UnknownModelTypeError(f"{said} Families that it runs: {known}.", model_type=model_type, name=name)
