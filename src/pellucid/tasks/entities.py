"""From the labels of tokens to entities: pieces to words, words to groups, groups of overlapping windows to one list.

The rules are those of `transformers` 4.57, its `TokenClassificationPipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pellucid.tasks.task import Floats

Entity = dict[str, Any]

Joined = Callable[[Sequence[str]], str]
"""Tokens as the tokenizer writes them → their text."""


class Piece(NamedTuple):
    """One token.

    Attributes:
        token: as the vocabulary has it, such as "##ton"; the text itself where it is unknown.
        scores: the probability of each label, `[C]`.
        start: where it begins in the text.
        end: where it ends.
        column: of the window.
        is_subword: whether it goes on with the word before it.
    """

    token: str
    scores: Floats
    start: int
    end: int
    column: int
    is_subword: bool


def entities_of(pieces: Sequence[Piece], strategy: str, labels: Mapping[int, str], joined: Joined) -> list[Entity]:
    """The entities of one window.

    Args:
        pieces: its tokens.
        strategy: "none": each token; "simple": groups of tokens; "first", "average", "max": groups of words.
        labels: their names.
        joined: what makes text of tokens.
    """
    if strategy in ("none", "simple"):
        tokens = [_token(piece, labels) for piece in pieces]
        return tokens if strategy == "none" else _groups(tokens, joined)
    words: list[list[Piece]] = []
    for piece in pieces:
        if words and piece.is_subword:
            words[-1].append(piece)
        else:
            words.append([piece])
    return _groups([_word(word, strategy, labels, joined) for word in words], joined)


def _token(piece: Piece, labels: Mapping[int, str]) -> Entity:
    best = int(piece.scores.argmax())
    return {
        "entity": labels[best],
        "score": float(piece.scores[best]),
        "index": piece.column,
        "word": piece.token,
        "start": piece.start,
        "end": piece.end,
    }


def _word(pieces: Sequence[Piece], strategy: str, labels: Mapping[int, str], joined: Joined) -> Entity:
    """The one label of a word: of its first piece, of the surest, or of the mean of all."""
    if strategy == "first":
        scores = pieces[0].scores
    elif strategy == "max":
        scores = max(pieces, key=lambda piece: piece.scores.max()).scores
    else:
        scores = np.stack([piece.scores for piece in pieces]).mean(axis=0)
    best = int(scores.argmax())
    return {
        "entity": labels[best],
        "score": float(scores[best]),
        "word": joined([piece.token for piece in pieces]),
        "start": pieces[0].start,
        "end": pieces[-1].end,
    }


def _groups(entities: Sequence[Entity], joined: Joined) -> list[Entity]:
    """Neighbours of one tag as one; a tag with "B-" begins a new one."""
    groups: list[list[Entity]] = []
    for entity in entities:
        begins, tag = _tag(entity["entity"])
        if groups and not begins and tag == _tag(groups[-1][-1]["entity"])[1]:
            groups[-1].append(entity)
        else:
            groups.append([entity])
    return [
        {
            "entity_group": group[0]["entity"].split("-", 1)[-1],
            "score": float(np.mean([entity["score"] for entity in group])),
            "word": joined([entity["word"] for entity in group]),
            "start": group[0]["start"],
            "end": group[-1]["end"],
        }
        for group in groups
    ]


def _tag(label: str) -> tuple[bool, str]:
    """Whether a label begins an entity, and of what: "B-PER" does, of PER; without a prefix it goes on."""
    return label.startswith("B-"), label[2:] if label[:2] in ("B-", "I-") else label


def without_overlaps(entities: Sequence[Entity]) -> list[Entity]:
    """Of entities that overlap, as windows over one text give them, the longer one; of equal ones the surer."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda one: one["start"]):
        if kept and kept[-1]["start"] <= entity["start"] < kept[-1]["end"]:
            before = kept[-1]
            longer = entity["end"] - entity["start"], entity["score"]
            if longer > (before["end"] - before["start"], before["score"]):
                kept[-1] = entity
        else:
            kept.append(entity)
    return kept
