"""A trace: the stages of one input, and the values that can be looked at one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import InputError
from pellucid.machine_readable import as_json
from pellucid.models.pretrained import Pretrained
from pellucid.packing import Packed
from pellucid.tasks.task import Row
from pellucid.tasks.text_classification import scores
from pellucid.tracing.parts import Floats, Stage, TracedSequence
from pellucid.tracing.words import as_markdown, as_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pellucid.tracing.comparison import Comparison
    from pellucid.tracing.page.contents import Explained


class Trace:
    """What every stage took and gave for one input.

    The logits and the answer are those of an ordinary call, bit for bit. Hidden states and attentions are computed when
    they are first asked for, in a second pass, and may differ from the first one's in the last digits.

    Attributes:
        task: the task's name.
        input: what was asked.
        stages: from text to answer.
        sequences: what was computed; one, where the task reads a text once and it fits.
        packed: the row of all their tokens that the model was given.
        rows: the texts that the task made of the input, and pairs of texts.
        engine: what computed.
        dtype: in which precision.
        function: "softmax" or "sigmoid", where the task makes probabilities of the logits of a sequence by it; "none",
            or None, elsewhere.
        answer: what the pipeline answers.
    """

    def __init__(
        self,
        *,
        task: str,
        model: str,
        input: Any,
        stages: Sequence[Stage],
        sequences: Sequence[TracedSequence],
        packed: Packed,
        probabilities: Floats | None,
        function: str | None = None,
        answer: Any,
        labels: Callable[[], Sequence[str]] = tuple,
        run: Callable[[tuple[str, ...], Packed], Mapping[str, list[Floats]]],
        rows: Sequence[Row],
        source: tuple[Pretrained, str],
    ) -> None:
        self.task, self.model, self.input, self.answer = task, model, input, answer
        self.stages, self.sequences, self.packed = list(stages), list(sequences), packed
        self.probabilities, self.function = probabilities, function
        self._labels, self._run, self._source = labels, run, source
        self.rows, self.engine, self.dtype = list(rows), source[0].runner.engine, source[0].runner.dtype

    @property
    def tokens(self) -> list[str]:
        """The tokens of the first sequence, special ones included."""
        return [one.token for one in self.sequences[0].tokens]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Where each of them stands in its text."""
        return [(one.start, one.end) for one in self.sequences[0].tokens]

    @property
    def ids(self) -> list[int]:
        """The number of each of them."""
        return [one.id for one in self.sequences[0].tokens]

    @property
    def logits(self) -> Floats:
        """The first output of the head for the first sequence, such as the logits of its labels."""
        return next(iter(self.sequences[0].values.values()))

    @cached_property
    def labels(self) -> list[str]:
        """The names of the logits' last axis: labels, or the vocabulary's tokens; empty for heads without names."""
        return list(self._labels())

    def shares_of(self, sequence: int) -> Floats | None:
        """The probabilities of a sequence's labels `[C]`; None where the task makes none of its logits alone."""
        logits = self.sequences[sequence].values.get("logits")
        if self.function in (None, "none") or logits is None:
            return None
        return scores(logits, self.function)

    @cached_property
    def hidden_states(self) -> list[Floats]:
        """The embeddings, and the output of each layer: `[T, H]` each, for all tokens of all sequences in a row."""
        return self._run(("hidden_states",), self.packed)["hidden_states"]

    @cached_property
    def attentions(self) -> list[Floats]:
        """How each token of the first sequence weighs the others: for each layer `[A, L, L]`, rows that sum to 1."""
        return self.looked_into(0, "attentions")["attentions"]

    def looked_into(self, sequence: int, *taps: str) -> dict[str, list[Floats]]:
        """What the layers made of one sequence, in a pass over it alone; nothing is kept.

        Args:
            sequence: its number in `sequences`.
            taps: "hidden_states", "attentions" or both.

        Returns:
            By tap, for each layer: hidden states `[L, H]`, the embeddings first; attentions `[A, L, L]`.
        """
        found = self._run(taps, self.packed.take(np.array([sequence])))
        return {tap: [layer[0] for layer in found[tap]] if tap == "attentions" else found[tap] for tap in taps}

    def attentions_of(self, sequence: int) -> list[Floats]:
        """The same of another sequence, by its place in `sequences`; computed anew each time."""
        return self.looked_into(sequence, "attentions")["attentions"]

    def rows_of(self, sequence: int) -> slice:
        """The rows of a sequence's tokens in `hidden_states` and `norms`."""
        start = int(self.packed.starts[sequence])
        return slice(start, start + int(self.packed.lengths[sequence]))

    @property
    def norms(self) -> list[list[float]]:
        """The length of each token's vector, for the embeddings and each layer."""
        return [np.linalg.norm(layer.astype(np.float64), axis=-1).tolist() for layer in self.hidden_states]

    def compare(
        self,
        other: Any,
        *,
        tokenizer: Any = None,
        absolute: float | None = None,
        relative: float | None = None,
        attentions: bool = False,
    ) -> Comparison:
        """Lay this run beside another: the first stage where they part, and by how much.

        Args:
            other: a trace of the same text, by another engine, in another precision, or of another checkpoint; a
                pipeline or a model of `transformers`; or the word "transformers", for the same checkpoint there.
            tokenizer: of `transformers`, where `other` is a model of it.
            absolute: the difference that is allowed for any number; left out, what two right computations in the
                coarser of the two precisions may differ by.
            relative: what is allowed besides, as a share of the other's number.
            attentions: also compare how the tokens of the first sequence look at each other.

        Raises:
            InputTypeError: `other` is nothing that can be compared.
            InputError: a bar that is no number, or a model without a tokenizer.
            EngineNotInstalledError: `transformers` is asked for and not installed.
        """
        from pellucid.tracing.comparing import compared
        from pellucid.tracing.sides import side_of

        side = side_of(other) if isinstance(other, Trace) else self._reference(other, tokenizer)
        return compared(side_of(self), side, absolute, relative, attentions)

    def _reference(self, other: Any, tokenizer: Any) -> Any:
        from pellucid.tracing.reference import loaded_reference, reference_of

        if isinstance(other, str):
            if other != "transformers":
                raise InputError(
                    f'A trace can be compared with "transformers", not with {other!r}. Give another trace, or a model.',
                    other=other,
                )
            return reference_of(self, *loaded_reference(*self._source))
        model = getattr(other, "model", None) if hasattr(other, "tokenizer") else other
        tokenizer = tokenizer or getattr(other, "tokenizer", None)
        if tokenizer is None and hasattr(model, "forward"):
            raise InputError(
                "A model of `transformers` is compared together with its tokenizer: compare(model, tokenizer=…)."
            )
        return reference_of(self, model, tokenizer)

    def to_dict(self) -> dict[str, Any]:
        """All that can be told in words and numbers, JSON's own types alone; of hidden states the norms."""
        return {
            "task": self.task,
            "model": self.model,
            "input": self.input,
            "stages": [asdict(stage) for stage in self.stages],
            "sequences": [
                {
                    "row": one.row,
                    "tokens": [asdict(token) for token in one.tokens],
                    "types": list(one.types),
                    "outputs": {name: values.tolist() for name, values in one.values.items()},
                }
                for one in self.sequences
            ],
            "labels": self.labels,
            "norms": self.norms,
            "probabilities": None if self.probabilities is None else self.probabilities.tolist(),
            "answer": _plain(self.answer),
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as text."""
        return as_json(self.to_dict(), indent=indent)

    def to_text(self, *, width: int = 80, colours: bool = False) -> str:
        """For a terminal: the stages, and the tokens of the first sequences.

        Args:
            width: columns.
            colours: whether it understands colours.
        """
        return as_text(self, width, colours)

    def to_markdown(self) -> str:
        """The same as tables of Markdown."""
        return as_markdown(self)

    def to_html(self, *, explanation: Explained | None = None, attentions: bool = True, norms: bool = True) -> str:
        """A page of its own for a browser: the stages, and each token with all that is known of it.

        One file that asks for nothing from anywhere. It stays under five megabytes: where attentions would need more,
        it holds the strongest weights of each token, and says what is left out.

        Args:
            explanation: what each token of the first sequence contributed; anything with `tokens` and `contributions`.
            attentions: whether to show them; without, and without `norms`, nothing is computed a second time.
            norms: whether to show the lengths of hidden states.

        Raises:
            InputError: the explanation is not of this trace's first sequence.
        """
        from pellucid.tracing.page.making import as_page

        return as_page(self, explanation, attentions=attentions, norms=norms)

    def _repr_html_(self) -> str:
        """For notebooks: the same page in a frame of its own, with fewer of the attentions' weights."""
        from pellucid.tracing.page.making import as_frame

        return as_frame(self)

    def plot(
        self,
        kind: str = "attention",
        *,
        layer: int | str | None = None,
        head: int | str | None = None,
        sequence: int = 0,
        ax: Any = None,
    ) -> Figure:
        """A picture of one stage.

        Args:
            kind: "attention": a map of how each token weighs the others; "token_lengths": of tokens in characters, and
                of sequences in tokens where there are several; "probabilities": a bar for each label; "norms": the
                length of the hidden states' vectors by layer and token; "projection": the tokens in the two directions
                in which their vectors differ most.
            layer: of attention counted from 0, or "all"; of a projection from 0, the embeddings; the last where left
                out.
            head: of attention, counted from 0, "mean" (where left out) or "all".
            sequence: which one, by its place in `sequences`.
            ax: matplotlib's axes to draw into; a new figure where left out.

        Returns:
            The figure, which shows itself in a notebook; nothing is shown, and pyplot is not touched.

        Raises:
            InputError: a kind, layer, head or sequence that is not there.
            NotInstalledError: matplotlib is not installed.
        """
        from pellucid.tracing.plots import plotted

        figure: Figure = plotted(self, kind, layer, head, sequence, ax)
        return figure

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"Trace({self.task!r}, {len(self.sequences)} sequences, {len(self.packed.ids)} tokens)"


def _plain(answer: Any) -> Any:
    """An answer in JSON's own types: arrays as lists."""
    if isinstance(answer, np.ndarray):
        return answer.tolist()
    if isinstance(answer, dict):
        return {key: _plain(value) for key, value in answer.items()}
    return [_plain(one) for one in answer] if isinstance(answer, list | tuple) else answer
