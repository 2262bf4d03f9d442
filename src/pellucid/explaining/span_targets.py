"""Numbers that stand at tokens: the labels of entities, and where an answer begins and ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.explaining.scores import Logits, Term
from pellucid.explaining.targets import Asked, Target, label_number
from pellucid.explaining.texts import places_in, texts_of
from pellucid.tasks.spans import Spans, best_spans, places_of
from pellucid.tasks.task import Window, softmax


def of_token(asked: Asked) -> Target:
    """Token classification: the logit of a label at a token, or the mean of those of an entity's tokens.

    Without a target the surest entity of the answer; where there is none, the token nearest to being one.

    Raises:
        InputError: no such token or label, or a text without tokens.
    """
    labels: Mapping[int, str] = asked.task.context.config.id2label
    target = asked.target
    if target is None:
        entities = asked.best
        if not entities:
            return _nearest_entity(asked, labels)
        target = max(entities, key=lambda entity: entity["score"])
    if isinstance(target, str):
        target = _word_in(asked, target)
    elif type(target) is int:
        target = {"index": target}
    if not isinstance(target, Mapping) or not {"index", "start", "word"} & set(target):
        raise InputError(
            f"The target {target!r} names no token. Give a word of the text, the number of a token, or a dictionary "
            "with `index`, or `start` and `end`, or `word`, and perhaps `entity`: one of the pipeline's own answers.",
            target=target,
        )
    if "index" not in target and "start" not in target:
        target = {**target, **_word_in(asked, target["word"])}
    window, rows = _at_index(asked, target) if "index" in target else _at_place(asked, target)
    columns = _columns(labels, target, window, rows)
    terms = [Term("logits", row, column, 1 / len(rows)) for row, column in zip(rows, columns, strict=True)]
    words = _text_of(asked, window, rows)
    of = "the logit of the label at the token" if len(rows) == 1 else "the mean of the logits of the tokens' labels"
    names = list(dict.fromkeys(labels[column] for column in columns))
    return Target(f"{'/'.join(names)} of {words!r}", of, window, Logits(terms))


def _nearest_entity(asked: Asked, labels: Mapping[int, str]) -> Target:
    ignored = [number for number, label in labels.items() if label in asked.settings.ignored]
    found: list[tuple[float, int, int, Window]] = []
    for window in asked.windows:
        scores = softmax(window.values["logits"])
        scores[:, ignored] = -1
        scores[np.asarray(window.encoding.special_tokens_mask, bool)] = -1
        place = int(scores.argmax())
        found.append((float(scores.ravel()[place]), place // len(labels), place % len(labels), window))
    score, row, column, window = max(found, key=lambda one: one[0])
    if score < 0:
        raise InputError("The text has no token whose label could be explained. Give a text with words.")
    name = f"{labels[column]} of {_text_of(asked, window, [row])!r}"
    number = "the logit of the likeliest label, since the text has no entity"
    return Target(name, number, window, Logits([Term("logits", row, column)]))


def _word_in(asked: Asked, word: str) -> dict[str, int]:
    """Where a word first stands in the text.

    Raises:
        InputError: nowhere.
    """
    (text,) = texts_of(asked.rows[0], asked.settings)
    start = text.find(word)
    if start < 0 or not word:
        raise InputError(f"{word!r} does not stand in the text. Name a word that does, or a token's number.")
    return {"start": start, "end": start + len(word)}


def _at_index(asked: Asked, target: Mapping[str, Any]) -> tuple[Window, list[int]]:
    window, index = asked.windows[0], target["index"]
    special = window.encoding.special_tokens_mask
    if type(index) is not int or not 0 <= index < len(special) or special[index]:
        raise InputError(
            f"There is no token {index!r} of the text: its tokens are {_own(special)}; others are special.",
            target=dict(target),
        )
    return window, [index]


def _own(special: Sequence[int]) -> str:
    own = [place for place, is_special in enumerate(special) if not is_special]
    return f"{own[0]} to {own[-1]}" if own else "none"


def _at_place(asked: Asked, target: Mapping[str, Any]) -> tuple[Window, list[int]]:
    """The tokens at some characters, in the window that has most of them, and of such the one that reads most."""
    start, end = target["start"], target.get("end", target["start"] + 1)
    found = []
    for window in asked.windows:
        places = places_in(window.encoding, asked.rows[window.row], asked.settings)
        rows = [row for row, (first, last) in enumerate(places) if first < end and last > start]
        inside = min(rows[0], len(places) - 1 - rows[-1]) if rows else 0
        found.append((len(rows), inside, window, rows))
    count, _, window, rows = max(found, key=lambda one: one[:2])
    if not count:
        raise InputError(
            f"No token that was read stands at the characters {start} to {end} of the text.", target=dict(target)
        )
    return window, rows


def _columns(labels: Mapping[int, str], target: Mapping[str, Any], window: Window, rows: Sequence[int]) -> list[int]:
    """The label of each token: the one that is named, the likeliest of an entity's kind, or the likeliest of all."""
    logits = window.values["logits"]
    named, group = target.get("entity"), target.get("entity_group")
    if named is not None:
        return [label_number(labels, named)] * len(rows)
    allowed = list(labels)
    if group is not None:
        allowed = [number for number, label in labels.items() if label.split("-", 1)[-1] == group]
        if not allowed:
            kinds = dict.fromkeys(label.split("-", 1)[-1] for label in labels.values())
            raise InputError(f"There is no entity_group {group!r}. Groups: {', '.join(kinds)}.", target=dict(target))
    return [max(allowed, key=lambda column: logits[row, column]) for row in rows]


def _text_of(asked: Asked, window: Window, rows: Sequence[int]) -> str:
    places = places_in(window.encoding, asked.rows[window.row], asked.settings)
    (text,) = texts_of(asked.rows[window.row], asked.settings)
    return text[places[rows[0]][0] : places[rows[-1]][1]]


def of_answer(asked: Asked) -> Target:
    """Question answering: the start logit and the end logit of an answer, added.

    Raises:
        InputError: the answer does not stand in the context, or longer than a window.
    """
    settings = asked.settings
    sequence = 1 if settings.question_first else 0
    context = asked.rows[0].pair if settings.question_first else asked.rows[0].text
    target = asked.target
    if isinstance(target, str):
        start = context.find(target)
        if start < 0 or not target:
            raise InputError(f"{target!r} does not stand in the context, so it is no answer. Copy it from there.")
        target = {"start": start, "end": start + len(target)}
    elif target is None:
        best = asked.best
        target = best[0] if isinstance(best, list) else best
        if target["end"]:
            found = _as_answered(asked, target, sequence)
            if found is not None:
                return _span(*found, context[target["start"] : target["end"]])
    if not isinstance(target, Mapping) or not {"start", "end"} <= set(target):
        raise InputError(
            "The target must be words of the context, or a dictionary with `start` and `end`: one of the pipeline's "
            "own answers.",
            target=target,
        )
    start, end = target["start"], target["end"]
    if not end:
        # "There is no answer": the first token, of the window that is least sure of it, as the task judges it.
        window = min(asked.windows, key=lambda one: _spans_of(asked, one, sequence).none_score)
        return _span(window, 0, 0, "no answer")
    candidates = []
    for window in asked.windows:
        offsets, owners = window.encoding.offsets, window.encoding.sequence_ids
        rows = [
            row for row, (first, last) in enumerate(offsets) if owners[row] == sequence and first < end and last > start
        ]
        if rows and offsets[rows[0]][0] <= start and offsets[rows[-1]][1] >= min(end, len(context)):
            candidates.append((_logit(window, rows[0], rows[-1]), window, rows[0], rows[-1]))
    if not candidates:
        raise InputError(
            f"No window of the context holds the characters {start} to {end} whole, so nothing can be said of that "
            f"answer. A window has up to {settings.tokenizing['max_length']} tokens; see `max_seq_len`.",
            target=dict(target),
        )
    _, window, first, last = max(candidates, key=lambda one: one[0])
    return _span(window, first, last, context[start:end])


def _as_answered(asked: Asked, answer: Mapping[str, Any], sequence: int) -> tuple[Window, int, int] | None:
    """The window and the tokens that the pipeline's answer came from, by its own rules."""
    found: list[tuple[float, Window, int, int]] = []
    for window in asked.windows:
        for first, last, score in _spans_of(asked, window, sequence).best:
            place = places_of(window.encoding, first, last, sequence, asked.settings.aligns)
            if place == (answer["start"], answer["end"]):
                found.append((score, window, first, last))
    return max(found, key=lambda one: one[0])[1:] if found else None


def _spans_of(asked: Asked, window: Window, sequence: int) -> Spans:
    """The likeliest spans of a window, as the task finds them."""
    settings, encoding = asked.settings, window.encoding
    first_id = asked.task.context.tokenizer.cls_token_id
    return best_spans(
        window.values["start_logits"][:, 0],
        window.values["end_logits"][:, 0],
        [one == sequence or token == first_id
         for one, token in zip(encoding.sequence_ids, encoding.ids, strict=True)],
        count=settings.top_k * 2 + 10 if settings.aligns else settings.top_k,
        max_length=settings.max_answer_length,
    )  # fmt: skip


def _logit(window: Window, first: int, last: int) -> float:
    return float(window.values["start_logits"][first, 0] + window.values["end_logits"][last, 0])


def _span(window: Window, first: int, last: int, name: str) -> Target:
    terms = [Term("start_logits", first, 0), Term("end_logits", last, 0)]
    return Target(name, "the start logit and the end logit of the answer, added", window, Logits(terms))
