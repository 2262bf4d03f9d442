"""Which number of a task's is explained: of what was asked, or of the pipeline's best answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pellucid.errors import InputError, InputTypeError
from pellucid.explaining.nearness import Nearness
from pellucid.explaining.scores import Logits, Score, Term
from pellucid.tasks.task import Found, Row, Task, Window


@dataclass(frozen=True)
class Target:
    """What is explained.

    Attributes:
        name: what people call it: a label, a word, an answer.
        number: which number it is, in words.
        window: the sequence that carries it.
        score: the number, of the sequence's outputs.
        chosen: the only token that the head answers for; None where it answers for all.
    """

    name: str
    number: str
    window: Window
    score: Score
    chosen: int | None = None


@dataclass(frozen=True)
class Asked:
    """What a target is looked for in.

    Attributes:
        task: the pipeline's.
        settings: what it made of the arguments.
        item: the input.
        rows: what it made of the input.
        windows: what the model gave.
        target: what the caller named; None for the best answer.
    """

    task: Task
    settings: Any
    item: Any
    rows: Sequence[Row]
    windows: Sequence[Window]
    target: Any

    @property
    def best(self) -> Any:
        """What the pipeline answers."""
        return self.task.answer(Found(self.item, self.rows, iter(self.windows)), self.settings)

    def named(self, *keys: str) -> Any:
        """The target, or what stands under the first of these keys where it is one of the pipeline's own answers."""
        if not isinstance(self.target, Mapping):
            return self.target
        for key in keys:
            if key in self.target:
                return self.target[key]
        raise InputError(
            f"The target has the keys {', '.join(map(str, self.target)) or 'none'}; it needs {' or '.join(keys)}, as "
            "the pipeline's answers have.",
            target=self.target,
        )


Resolve: TypeAlias = Callable[[Asked], Target]


def of_label(asked: Asked) -> Target:
    """The logit of a label of the whole text."""
    labels, window = asked.task.context.config.id2label, asked.windows[0]
    given = asked.named("label")
    number = int(window.values["logits"].argmax()) if given is None else label_number(labels, given)
    return Target(labels[number], "the logit of the label", window, Logits([Term("logits", None, number)]))


def label_number(labels: Mapping[int, str], given: Any) -> int:
    """A label's number, by its name or by itself.

    Raises:
        InputError: no such label; the message lists them.
    """
    if type(given) is int and given in labels:
        return given
    for same in (lambda label: label == given, lambda label: str(label).lower() == str(given).lower()):
        found = [number for number, label in labels.items() if same(label)]
        if found and type(given) is str:
            return found[0]
    raise InputError(
        f"There is no label {given!r} to explain. Labels: {', '.join(map(str, labels.values()))}.", target=given
    )


def of_candidate(asked: Asked) -> Target:
    """Zero-shot: the logit of "entails" of the text beside one label's sentence."""
    names = asked.settings.labels
    given = asked.named("label", "labels")
    given = given[0] if isinstance(given, list | tuple) and given else given
    name = asked.best["labels"][0] if given is None else given
    row = place_of(names, name, "label")
    column = asked.task._entailment % asked.task.context.config.num_labels  # type: ignore[attr-defined]
    number = "the logit of entailment, of the text beside the label's sentence"
    return Target(names[row], number, window_of(asked.windows, row), Logits([Term("logits", None, column)]))


def of_document(asked: Asked) -> Target:
    """Rerank: the logit of one document beside the query."""
    documents = asked.settings.documents
    given = asked.named("index", "text")
    row = place_of(documents, asked.best[0]["index"] if given is None else given, "document")
    number = "the logit of the document beside the query"
    return Target(documents[row], number, window_of(asked.windows, row), Logits([Term("logits", None, 0)]))


def of_nearest(asked: Asked) -> Target:
    """Similarity: the measure between the query and one candidate, whose vector stays as it is."""
    settings, recipe = asked.settings, asked.task.recipe  # type: ignore[attr-defined]
    given = asked.named("index", "text")
    place = place_of(settings.candidates, asked.best[0]["index"] if given is None else given, "candidate")
    score = Nearness(
        settings.vectors[place], settings.modes, recipe.dense, settings.size, settings.normalises, settings.skipped,
        recipe.similarity,
    )  # fmt: skip
    number = f"the measure {recipe.similarity} between the query's vector and the candidate's"
    return Target(settings.candidates[place], number, asked.windows[0], score)


def place_of(names: Sequence[str], given: Any, what: str) -> int:
    """The place of a text among several, by itself or by its number.

    Raises:
        InputError: it is none of them; the message says how many there are.
    """
    if type(given) is int and 0 <= given < len(names):
        return given
    if given in names:
        return list(names).index(given)
    shown = ", ".join(repr(name if len(name) <= 40 else f"{name[:39]}…") for name in names[:8])
    raise InputError(
        f"There is no {what} {given!r} to explain. Name one of the {len(names)}, or its number from 0: {shown}"
        f"{' …' if len(names) > 8 else ''}.",
        target=given,
    )


def window_of(windows: Sequence[Window], row: int) -> Window:
    """The sequence of a row."""
    return next(window for window in windows if window.row == row)


def of_word(asked: Asked) -> Target:
    """Fill mask: the logit of a word at a mask.

    Raises:
        InputError: no mask was read, or the word is none.
    """
    task, window, settings = asked.task, asked.windows[0], asked.settings
    tokenizer = task.context.tokenizer
    masks = [place for place, number in enumerate(window.encoding.ids) if number == settings.chosen_id]
    best = asked.best  # refuses a text whose mask was cut off
    given, mask = asked.named("token", "token_str", "mask"), 0
    if isinstance(asked.target, Mapping):
        mask = asked.target.get("mask", 0)
        given = None if set(asked.target) == {"mask"} else given
    if type(mask) is not int or not 0 <= mask < len(masks):
        raise InputError(f"There is no mask {mask!r}: the text has {len(masks)}, counted from 0.", target=asked.target)
    answers = best if len(masks) == 1 else best[mask]
    number = answers[0]["token"] if given is None else _token_id(tokenizer, given)
    # The head answers for that mask alone, so its row is the first.
    score = Logits([Term("logits", 0, number)])
    name = tokenizer.convert_ids_to_tokens(number)
    place = masks[mask]
    values = {"logits": window.values["logits"][mask : mask + 1]}
    return Target(name, "the logit of the word at the mask", window._replace(values=values), score, place)


def _token_id(tokenizer: Any, given: Any) -> int:
    if type(given) is int and 0 <= given < len(tokenizer):
        return given
    if not isinstance(given, str):
        raise InputTypeError(f"The word {given!r} must be a string, or a token's number below {len(tokenizer)}.")
    vocabulary = tokenizer.get_vocab()
    pieces = tokenizer.encode_ragged([given], add_special_tokens=False).ids[0]
    found = vocabulary.get(given, pieces[0] if len(pieces) == 1 else None)
    if found is None:
        raise InputError(
            f"{given!r} is no single token of the vocabulary: it is {tokenizer.convert_ids_to_tokens(pieces)}. Name "
            "one of these.",
            target=given,
        )
    return int(found)
