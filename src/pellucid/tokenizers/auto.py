"""Which tokenizer class a checkpoint asks for."""

from __future__ import annotations

import os
from typing import Any

from pellucid.checkpoints.hub import Checkpoint
from pellucid.errors import AutoClassError, TokenizerError
from pellucid.tokenizers.albert import AlbertTokenizer, AlbertTokenizerFast
from pellucid.tokenizers.base import PreTrainedTokenizerFast
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
from pellucid.tokenizers.loading import (
    CONFIG_FILE,
    TOKENIZER_FILE,
    locate_tokenizer,
    not_found,
    read_config,
)
from pellucid.tokenizers.mpnet import MPNetTokenizer, MPNetTokenizerFast
from pellucid.tokenizers.roberta import RobertaTokenizer, RobertaTokenizerFast
from pellucid.tokenizers.xlm_roberta import (
    CamembertTokenizer,
    CamembertTokenizerFast,
    XLMRobertaTokenizer,
    XLMRobertaTokenizerFast,
)

# By the names in tokenizer_config.json, without "Fast": the class of the Python name, and the fast one.
CLASSES: dict[str, tuple[type[PreTrainedTokenizerFast], type[PreTrainedTokenizerFast]]] = {
    "AlbertTokenizer": (AlbertTokenizer, AlbertTokenizerFast),
    "BertTokenizer": (BertTokenizer, BertTokenizerFast),
    "CamembertTokenizer": (CamembertTokenizer, CamembertTokenizerFast),
    "DebertaTokenizer": (DebertaTokenizer, DebertaTokenizerFast),
    "DebertaV2Tokenizer": (DebertaV2Tokenizer, DebertaV2TokenizerFast),
    "DistilBertTokenizer": (DistilBertTokenizer, DistilBertTokenizerFast),
    "ElectraTokenizer": (ElectraTokenizer, ElectraTokenizerFast),
    "EsmTokenizer": (EsmTokenizer, EsmTokenizer),
    "MPNetTokenizer": (MPNetTokenizer, MPNetTokenizerFast),
    "MobileBertTokenizer": (MobileBertTokenizer, MobileBertTokenizerFast),
    "RobertaTokenizer": (RobertaTokenizer, RobertaTokenizerFast),
    "XLMRobertaTokenizer": (XLMRobertaTokenizer, XLMRobertaTokenizerFast),
}

# By the `model_type` of config.json. ModernBERT has no class of its own, and the family "new" has no one class: their
# checkpoints have a tokenizer.json, and tokenizer_config.json names the class.
FAMILIES = {
    "albert": "AlbertTokenizer",
    "bert": "BertTokenizer",
    "camembert": "CamembertTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "ElectraTokenizer",
    "esm": "EsmTokenizer",
    "gte": "XLMRobertaTokenizer",
    "mobilebert": "MobileBertTokenizer",
    "mpnet": "MPNetTokenizer",
    "nomic_bert": "BertTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
}

# Families whose models take no token types: what a tokenizer of another class hands to them.
WITHOUT_TOKEN_TYPES = frozenset(
    [
        "bart",
        "camembert",
        "distilbert",
        "esm",
        "gpt2",
        "longformer",
        "modernbert",
        "mpnet",
        "roberta",
        "t5",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    ]
)


class AutoTokenizer:
    """Picks the tokenizer class that a checkpoint asks for; only `from_pretrained` makes sense."""

    def __init__(self) -> None:
        raise AutoClassError(
            "AutoTokenizer is designed to be instantiated using the "
            "`AutoTokenizer.from_pretrained(pretrained_model_name_or_path)` method."
        )

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], *, use_fast: bool = True, **kwargs: Any
    ) -> PreTrainedTokenizerFast:
        """Load the tokenizer of a checkpoint.

        The class is the one that tokenizer_config.json names, else that of the model type in config.json. Where neither
        names a class that is known here, a tokenizer.json is enough: it is loaded as `PreTrainedTokenizerFast`.

        Args:
            pretrained_model_name_or_path: a folder, or the name of a repository on the Hub.
            use_fast: False gives the class its name without "Fast"; the splitting is done by the Rust library always.
            **kwargs: where to look, and overrides, as for `PreTrainedTokenizerFast.from_pretrained`; `tokenizer_type`
                names the model type and `config` a model's configuration, for checkpoints that do not say.

        Raises:
            TokenizerNotFoundError: the checkpoint has no tokenizer files; the message lists those looked for.
            TokenizerError: they are damaged, or of a class that is not known here and cannot be loaded without it.
            CheckpointNotFoundError: there is no such folder or repository.
            OfflineError: they are not in the cache, and the Hub is out of reach.
        """
        config = kwargs.pop("config", None)
        tokenizer_type = kwargs.pop("tokenizer_type", None)
        if tokenizer_type is not None and tokenizer_type not in FAMILIES:
            raise TokenizerError(
                f"Passed `tokenizer_type` {tokenizer_type} does not exist. `tokenizer_type` should be one of "
                f"{', '.join(FAMILIES)}."
            )
        checkpoint = locate_tokenizer(pretrained_model_name_or_path, kwargs)
        model_type = tokenizer_type or getattr(config, "model_type", None)
        name = (
            FAMILIES[tokenizer_type] if tokenizer_type else read_config(checkpoint, CONFIG_FILE).get("tokenizer_class")
        )
        if model_type is None:
            model_config = read_config(checkpoint, "config.json")
            model_type = model_config.get("model_type")
            name = name or model_config.get("tokenizer_class")
        name = name or FAMILIES.get(str(model_type))
        stem = str(name).removesuffix("Fast")
        classes = CLASSES.get(stem)
        if classes is None and checkpoint.file(TOKENIZER_FILE) is None:
            raise _unknown(checkpoint, name, model_type)
        kind = PreTrainedTokenizerFast if classes is None else classes[1 if use_fast else 0]
        tokenizer = kind._from_checkpoint(checkpoint, kwargs)
        # transformers 5, which writes "backend", names BERT's class for most models that split as BERT does.
        is_general = classes is None or ("backend" in tokenizer.init_kwargs and stem != FAMILIES.get(str(model_type)))
        if is_general and str(model_type) in WITHOUT_TOKEN_TYPES and "model_input_names" not in tokenizer.init_kwargs:
            tokenizer.model_input_names = ["input_ids", "attention_mask"]
        return tokenizer


def _unknown(checkpoint: Checkpoint, name: Any, model_type: Any) -> Exception:
    """The error for a checkpoint without tokenizer.json whose class is not known."""
    known = ", ".join(CLASSES)
    old_names = sorted({file for kind, _ in CLASSES.values() for file in kind._vocabulary_names().values()})
    present = [file for file in old_names if name is None and checkpoint.file(file) is not None]
    if name is None and not present:
        return not_found(checkpoint, TOKENIZER_FILE, *old_names)
    if name is None:
        return TokenizerError(
            f"{checkpoint.name} has a {present[0]}, but neither {CONFIG_FILE} nor config.json says what tokenizer it "
            f"is for (model_type is {model_type!r}). Load it with its class, e.g. BertTokenizer.from_pretrained(…, "
            f"do_lower_case=True). Supported: {known}.",
            path=checkpoint.name,
        )
    return TokenizerError(
        f"Tokenizer class {name} does not exist or is not currently imported, and {checkpoint.name} has no "
        f"{TOKENIZER_FILE}, which would do without. Supported: {known}, and any tokenizer with a {TOKENIZER_FILE}.",
        path=checkpoint.name,
        tokenizer_class=name,
    )
