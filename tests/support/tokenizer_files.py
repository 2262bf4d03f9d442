"""Tiny tokenizers, trained in a moment, as the files of checkpoints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

CORPUS = [
    "The quick brown fox jumps over the lazy dog, and the dog doesn't mind; it's 1,000 times lazier.",
    "Tokenizers split texts into pieces: unaffable, affable, transformers, transforming, transformed.",
    "Der schnelle braune Fuchs springt über den faulen Hund. Le garçon mange une pêche à l'été, naïve café.",
    "中文字符 日本語のテキスト 한국어 텍스트 العربية نص שלום עולם नमस्ते दुनिया",
    "hello world hello there hello again [MASK] <mask> 9,9 and 12,5 and 3.14 e-mail@example.org http://a.b/c",
] * 4


def write_byte_level(folder: Path, special_tokens: Sequence[str], size: int = 420) -> Path:
    """vocab.json and merges.txt of a byte-level BPE; the special tokens have the first ids."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    folder.mkdir(parents=True, exist_ok=True)
    state = json.loads(tokenizer.to_str())["model"]
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in state["merges"]]
    (folder / "vocab.json").write_text(json.dumps(state["vocab"], ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    return folder


def write_config(folder: Path, name: str, **config: object) -> Path:
    """A JSON file of a checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def names(folder: Path) -> list[str]:
    """The files of a folder, those of locks left out."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def lines(texts: Iterable[str]) -> str:
    """One text a line."""
    return "".join(f"{text}\n" for text in texts)
