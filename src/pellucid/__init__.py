"""Pellucid runs Hugging Face checkpoints on text, with every step in plain view.

The names and the numbers are those of `transformers`: change the import line of a notebook and it runs. Nothing is
imported until a name is used, so `import pellucid` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Each public name, and the module that has it.
_HOMES = {
    "AlbertTokenizer": "pellucid.tokenizers",
    "AlbertTokenizerFast": "pellucid.tokenizers",
    "AutoConfig": "pellucid.models.auto",
    "AutoModel": "pellucid.models.auto",
    "AutoModelForSequenceClassification": "pellucid.models.auto",
    "AutoTokenizer": "pellucid.tokenizers",
    "BatchEncoding": "pellucid.tokenizers",
    "BertConfig": "pellucid.architectures.bert",
    "BertForSequenceClassification": "pellucid.models.table",
    "BertModel": "pellucid.models.table",
    "BertTokenizer": "pellucid.tokenizers",
    "BertTokenizerFast": "pellucid.tokenizers",
    "CamembertTokenizer": "pellucid.tokenizers",
    "CamembertTokenizerFast": "pellucid.tokenizers",
    "DebertaTokenizer": "pellucid.tokenizers",
    "DebertaTokenizerFast": "pellucid.tokenizers",
    "DebertaV2Tokenizer": "pellucid.tokenizers",
    "DebertaV2TokenizerFast": "pellucid.tokenizers",
    "DistilBertConfig": "pellucid.architectures.distilbert",
    "DistilBertForSequenceClassification": "pellucid.models.table",
    "DistilBertModel": "pellucid.models.table",
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
    "TFAutoModel": "pellucid.models.auto",
    "TFAutoModelForSequenceClassification": "pellucid.models.auto",
    "TFBertForSequenceClassification": "pellucid.models.keras.table",
    "TFBertModel": "pellucid.models.keras.table",
    "TFDistilBertForSequenceClassification": "pellucid.models.keras.table",
    "TFDistilBertModel": "pellucid.models.keras.table",
    "XLMRobertaTokenizer": "pellucid.tokenizers",
    "XLMRobertaTokenizerFast": "pellucid.tokenizers",
    "finetune": "pellucid.training.finetune",
    "inspect_checkpoint": "pellucid.models.inspection",
    "pipeline": "pellucid.pipelines",
}

__all__ = ["__version__", *_HOMES]

if TYPE_CHECKING:
    from pellucid.architectures.bert import BertConfig as BertConfig
    from pellucid.architectures.distilbert import DistilBertConfig as DistilBertConfig
    from pellucid.checkpoints.report import LoadingReport as LoadingReport
    from pellucid.config import PretrainedConfig as PretrainedConfig
    from pellucid.errors import PellucidError as PellucidError
    from pellucid.models.auto import AutoConfig as AutoConfig
    from pellucid.models.auto import AutoModel as AutoModel
    from pellucid.models.auto import AutoModelForSequenceClassification as AutoModelForSequenceClassification
    from pellucid.models.auto import TFAutoModel as TFAutoModel
    from pellucid.models.auto import TFAutoModelForSequenceClassification as TFAutoModelForSequenceClassification
    from pellucid.models.base import PreTrainedModel as PreTrainedModel
    from pellucid.models.inspection import inspect_checkpoint as inspect_checkpoint
    from pellucid.models.keras.table import TFBertForSequenceClassification as TFBertForSequenceClassification
    from pellucid.models.keras.table import TFBertModel as TFBertModel
    from pellucid.models.keras.table import (
        TFDistilBertForSequenceClassification as TFDistilBertForSequenceClassification,
    )
    from pellucid.models.keras.table import TFDistilBertModel as TFDistilBertModel
    from pellucid.models.table import BertForSequenceClassification as BertForSequenceClassification
    from pellucid.models.table import BertModel as BertModel
    from pellucid.models.table import (
        DistilBertForSequenceClassification as DistilBertForSequenceClassification,
    )
    from pellucid.models.table import DistilBertModel as DistilBertModel
    from pellucid.outputs import ModelOutput as ModelOutput
    from pellucid.pipelines import Pipeline as Pipeline
    from pellucid.pipelines import pipeline as pipeline
    from pellucid.tokenizers import AlbertTokenizer as AlbertTokenizer
    from pellucid.tokenizers import AlbertTokenizerFast as AlbertTokenizerFast
    from pellucid.tokenizers import AutoTokenizer as AutoTokenizer
    from pellucid.tokenizers import BatchEncoding as BatchEncoding
    from pellucid.tokenizers import BertTokenizer as BertTokenizer
    from pellucid.tokenizers import BertTokenizerFast as BertTokenizerFast
    from pellucid.tokenizers import CamembertTokenizer as CamembertTokenizer
    from pellucid.tokenizers import CamembertTokenizerFast as CamembertTokenizerFast
    from pellucid.tokenizers import DebertaTokenizer as DebertaTokenizer
    from pellucid.tokenizers import DebertaTokenizerFast as DebertaTokenizerFast
    from pellucid.tokenizers import DebertaV2Tokenizer as DebertaV2Tokenizer
    from pellucid.tokenizers import DebertaV2TokenizerFast as DebertaV2TokenizerFast
    from pellucid.tokenizers import DistilBertTokenizer as DistilBertTokenizer
    from pellucid.tokenizers import DistilBertTokenizerFast as DistilBertTokenizerFast
    from pellucid.tokenizers import ElectraTokenizer as ElectraTokenizer
    from pellucid.tokenizers import ElectraTokenizerFast as ElectraTokenizerFast
    from pellucid.tokenizers import EsmTokenizer as EsmTokenizer
    from pellucid.tokenizers import MobileBertTokenizer as MobileBertTokenizer
    from pellucid.tokenizers import MobileBertTokenizerFast as MobileBertTokenizerFast
    from pellucid.tokenizers import MPNetTokenizer as MPNetTokenizer
    from pellucid.tokenizers import MPNetTokenizerFast as MPNetTokenizerFast
    from pellucid.tokenizers import PreTrainedTokenizerFast as PreTrainedTokenizerFast
    from pellucid.tokenizers import RobertaTokenizer as RobertaTokenizer
    from pellucid.tokenizers import RobertaTokenizerFast as RobertaTokenizerFast
    from pellucid.tokenizers import XLMRobertaTokenizer as XLMRobertaTokenizer
    from pellucid.tokenizers import XLMRobertaTokenizerFast as XLMRobertaTokenizerFast
    from pellucid.training.finetune import FineTuned as FineTuned
    from pellucid.training.finetune import finetune as finetune


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
