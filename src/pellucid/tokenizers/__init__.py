"""Text to ids and back: the tokenizers of `transformers` 4.57 over the Rust library `tokenizers`.

The way of a text: `loading.py` reads the checkpoint's files → `backend.py` holds the Rust tokenizer, which splits →
`truncation.py` and `padding.py` cut and fill → `encoding.py` keeps what each token came from → `batch_encoding.py`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import AddedToken

    from pellucid.tokenizers.albert import AlbertTokenizer, AlbertTokenizerFast
    from pellucid.tokenizers.auto import AutoTokenizer
    from pellucid.tokenizers.base import PreTrainedTokenizerFast
    from pellucid.tokenizers.batch_encoding import BatchEncoding
    from pellucid.tokenizers.bert import (
        BertTokenizer,
        BertTokenizerFast,
        DistilBertTokenizer,
        DistilBertTokenizerFast,
        ElectraTokenizer,
        ElectraTokenizerFast,
        MobileBertTokenizer,
        MobileBertTokenizerFast,
    )
    from pellucid.tokenizers.deberta import DebertaTokenizer, DebertaTokenizerFast
    from pellucid.tokenizers.deberta_v2 import DebertaV2Tokenizer, DebertaV2TokenizerFast
    from pellucid.tokenizers.esm import EsmTokenizer
    from pellucid.tokenizers.mpnet import MPNetTokenizer, MPNetTokenizerFast
    from pellucid.tokenizers.roberta import RobertaTokenizer, RobertaTokenizerFast
    from pellucid.tokenizers.xlm_roberta import (
        CamembertTokenizer,
        CamembertTokenizerFast,
        XLMRobertaTokenizer,
        XLMRobertaTokenizerFast,
    )

__all__ = [
    "AddedToken",
    "AlbertTokenizer",
    "AlbertTokenizerFast",
    "AutoTokenizer",
    "BatchEncoding",
    "BertTokenizer",
    "BertTokenizerFast",
    "CamembertTokenizer",
    "CamembertTokenizerFast",
    "DebertaTokenizer",
    "DebertaTokenizerFast",
    "DebertaV2Tokenizer",
    "DebertaV2TokenizerFast",
    "DistilBertTokenizer",
    "DistilBertTokenizerFast",
    "ElectraTokenizer",
    "ElectraTokenizerFast",
    "EsmTokenizer",
    "MPNetTokenizer",
    "MPNetTokenizerFast",
    "MobileBertTokenizer",
    "MobileBertTokenizerFast",
    "PreTrainedTokenizerFast",
    "RobertaTokenizer",
    "RobertaTokenizerFast",
    "XLMRobertaTokenizer",
    "XLMRobertaTokenizerFast",
]

_HOMES = {
    "AddedToken": "tokenizers",
    "AlbertTokenizer": "pellucid.tokenizers.albert",
    "AlbertTokenizerFast": "pellucid.tokenizers.albert",
    "AutoTokenizer": "pellucid.tokenizers.auto",
    "BatchEncoding": "pellucid.tokenizers.batch_encoding",
    "BertTokenizer": "pellucid.tokenizers.bert",
    "BertTokenizerFast": "pellucid.tokenizers.bert",
    "CamembertTokenizer": "pellucid.tokenizers.xlm_roberta",
    "CamembertTokenizerFast": "pellucid.tokenizers.xlm_roberta",
    "DebertaTokenizer": "pellucid.tokenizers.deberta",
    "DebertaTokenizerFast": "pellucid.tokenizers.deberta",
    "DebertaV2Tokenizer": "pellucid.tokenizers.deberta_v2",
    "DebertaV2TokenizerFast": "pellucid.tokenizers.deberta_v2",
    "DistilBertTokenizer": "pellucid.tokenizers.bert",
    "DistilBertTokenizerFast": "pellucid.tokenizers.bert",
    "ElectraTokenizer": "pellucid.tokenizers.bert",
    "ElectraTokenizerFast": "pellucid.tokenizers.bert",
    "EsmTokenizer": "pellucid.tokenizers.esm",
    "MPNetTokenizer": "pellucid.tokenizers.mpnet",
    "MPNetTokenizerFast": "pellucid.tokenizers.mpnet",
    "MobileBertTokenizer": "pellucid.tokenizers.bert",
    "MobileBertTokenizerFast": "pellucid.tokenizers.bert",
    "PreTrainedTokenizerFast": "pellucid.tokenizers.base",
    "RobertaTokenizer": "pellucid.tokenizers.roberta",
    "RobertaTokenizerFast": "pellucid.tokenizers.roberta",
    "XLMRobertaTokenizer": "pellucid.tokenizers.xlm_roberta",
    "XLMRobertaTokenizerFast": "pellucid.tokenizers.xlm_roberta",
}


def __getattr__(name: str) -> Any:
    # The Rust library and NumPy are loaded when a name is first used, not by `import pellucid`.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
