"""Run the stages one after the other on one input, and keep what each of them gave."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.models.pretrained import Pretrained
from pellucid.packing import Packed
from pellucid.sequences import Encoder
from pellucid.tasks.task import Found, Row, Task, Window
from pellucid.tasks.text_classification import scores
from pellucid.tracing.parts import Stage, Token, TracedSequence
from pellucid.tracing.trace import Trace

Floats = npt.NDArray[np.floating[Any]]

UNSPELT = "no piece of the vocabulary spells it"

SHOWN = 72
"""Characters of a stage's line."""


def traced(
    task: Task,
    name: str,
    model: Pretrained,
    encoder: Encoder,
    pack: Callable[[Sequence[Any], int | None], Packed],
    item: Any,
    settings: Any,
    whole: Callable[[Any], Any],
) -> Trace:
    """The trace of one input.

    Args:
        task: the pipeline's.
        name: the task's name.
        model: what computes.
        encoder: stages 1 and 2.
        pack: stage 3: encodings and the chosen token to a row.
        item: the input.
        settings: what the task made of the arguments.
        whole: the form in which an answer is returned.
    """
    clock = _Clock()
    rows = task.rows(item, 0, settings)
    encoded = [one for own in encoder.encode([rows], settings, 0) for one in own]
    clock.lap("tokens")
    packed = pack([encoding for _, encoding in encoded], settings.chosen_id)
    clock.lap("packed")
    # What is built once is not of this text.
    model.runner.prepare(task.outputs, packed)
    clock.skip()
    result = model.runner.run(packed, outputs=task.outputs)
    values = {output: result.by_text(output, packed) for output in task.outputs}
    clock.lap("model")
    windows = [
        Window(row, encoding, {output: values[output][number] for output in values})
        for number, (row, encoding) in enumerate(encoded)
    ]
    answer = task.answer(Found(item, rows, iter(windows)), settings)
    clock.lap("answer")
    tokenizer = task.context.tokenizer
    sequences = [
        TracedSequence(
            one.row, _tokens(one.encoding, tokenizer, rows[one.row]), list(one.encoding.type_ids), dict(one.values)
        )
        for one in windows
    ]
    function = getattr(settings, "function", None)
    probabilities = None
    if function not in (None, "none") and "logits" in windows[0].values:
        probabilities = scores(windows[0].values["logits"], function)
    given = whole(answer)
    return Trace(
        task=name,
        model=model.name_or_path,
        input=item,
        stages=_stages(task, model, rows, sequences, packed, probabilities, function, given, clock.spent),
        sequences=sequences,
        packed=packed,
        probabilities=probabilities,
        function=function,
        answer=given,
        labels=lambda: _labels(task, model),
        run=lambda taps, some: model.runner.run(some, outputs=task.outputs, taps=taps).taps,
        rows=rows,
        source=(model, task.head),
    )


class _Clock:
    """Seconds between one lap and the next."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.spent[name], self._last = now - self._last, now

    def skip(self) -> None:
        """Leave out what was done since the last lap."""
        self._last = time.perf_counter()


def _labels(task: Task, model: Pretrained) -> list[str]:
    """What the last axis of the head's logits is called by."""
    if task.head in ("sequence-classification", "token-classification"):
        names = model.config.id2label
        return [names.get(number, f"LABEL_{number}") for number in range(model.config.num_labels)]
    if task.head == "masked-language-model":
        # Some models have more rows than the tokenizer has tokens.
        tokens = task.context.tokenizer.convert_ids_to_tokens(list(range(model.config.vocab_size)))
        return ["" if token is None else token for token in tokens]
    return []


def _tokens(encoding: Any, tokenizer: Any, row: Row) -> list[Token]:
    special = encoding.special_tokens_mask
    words, owners = encoding.word_ids, encoding.sequence_ids
    whole = [(owner, word) for owner, word in zip(owners, words, strict=True)]
    made = []
    for place, (token, number) in enumerate(zip(encoding.tokens, encoding.ids, strict=True)):
        start, end = encoding.offsets[place]
        is_special = bool(special[place])
        if is_special or number in (tokenizer.unk_token_id, tokenizer.mask_token_id):
            note = _role(number, tokenizer, place)
        elif words[place] is not None and whole.count(whole[place]) > 1:
            note = f"a word in {whole.count(whole[place])} pieces"
        else:
            note = ""
        piece = "" if is_special or owners[place] is None else _piece(row[owners[place]], words[place], start, end)
        made.append(Token(token, int(number), int(start), int(end), words[place], is_special, note, piece))
    return made


def _piece(text: Any, word: int | None, start: int, end: int) -> str:
    """The characters that a token stands for, of a text or of a list of its words."""
    if isinstance(text, str):
        return text[start:end]
    return "" if word is None else str(text[word])[start:end]


def _role(number: int, tokenizer: Any, place: int) -> str:
    """Why a special token stands where it stands."""
    if number == tokenizer.unk_token_id:
        return UNSPELT
    if number == tokenizer.mask_token_id:
        return "the word that is asked for"
    if place == 0:
        return "begins the sequence"
    return "ends a text" if number == tokenizer.sep_token_id else "put there by the tokenizer"


def _stages(
    task: Task,
    model: Pretrained,
    rows: Sequence[Any],
    sequences: Sequence[TracedSequence],
    packed: Packed,
    probabilities: Floats | None,
    function: str | None,
    answer: Any,
    spent: dict[str, float],
) -> list[Stage]:
    texts = [text for row in rows for text in row if text is not None]
    words = [" ".join(text) if isinstance(text, list) else str(text) for text in texts]
    tokens = [token for one in sequences for token in one.tokens]
    own = [token for token in tokens if not token.is_special]
    split = sum(token.note.startswith("a word in") for token in own)
    unknown = sum(token.note == UNSPELT for token in own)
    lacking = [f"{split} of these belong to words that it lacks"] if split else []
    lacking += [f"{_count(unknown, 'token')} stand{'s' * (unknown == 1)} for what it cannot spell"] if unknown else []
    count, texts_count = len(packed.ids), len(packed.lengths)
    layers = model.config.num_hidden_layers
    first_name, first_value = next(iter(sequences[0].values.items()))
    dtype = str(model.runner.dtype)
    axes = " × ".join(map(str, first_value.shape)) or "1"
    found = [
        Stage(
            "text",
            f"{_count(len(words), 'text')} of {_count(sum(map(len, words)), 'character')}, as the task takes "
            f"{'it' if len(words) == 1 else 'them'}.",
            "", "", None, _cut(" | ".join(words)),
        ),
        Stage(
            "tokens",
            "The tokenizer split the text into pieces that its vocabulary has; "
            + (", and ".join(lacking) if lacking else "it has every word whole") + ".",
            f"{len(own)}", "", None, _cut(" ".join(token.token for token in own)),
        ),
        Stage(
            "ids",
            f"Each became its number in the vocabulary, with {_count(len(tokens) - len(own), 'special token')} put "
            f"around{'' if texts_count == 1 else f', in {texts_count} sequences'}.",
            f"{count}", "int32", spent["tokens"], _cut(" ".join(str(token.id) for token in tokens)),
        ),
        Stage(
            "packed",
            f"{'The sequence is' if texts_count == 1 else f'All {texts_count} sequences are'} one row without padding; "
            f"lengths say where each ends.",
            f"T = {count}, B = {texts_count}", "int32", spent["packed"],
            _cut("lengths " + " ".join(map(str, packed.lengths))),
        ),
        Stage(
            "hidden states",
            f"{layers} layers gave each token a vector that knows its whole sequence.",
            f"T × H = {count} × {model.config.hidden_size}", dtype, None, "",
        ),
        Stage(
            first_name.replace("_", " "),
            f"The head ({task.head}) made of them {_listed(sequences[0].values)}.",
            axes, dtype, spent["model"], _cut(_numbers(first_value)),
        ),
    ]  # fmt: skip
    if probabilities is not None:
        sums = "that sum to 1" if function == "softmax" else "each between 0 and 1 by itself"
        found.append(
            Stage("probabilities", f"The {function} made probabilities of the logits, {sums}.", axes, "float32", None,
                  _cut(_numbers(probabilities)))
        )  # fmt: skip
    found.append(Stage("answer", "The task gave the numbers their names.", "", "", spent["answer"], _cut(repr(answer))))
    return found


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _listed(values: dict[str, Floats]) -> str:
    return ", ".join(f"{name} {' × '.join(map(str, value.shape)) or '1'}" for name, value in values.items())


def _numbers(values: Floats) -> str:
    return " ".join(f"{value:.4f}" for value in values.ravel()[:24])


def _cut(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
