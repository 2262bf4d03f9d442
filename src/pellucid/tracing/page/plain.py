"""What a page shows without scripts: input, stages, the packed layout, and tables. All text is escaped here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from pellucid.tracing.page.drawings import bar, packed_drawing, vector_drawing
from pellucid.tracing.page.tables import Cell, table, text

if TYPE_CHECKING:
    from pellucid.tracing.parts import Stage
    from pellucid.tracing.trace import Trace

ROWS = 60
"""The most rows of a table of labels, or of answers."""

CHARACTERS = 4000
"""The most characters of an answer that is no table."""


def input_part(given: Any) -> str:
    """What was asked: a text, or texts with names."""
    if isinstance(given, str):
        return f'<p class="input" dir="auto" tabindex="0" role="region" aria-label="input">{escape(given)}</p>'
    if isinstance(given, Mapping):
        parts = "".join(f"<dt>{escape(str(name))}</dt><dd>{text(one)}</dd>" for name, one in given.items())
        return f'<dl class="input" tabindex="0" role="region" aria-label="input">{parts}</dl>'
    return f'<p class="input" dir="auto" tabindex="0" role="region" aria-label="input">{escape(_cut(given))}</p>'


def answer_part(answer: Any) -> str:
    """The answer: as a table where it is a list of records, else as it is."""
    rows = _records(answer)
    if rows is None:
        numbers = _shape(answer)
        if numbers:
            drawn = vector_drawing([float(one) for one in answer]) if len(numbers) == 1 else ""
            return f"<p>Numbers, {' × '.join(map(str, numbers))}: <code>trace.answer</code>.</p>{drawn}"
        return f'<pre class="answer" dir="auto" tabindex="0">{escape(_cut(answer))}</pre>'
    if not rows:
        return "<p>Nothing was found.</p>"
    keys = list(dict.fromkeys(key for row in rows for key in row))
    shown = [[_answer_cell(key, row.get(key)) for key in keys] for row in rows[:ROWS]]
    more = f"<p>And {len(rows) - ROWS} more: <code>trace.answer</code>.</p>" if len(rows) > ROWS else ""
    return table("The answer", keys, shown) + more


def stages_part(stages: Sequence[Stage]) -> str:
    """The way from text to answer, a stage an item."""
    longest = max((stage.seconds or 0 for stage in stages), default=0) or 1
    parts = []
    for stage in stages:
        about = "".join(f"<span>{escape(part)}</span> " for part in (stage.shape, stage.dtype) if part)
        time = ""
        if stage.seconds is not None:
            time = f"<span>{1e3 * stage.seconds:.2f} ms</span>{bar(stage.seconds / longest)}"
        shown = escape(stage.shown)
        parts.append(
            f'<li><h3><a href="#{_section(stage.name)}">{escape(stage.name)}</a></h3>'
            f'<p class="about">{about}</p><p class="time">{time}</p><p class="sentence">{escape(stage.sentence)}</p>'
            f'<p class="shown" dir="auto">{shown}</p></li>'
        )
    return "".join(parts)


def packed_part(trace: Trace) -> str:
    """The row without padding, beside the rectangle that it is not."""
    lengths = [int(length) for length in trace.packed.lengths]
    tokens, cells = sum(lengths), len(lengths) * max(lengths)
    saved = cells - tokens
    if len(lengths) == 1:
        count = f"{tokens} token{'' if tokens == 1 else 's'}"
        words = f"One sequence of {count}; a rectangle would hold the same."
    else:
        words = (
            f"{len(lengths)} sequences. A rectangle has {len(lengths)} × {max(lengths)} = {cells} cells, {saved} of "
            f"them padding; the row has {tokens}, all of them tokens."
        )
    return f"<p>{words}</p>{packed_drawing(lengths)}"


def tokens_part(sequences: Sequence[Mapping[str, Any]], left_out: int) -> str:
    """A table of tokens for each sequence, and how many sequences are left out."""
    parts = []
    if left_out:
        parts.append(
            f'<p class="note">So that the page stays small, {left_out} further sequences are left out: '
            f"<code>trace.sequences[{len(sequences)}:]</code>.</p>"
        )
    for number, sequence in enumerate(sequences):
        named = {choice["place"]: choice["best"][0] for choice in sequence["choices"]}
        heads = ["", "token", "id", "characters", "piece", *sequence["values"], *(["chosen"] if named else []), "note"]
        rows = []
        for place, token in enumerate(sequence["tokens"]):
            span = sequence["spans"][place]
            row = [
                Cell(str(place), is_number=True),
                Cell(token, is_head=True),
                Cell(str(sequence["ids"][place]), is_number=True),
                Cell("" if span is None else f"{span[0]}–{span[1]}", is_number=True),
                Cell(sequence["pieces"][place]),
                *(Cell(_number(values[place]), is_number=True) for values in sequence["values"].values()),
            ]
            if named:
                row.append(Cell(f"{named[place][0]} {_number(named[place][2])}" if place in named else ""))
            rows.append([*row, Cell(sequence["notes"][place])])
        title = f"Tokens of sequence {number}"
        body = table(title, heads, rows)
        summary = f"<summary>{title} as a table</summary>"
        parts.append(_of_sequence(number, sequences, f'<details open class="table">{summary}{body}</details>'))
    return "".join(parts)


def outputs_part(trace: Trace, sequences: Sequence[Mapping[str, Any]]) -> str:
    """What the head gave for each sequence: labels with logits and probabilities, words, or numbers."""
    parts = []
    for number, sequence in enumerate(sequences):
        values = trace.sequences[number].values
        found = "".join(_output(trace, number, sequence, name) for name in values)
        parts.append(_of_sequence(number, sequences, found))
    return "".join(parts)


def _output(trace: Trace, number: int, sequence: Mapping[str, Any], name: str) -> str:
    values = trace.sequences[number].values[name]
    code = f"<code>trace.sequences[{number}].values[{name!r}]</code>"
    if values.shape == (len(trace.labels),):
        return _label_table(trace, number, name)
    if name in sequence["values"]:
        flat = values.ravel()
        order = sorted(range(len(flat)), key=lambda place: -float(flat[place]))[:CHOSEN]
        rows = [
            [Cell(sequence["tokens"][place], is_head=True), Cell(_number(flat[place]), True, bar=float(flat[place]))]
            for place in order
        ]
        return table(f"The highest {name.replace('_', ' ')}", ["token", name], rows, scale=float(abs(flat).max()))
    if sequence["choices"] and trace.packed.is_chosen is not None:
        return "".join(_word_table(sequence, choice) for choice in sequence["choices"])
    if sequence["choices"]:
        return (
            f"<p>A number for each token and each of {values.shape[1]} labels: in the table of tokens, and {code}.</p>"
        )
    if values.ndim == 1 and len(values):
        return f"<p>A vector of {len(values)} numbers: {code}.</p>{vector_drawing([float(one) for one in values])}"
    return f"<p>Numbers, {' × '.join(map(str, values.shape))}: {code}.</p>"


CHOSEN = 8
"""Tokens that are listed of an output that gives each a number."""


def _label_table(trace: Trace, number: int, name: str) -> str:
    logits = trace.sequences[number].values[name]
    shares = trace.shares_of(number)
    order = sorted(range(len(logits)), key=lambda label: -float(logits[label]))
    rows = []
    for label in order[:ROWS]:
        row = [Cell(trace.labels[label], is_head=True), Cell(_number(logits[label]), True, bar=float(logits[label]))]
        if shares is not None:
            row.append(Cell(_number(shares[label], 4), True, bar=float(shares[label]), scale=1.0))
        rows.append(row)
    heads = ["label", name, *([] if shares is None else [f"probability ({trace.function})"])]
    more = f"<p>And {len(order) - ROWS} labels more.</p>" if len(order) > ROWS else ""
    return table("Labels, the highest first", heads, rows, scale=float(abs(logits).max())) + more


def _word_table(sequence: Mapping[str, Any], choice: Mapping[str, Any]) -> str:
    rows = [
        [
            Cell(word, is_head=True),
            Cell(_number(logit), True),
            Cell(_number(share, 4), True, bar=share, scale=1.0),
        ]
        for word, logit, share in choice["best"]
    ]
    title = f"For token {choice['place']}, {sequence['tokens'][choice['place']]}"
    return table(title, ["word", "logit", "probability (softmax)"], rows)


def _of_sequence(number: int, sequences: Sequence[Mapping[str, Any]], body: str) -> str:
    """A part that is shown while its sequence is chosen."""
    title = f"<h3>Sequence {number}: <bdi>{escape(sequences[number]['title'])}</bdi></h3>" if len(sequences) > 1 else ""
    return f'<div data-sequence="{number}">{title}{body}</div>'


def _section(stage: str) -> str:
    """Where a stage is shown in full."""
    return {
        "text": "text", "tokens": "tokens", "ids": "tokens", "packed": "packed", "hidden states": "layers",
        "answer": "answer",
    }.get(stage, "outputs")  # fmt: skip


def _records(answer: Any) -> list[Mapping[str, Any]] | None:
    """An answer as records; None where it is no list of them."""
    if isinstance(answer, Mapping):
        if {"labels", "scores"} <= set(answer):
            return [
                {"label": label, "score": score}
                for label, score in zip(answer["labels"], answer["scores"], strict=True)
            ]
        return [answer]
    if not isinstance(answer, list | tuple):
        return None
    parts: Iterable[Any] = answer
    if answer and all(isinstance(one, list) for one in answer):
        parts = [{"mask": n, **one} for n, own in enumerate(answer) for one in own if isinstance(one, Mapping)]
        if sum(map(len, answer)) != len(list(parts)):
            return None
    found = list(parts)
    return found if all(isinstance(one, Mapping) for one in found) else None


def _answer_cell(key: str, value: Any) -> Cell:
    if isinstance(value, float):
        is_share = key == "score" and 0 <= value <= 1
        return Cell(_number(value, 4), True, bar=value if is_share else None, scale=1.0)
    if isinstance(value, int) and not isinstance(value, bool):
        return Cell(str(value), True)
    return Cell("" if value is None else str(value), is_head=key in ("label", "answer", "word", "token_str"))


def _shape(answer: Any) -> list[int]:
    """The sizes of lists of lists of numbers, or of an array; empty for anything else."""
    if hasattr(answer, "shape"):
        return [int(size) for size in answer.shape]
    found = []
    while isinstance(answer, list | tuple) and answer:
        found.append(len(answer))
        answer = answer[0]
    return found if isinstance(answer, int | float) else []


def _number(value: Any, digits: int = 3) -> str:
    return "–" if value is None else f"{float(value):.{digits}f}".replace("-", "−")


def _cut(value: Any) -> str:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, indent=1)
    return words if len(words) <= CHARACTERS else f"{words[:CHARACTERS]}…"
