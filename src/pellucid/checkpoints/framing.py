"""What a checkpoint's own tokenizer puts around a text, read off its files without loading it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pellucid.checkpoints.hub import Checkpoint


@dataclass(frozen=True)
class Framing:
    """The special tokens around a text.

    Attributes:
        first: the id before it.
        last: the id behind it.
        first_token: that token as it is written.
        last_token: likewise.
    """

    first: int
    last: int
    first_token: str
    last_token: str


OLD_FILES = {"vocab.txt": (("[CLS]", "[SEP]"),), "vocab.json": (("<s>", "</s>"), ("[CLS]", "[SEP]"))}
"""Vocabularies from before tokenizer.json, and the tokens that their families put around a text."""


def framing_of(checkpoint: Checkpoint) -> Framing | None:
    """The special tokens that a checkpoint's tokenizer puts around a text; None where no file at hand tells.

    Nothing is fetched, and files that cannot be read tell nothing: who loads the tokenizer is told what is wrong.
    """
    try:
        path = checkpoint.at_hand("tokenizer.json")
        if path is not None:
            return _of_processor(json.loads(path.read_text(encoding="utf-8")).get("post_processor") or {})
        for name, pairs in OLD_FILES.items():
            path = checkpoint.at_hand(name)
            if path is None:
                continue
            text = path.read_text(encoding="utf-8")
            words = text.split("\n") if name.endswith(".txt") else None
            ids = json.loads(text) if words is None else {word: number for number, word in enumerate(words)}
            for first, last in pairs:
                if first in ids and last in ids:
                    return Framing(int(ids[first]), int(ids[last]), first, last)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
    return None


def _of_processor(state: dict[str, Any]) -> Framing | None:
    kind = state.get("type")
    if kind == "Sequence":
        return next((found for one in state["processors"] if (found := _of_processor(one))), None)
    if kind in ("BertProcessing", "RobertaProcessing"):
        (first, first_id), (last, last_id) = state["cls"], state["sep"]
        return Framing(int(first_id), int(last_id), first, last)
    if kind == "TemplateProcessing":
        ends = [state["single"][0], state["single"][-1]]
        if not all("SpecialToken" in one for one in ends):
            return None
        first, last = (one["SpecialToken"]["id"] for one in ends)
        ids = {name: one["ids"] for name, one in state["special_tokens"].items()}
        return Framing(int(ids[first][0]), int(ids[last][-1]), first, last)
    return None
