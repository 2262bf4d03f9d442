"""What a task is: how an input becomes rows of text, and how the rows' outputs become an answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from pellucid.errors import InputError, InputTypeError

Floats = npt.NDArray[np.floating[Any]]

Answers = Callable[[Sequence[Any], Any], list[Any]]
"""Inputs and what was settled → their answers: the stages, for a task that needs them before its own."""


@dataclass(frozen=True)
class Context:
    """What a task is asked in.

    Attributes:
        config: the model's.
        tokenizer: the checkpoint's.
        max_length: how many tokens a text may have.
        name: of the checkpoint, for messages.
        json_file: reads a JSON file of the checkpoint by its name; None where there is none.
        tensors: reads the weights in a folder of the checkpoint, as float32 arrays by name.
    """

    config: Any
    tokenizer: Any
    max_length: int
    name: str
    json_file: Callable[[str], Any]
    tensors: Callable[[str], Mapping[str, Floats]]


@dataclass(frozen=True)
class Settings:
    """What a task made of the caller's arguments.

    Attributes:
        tokenizing: the arguments for the tokenizer.
        chosen_id: the token whose outputs are wanted alone, such as the mask's; None for all.
        tells_truncation: whether a text that was cut is told of, because nobody asked for it.
        reads_offsets: whether the answer is made of where tokens lie in their text.
    """

    tokenizing: dict[str, Any] = field(default_factory=dict)
    chosen_id: int | None = None
    tells_truncation: bool = False
    reads_offsets: bool = False


class Row(NamedTuple):
    """A text, or a pair of texts, as the tokenizer takes it."""

    text: Any
    pair: Any = None


class Window(NamedTuple):
    """One sequence that was computed: a row, or a part of one that was too long.

    Attributes:
        row: the number of its row.
        encoding: its tokens, and where in the text they come from.
        values: its outputs by name: per token `[L, …]`, per chosen token `[N, …]`, per sequence `[…]`.
    """

    row: int
    encoding: Any
    values: Mapping[str, Floats]


class Found(NamedTuple):
    """What the model gave for one input.

    Attributes:
        item: the input.
        rows: what the task made of it.
        windows: in the order of the rows, and of the text in each; computed as they are read, and all are to be read.
    """

    item: Any
    rows: Sequence[Row]
    windows: Iterator[Window]


class Task(ABC):
    """One task. May be called from any number of threads at once.

    Args:
        context: the model and the tokenizer that it works with.
    """

    head: ClassVar[str]
    """The head that it needs."""
    outputs: ClassVar[tuple[str, ...]]
    """What of the head's outputs it reads."""
    checkpoint: ClassVar[tuple[str, str]]
    """What is taken where no model is named: the name on the Hub and the revision."""
    instead: ClassVar[str] = ""
    """A checkpoint that runs, where that one is of a family that this version does not."""
    window: ClassVar[int] = 2048
    """The most inputs that are under way at once."""
    arguments: ClassVar[tuple[str, ...]] = ()
    """Its own arguments, for messages."""

    advice_on_length: ClassVar[str] = "Split the text"
    """What may be done about a text that is too long."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def called(self, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any], tuple[Any, ...]]:
        """The inputs of a call, its other arguments, and positional ones that have no effect."""
        if not positional:
            if "inputs" not in named:
                raise InputError("The pipeline was called without inputs. Pass a text, or a list of texts.")
            return named.pop("inputs"), named, ()
        return positional[0], named, positional[1:]

    def called_with(
        self, positional: tuple[Any, ...], named: dict[str, Any], first: str, second: str
    ) -> tuple[Any, dict[str, Any], tuple[Any, ...]]:
        """As `called`, where the first two positional arguments have names of their own.

        Args:
            positional: the call's.
            named: the call's.
            first: what the inputs may be called.
            second: the argument that a second positional one is, unless it is named.
        """
        if not positional and first in named:
            positional = (named.pop(first),)
        inputs, named, rest = Task.called(self, positional, named)
        if rest and second not in named:
            named[second], rest = rest[0], rest[1:]
        return inputs, named, rest

    def refuse_unknown(self, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that are not the task's own, where it hands none on to the tokenizer.

        Raises:
            InputError: the message lists the task's own.
        """
        unknown = sorted(set(arguments) - set(self.arguments))
        if unknown:
            raise InputError(
                f"The task does not know {', '.join(unknown)}. Its arguments: {', '.join(self.arguments)}.",
                arguments=unknown,
            )

    @abstractmethod
    def settle(self, arguments: Mapping[str, Any]) -> Any:
        """Read the caller's arguments; a subclass of `Settings` comes of it."""

    def prepared(self, settings: Any, answers: Answers) -> Any:
        """What was settled, with what must be computed once before the inputs."""
        return settings

    def is_one(self, inputs: Any, settings: Any) -> bool:
        """Whether a list is one input."""
        return False

    def rows(self, item: Any, index: int, settings: Any) -> list[Row]:
        """The texts of one input: a string.

        Raises:
            InputTypeError: anything else.
        """
        if not isinstance(item, str):
            raise InputTypeError(f"Input {index} is of type {type(item).__name__}; it must be a string.", index=index)
        return [Row(item)]

    def similarity(self, first: Any, second: Any, embed: Callable[[Sequence[str]], list[Any]]) -> Any:
        """How near texts, or their vectors, are to each other: `[N, M]`.

        Raises:
            InputError: the task makes no vectors of texts.
        """
        raise InputError("Only sentence embeddings are compared. Use pipeline('sentence-embedding', model=…).")

    @abstractmethod
    def answer(self, found: Found, settings: Any) -> Any:
        """One input's answer, from its own outputs."""

    def whole(self, answer: Any, item: Any, arguments: Mapping[str, Any]) -> Any:
        """The form in which a single input's answer is returned."""
        return answer

    def listed(self, answers: list[Any], inputs: Any) -> Any:
        """The form in which a list's answers are returned."""
        return answers


def softmax(logits: Floats, axis: int = -1) -> Floats:
    """Probabilities along an axis that sum to 1; the highest is subtracted first, so nothing overflows."""
    exponentials = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + e⁻ˣ), without overflow for very negative x."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1, small) / (1 + small)
