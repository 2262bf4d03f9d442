"""Pellucid runs Hugging Face checkpoints on text, with every step in plain view.

The names and the numbers are those of `transformers`: change the import line of a notebook and it runs. Nothing is
imported until a name is used, so `import pellucid` is quick. What each name is, editors read in `__init__.pyi`.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Each public name and the module that has it, but for the configs and models of the families, which their table names.
_HOMES = {
    "AlbertTokenizer": "pellucid.tokenizers",
    "AlbertTokenizerFast": "pellucid.tokenizers",
    "AutoConfig": "pellucid.models.auto",
    "AutoTokenizer": "pellucid.tokenizers",
    "BatchEncoding": "pellucid.tokenizers",
    "BertTokenizer": "pellucid.tokenizers",
    "BertTokenizerFast": "pellucid.tokenizers",
    "CamembertTokenizer": "pellucid.tokenizers",
    "CamembertTokenizerFast": "pellucid.tokenizers",
    "DebertaTokenizer": "pellucid.tokenizers",
    "DebertaTokenizerFast": "pellucid.tokenizers",
    "DebertaV2Tokenizer": "pellucid.tokenizers",
    "DebertaV2TokenizerFast": "pellucid.tokenizers",
    "DistilBertTokenizer": "pellucid.tokenizers",
    "DistilBertTokenizerFast": "pellucid.tokenizers",
    "ElectraTokenizer": "pellucid.tokenizers",
    "ElectraTokenizerFast": "pellucid.tokenizers",
    "EsmTokenizer": "pellucid.tokenizers",
    "FineTuned": "pellucid.training.finetune",
    "LoadingReport": "pellucid.checkpoints.report",
    "MPNetTokenizer": "pellucid.tokenizers",
    "MPNetTokenizerFast": "pellucid.tokenizers",
    "MobileBertTokenizer": "pellucid.tokenizers",
    "MobileBertTokenizerFast": "pellucid.tokenizers",
    "ModelOutput": "pellucid.outputs",
    "PellucidError": "pellucid.errors",
    "Pipeline": "pellucid.pipelines",
    "PreTrainedModel": "pellucid.models.base",
    "PreTrainedTokenizerFast": "pellucid.tokenizers",
    "PretrainedConfig": "pellucid.config",
    "RobertaTokenizer": "pellucid.tokenizers",
    "RobertaTokenizerFast": "pellucid.tokenizers",
    "XLMRobertaTokenizer": "pellucid.tokenizers",
    "XLMRobertaTokenizerFast": "pellucid.tokenizers",
    "finetune": "pellucid.training.finetune",
    "examine_checkpoint": "pellucid.doctor",
    "inspect_checkpoint": "pellucid.inspection",
    "pipeline": "pellucid.pipelines",
    "quantize": "pellucid.quantization.quantize",
}


def _homes() -> dict[str, str]:
    """Every public name and the module that has it."""
    from pellucid.models.auto import AUTO_CLASSES
    from pellucid.models.table import CLASSES

    homes = dict(_HOMES)
    for auto_class in AUTO_CLASSES:
        homes[auto_class.__name__] = auto_class.__module__
    for model_class in CLASSES.values():
        homes[model_class.config_class.__name__] = model_class.config_class.__module__
        homes[model_class.__name__] = "pellucid.models.table"
        homes[f"TF{model_class.__name__}"] = "pellucid.models.keras.table"
    return homes


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__all__":
        value = ["__version__", *sorted(_homes())]
    else:
        # The table is asked for classes alone: Python looks here for modules too, which are not in it.
        home = _HOMES.get(name) or (_homes().get(name) if name[:1].isupper() else None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_homes()})
