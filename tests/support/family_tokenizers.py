"""A tiny trained tokenizer of each family's own kind: WordPiece, byte-level BPE, or Unigram."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from support.tokenizer_files import CORPUS, write_byte_level, write_config, write_sentencepiece

TOKENIZER_CLASSES = {
    "albert": "AlbertTokenizer",
    "bert": "BertTokenizer",
    "camembert": "CamembertTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "ElectraTokenizer",
    "mobilebert": "MobileBertTokenizer",
    "modernbert": "PreTrainedTokenizerFast",
    "mpnet": "MPNetTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
}

OF_BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
OF_FAIRSEQ = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
OF_DEBERTA = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]

POSITIONS = 40
"""How many positions the tiny models have."""

COUNTED_FROM_PADDING = ("camembert", "mpnet", "roberta", "xlm-roberta")
"""Families whose first token stands at position 2."""


def longest_text(family: str) -> int:
    """How many tokens a text may have."""
    return POSITIONS - 2 if family in COUNTED_FROM_PADDING else POSITIONS


def write_wordpiece(folder: Path, special: list[str], size: int = 320) -> None:
    """vocab.txt of a WordPiece tokenizer; the special tokens have the first ids."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=special[1]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokens = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(token for token, _ in tokens) + "\n", encoding="utf-8")


def write_family_tokenizer(folder: Path, family: str) -> dict[str, Any]:
    """The files of a tokenizer as the family's checkpoints of old have them; for ModernBERT a tokenizer.json.

    Returns:
        What its checkpoint's config must say of it.
    """
    name = TOKENIZER_CLASSES[family]
    options: dict[str, Any] = {"model_max_length": longest_text(family), "tokenizer_class": name}
    if family in ("bert", "distilbert", "electra", "mobilebert"):
        write_wordpiece(folder, OF_BERT)
    elif family == "mpnet":
        # MPNet's has two tokens for what is unknown: one of fairseq, and BERT's, which is the one in use.
        write_wordpiece(folder, ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"])
    elif family == "roberta":
        write_byte_level(folder, OF_FAIRSEQ)
    elif family in ("deberta", "modernbert"):
        write_byte_level(folder, OF_DEBERTA)
    else:
        write_sentencepiece(folder, name)
    if family == "modernbert":
        roles = zip(("cls_token", "pad_token", "sep_token", "unk_token", "mask_token"), OF_DEBERTA, strict=True)
        options |= {**dict(roles), "model_input_names": ["input_ids", "attention_mask"]}
        _join_byte_level(folder)
    write_config(folder, "tokenizer_config", **options)
    return {"vocab_size": _size(folder, name), "pad_token_id": 1 if family in ONE_IS_PADDING else 0}


ONE_IS_PADDING = ("camembert", "deberta", "modernbert", "mpnet", "roberta", "xlm-roberta")


def _size(folder: Path, name: str) -> int:
    import pellucid

    class_name = name if name.endswith("Fast") else f"{name}Fast"
    return len(getattr(pellucid, class_name).from_pretrained(folder))


def _join_byte_level(folder: Path) -> None:
    """A tokenizer.json of vocab.json and merges.txt, with special tokens around the texts."""
    parts = folder / "vocab.json", folder / "merges.txt"
    backend = Tokenizer(models.BPE.from_file(*map(str, parts)))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 2)]
    )
    backend.add_special_tokens(OF_DEBERTA)
    (folder / "tokenizer.json").write_text(json.dumps(json.loads(backend.to_str())), encoding="utf-8")
    for part in parts:
        part.unlink()
