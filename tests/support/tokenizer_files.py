"""Tiny tokenizers, trained in a moment, as the files of checkpoints."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4

# The first pieces of each family's sentencepiece file.
FIRST_PIECES: dict[str, list[tuple[str, int]]] = {
    "AlbertTokenizer": [
        ("<pad>", CONTROL),
        ("<unk>", UNKNOWN),
        *((token, CONTROL) for token in ("[CLS]", "[SEP]", "[MASK]")),
        *((mark, USER_DEFINED) for mark in "()"),
    ],
    "CamembertTokenizer": [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)],
    "DebertaV2Tokenizer": [("[PAD]", CONTROL), ("[CLS]", CONTROL), ("[SEP]", CONTROL), ("[UNK]", UNKNOWN)],
    "XLMRobertaTokenizer": [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)],
}
SENTENCEPIECE_FILES = {
    "AlbertTokenizer": "spiece.model",
    "CamembertTokenizer": "sentencepiece.bpe.model",
    "DebertaV2Tokenizer": "spm.model",
    "XLMRobertaTokenizer": "sentencepiece.bpe.model",
}


def unigram_pieces(first: Sequence[tuple[str, int]], size: int = 320) -> list[tuple[str, float, int]]:
    """A trained vocabulary after some first pieces: text, score, kind."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=size, show_progress=False, unk_token="<unk>")
    tokenizer.train_from_iterator(CORPUS, trainer)
    vocabulary = json.loads(tokenizer.to_str())["model"]["vocab"]
    names = {name for name, _ in first}
    trained = [(text, score, NORMAL) for text, score in vocabulary if text not in names and text != "<unk>"]
    return [*((name, 0.0, kind) for name, kind in first), *trained, ("▁9,", -3.0, NORMAL), ("9,", -3.0, NORMAL)]


def bpe_pieces(first: Sequence[tuple[str, int]], size: int = 320) -> list[tuple[str, float, int]]:
    """The same of a BPE, as sentencepiece writes it: merged pieces by rank, then the letters."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, show_progress=False))
    ids = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    pieces = [text for text, _ in ids if len(text) > 1] + [text for text, _ in ids if len(text) == 1]
    return [
        *((name, 0.0, kind) for name, kind in first),
        *((text, float(-rank), NORMAL) for rank, text in enumerate(pieces)),
    ]


def varint(number: int) -> bytes:
    """A whole number as Protocol Buffers write it."""
    groups = []
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def proto_field(number: int, value: Any) -> bytes:
    """A field: whole numbers as varints, floats in four bytes, bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def sentencepiece_model(
    pieces: Sequence[tuple[str, float, int]],
    *,
    model_type: int = 1,
    unk_id: int | None = None,
    character_map: bytes = b"",
) -> bytes:
    """The bytes of a sentencepiece model file."""
    rows = b""
    for text, score, kind in pieces:
        row = proto_field(1, text.encode()) + proto_field(2, score)
        rows += proto_field(1, row + (proto_field(3, kind) if kind != NORMAL else b""))
    unknown = next(index for index, piece in enumerate(pieces) if piece[2] == UNKNOWN) if unk_id is None else unk_id
    trainer = proto_field(3, model_type) + proto_field(40, unknown) + proto_field(41, 2**64 - 1)
    trainer += proto_field(45, pieces[unknown][0].encode() if unknown < len(pieces) else b"<unk>")
    normalizer = proto_field(1, b"identity") + (proto_field(2, character_map) if character_map else b"")
    return rows + proto_field(2, trainer) + proto_field(3, normalizer)


def write_sentencepiece(folder: Path, name: str, *, bpe: bool = False, character_map: bytes = b"") -> Path:
    """The sentencepiece file of a family, by the name of its Python class."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = (bpe_pieces if bpe else unigram_pieces)(FIRST_PIECES[name])
    content = sentencepiece_model(pieces, model_type=2 if bpe else 1, character_map=character_map)
    (folder / SENTENCEPIECE_FILES[name]).write_bytes(content)
    return folder


def write_config(folder: Path, name: str, **config: object) -> Path:
    """A JSON file of a checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def names(folder: Path) -> list[str]:
    """The files of a folder, those of locks left out."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
