"""The families of checkpoints, one file each: function, config reading, name table, heads."""

from __future__ import annotations

import difflib

from pellucid.architectures.albert import FAMILY as ALBERT
from pellucid.architectures.bert import FAMILY as BERT
from pellucid.architectures.camembert import FAMILY as CAMEMBERT
from pellucid.architectures.deberta import FAMILY as DEBERTA
from pellucid.architectures.deberta_v2 import FAMILY as DEBERTA_V2
from pellucid.architectures.distilbert import FAMILY as DISTILBERT
from pellucid.architectures.electra import FAMILY as ELECTRA
from pellucid.architectures.esm import FAMILY as ESM
from pellucid.architectures.family import Family
from pellucid.architectures.mobilebert import FAMILY as MOBILEBERT
from pellucid.architectures.modernbert import FAMILY as MODERNBERT
from pellucid.architectures.mpnet import FAMILY as MPNET
from pellucid.architectures.new import FAMILY as NEW
from pellucid.architectures.new import GTE
from pellucid.architectures.nomic_bert import FAMILY as NOMIC_BERT
from pellucid.architectures.roberta import FAMILY as ROBERTA
from pellucid.architectures.xlm_roberta import FAMILY as XLM_ROBERTA
from pellucid.errors import UnknownModelTypeError

FAMILIES = {
    family.model_type: family
    for family in (
        ALBERT,
        BERT,
        CAMEMBERT,
        DEBERTA,
        DEBERTA_V2,
        DISTILBERT,
        ELECTRA,
        ESM,
        GTE,
        MOBILEBERT,
        MODERNBERT,
        MPNET,
        NEW,
        NOMIC_BERT,
        ROBERTA,
        XLM_ROBERTA,
    )
}


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
