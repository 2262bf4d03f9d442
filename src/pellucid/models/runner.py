"""Stages 3 to 5 for any number of texts: micro-batches through the engine, and answers in the caller's order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.architectures.family import Family, longest
from pellucid.checkpoints.roundings import Roundings
from pellucid.checkpoints.stored import StoredTensor
from pellucid.config import Config
from pellucid.engines import check_device, check_dtype, load_engine, load_gradients, shapes
from pellucid.engines.int8 import WeightSteps
from pellucid.engines.program import PER_TOKEN, Program, Result
from pellucid.errors import IdsOutOfRangeError, TextTooLongError
from pellucid.packing import Packed, micro_batches

Floats = npt.NDArray[np.floating[Any]]


class Runner:
    """One checkpoint's parameters on one engine. May be used from any number of threads at once.

    Args:
        family: the checkpoint's family.
        config: its config, checked.
        head: the head to run.
        parameters: gives every parameter by canonical name, when they are first needed.
        engine: the engine's name; the fastest installed one where left out.
        dtype: the precision to compute in.
        device: where to compute.
        name: what messages call the checkpoint.
        roundings: of the inputs of linear maps, where it computes in int8.

    Raises:
        EngineError: no such engine, not installed, or it does not compute in that precision.
    """

    def __init__(
        self,
        family: Family,
        config: Config,
        head: str,
        parameters: Callable[[], Mapping[str, StoredTensor]],
        *,
        engine: str | None,
        dtype: str,
        device: str,
        name: str,
        roundings: Roundings | None = None,
    ) -> None:
        self.engine, self._module = load_engine(engine)
        check_dtype(self.engine, dtype)
        check_device(self.engine, device)
        self.dtype = dtype
        self._roundings = roundings
        self.device = device
        self._family, self._config, self._head, self._name = family, config, head, name
        self._settings = family.read_config(config)
        self._parameters = parameters
        self._programs: dict[tuple[Any, ...], tuple[Program, dict[str, str]]] = {}
        self._lock = threading.Lock()

    @property
    def max_length(self) -> int:
        """How many tokens a text may have."""
        return longest(self._settings)

    @property
    def padding_id(self) -> int | None:
        """The id that positions are counted from; None where they begin at 0."""
        padding_id: int | None = self._settings.padding_id
        return padding_id

    def run(
        self,
        packed: Packed,
        *,
        outputs: tuple[str, ...] | None = None,
        taps: Collection[str] = (),
        max_tokens: int | None = None,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Result:
        """Run any number of sequences, in micro-batches of near-equal lengths.

        Args:
            packed: the sequences.
            outputs: which of the head's outputs to compute; all where left out.
            taps: what else to keep: "hidden_states", "attentions".
            max_tokens: the token budget of a micro-batch.
            batch_size: the most sequences of a micro-batch.
            progress: called after each micro-batch with the number of its sequences.

        Returns:
            Outputs for the sequences in their own order: per token as `[T, …]`, per chosen token as `[N, …]`, per
            sequence as `[B, …]`, attentions as `[B, A, L, L]` with zeros where there is padding.

        Raises:
            TextTooLongError: a sequence has more tokens than the model has positions for.
            IdsOutOfRangeError: token ids or types outside the model's tables.
        """
        self.check(packed)
        program, has_rows = self._program(tuple(sorted(taps)), outputs)
        whole = Result({}, {}, has_rows)
        if len(packed.lengths) == 1 and not taps:
            # One sequence has its rows in order already.
            whole.outputs.update(program.alone(packed).outputs)
            if progress is not None:
                progress(1)
            return whole
        # The number of each token among the chosen ones.
        number = None if packed.is_chosen is None else np.cumsum(packed.is_chosen) - 1
        batches = list(micro_batches(packed.lengths, max_tokens or program.tokens, batch_size))
        compute = program if len(batches) > 1 else program.alone
        for sequences in batches:
            part = compute(packed.take(sequences))
            rows = packed.rows_of(sequences)
            for name, value in part.outputs.items():
                index: Any
                if has_rows[name] == "N" and packed.is_chosen is not None and number is not None:
                    index, count = number[rows[packed.is_chosen[rows]]], len(packed.chosen)
                elif has_rows[name] in PER_TOKEN:
                    index, count = rows, len(packed.ids)
                else:
                    index, count = sequences, len(packed.lengths)
                _scatter(whole.outputs, name, index, count, value)
            for name, values in part.taps.items():
                target = whole.taps.setdefault(name, [])
                if not target:
                    target.extend(_empty(name, value, packed) for value in values)
                for kept, value in zip(target, values, strict=True):
                    if name == "attentions":
                        kept[sequences, :, : value.shape[2], : value.shape[3]] = _without_padding(
                            value, packed.lengths[sequences]
                        )
                    else:
                        kept[rows] = value
            if progress is not None:
                progress(len(sequences))
        return whole

    def prepare(self, outputs: tuple[str, ...] | None = None, packed: Packed | None = None) -> None:
        """Do now what would otherwise be done once, at a first call for some outputs.

        Args:
            outputs: which of the head's; all where left out.
            packed: the sequences of the call that is to come; any call where left out.
        """
        self._program((), outputs)[0].prepare(packed)

    def weight_steps(self, outputs: tuple[str, ...] | None = None) -> WeightSteps | None:
        """How finely weights are told in int8, which depends on the processor; None where nothing is in it.

        Args:
            outputs: which of the head's; all where left out.
        """
        return self._program((), outputs)[0].weight_steps

    def word_gradients(self, outputs: tuple[str, ...] | None = None) -> tuple[Any, dict[str, str]]:
        """The same function with the vectors of words handed in, and its gradients: `engines/torch_gradients.py`.

        Args:
            outputs: which of the head's outputs to compute; all where left out.

        Returns:
            The function, and what each output has a row for.

        Raises:
            EngineError: the engine gives no gradients.
        """
        module = load_gradients(self.engine)
        forward = self._family.forward(self._config, self._head, outputs, narrow=True)
        found = module.WordGradients(forward, self._parameters(), dtype=self.dtype, device=self.device)
        return found, shapes.output_rows(forward)

    def _program(self, taps: tuple[str, ...], outputs: tuple[str, ...] | None) -> tuple[Program, dict[str, str]]:
        """The program for these outputs, built when first asked for, and what each of them has a row for."""
        key = (taps, outputs)
        with self._lock:
            if key not in self._programs:
                forward = self._family.forward(self._config, self._head, outputs, narrow=not taps)
                program = self._module.build(
                    forward,
                    self._parameters(),
                    dtype=self.dtype,
                    taps=taps,
                    device=self.device,
                    roundings=self._roundings,
                )
                self._programs[key] = program, shapes.output_rows(forward)
            return self._programs[key]

    def check(self, packed: Packed) -> None:
        """Check on the host what an engine would answer with a crash or with another row's numbers.

        Raises:
            TextTooLongError: a sequence has more tokens than the model has positions for.
            IdsOutOfRangeError: token ids or types outside the model's tables.
        """
        limits = [
            ("ids", packed.ids, self._settings.vocabulary),
            # A model that tells no types apart reads none, whatever its tokenizer gives: DeBERTa-v3's gives 0 and 1.
            *([("types", packed.types, self._settings.types)] if self._settings.types else []),
            ("positions", packed.positions, self._settings.positions),
        ]
        for what, values, size in limits:
            wrong = np.flatnonzero((values < 0) | (values >= size))
            if not len(wrong):
                continue
            row = int(wrong[0])
            index = int(np.searchsorted(packed.starts, row, side="right")) - 1
            place, value = int(packed.positions[row]), int(values[row])
            if what == "positions":
                self._refuse_length(index, int(packed.lengths[index]), value)
            table = "vocabulary" if what == "ids" else "token types"
            raise IdsOutOfRangeError(
                f"The {what[:-1]} {value} at [{index}, {place}] is outside the {table} of {self._name!r}, which has "
                f"{'the ids' if what == 'ids' else 'the types'} 0 to {size - 1}. "
                "Use the tokenizer of this checkpoint.",
                index=index,
                position=place,
                value=value,
            )

    def _refuse_length(self, index: int, length: int, position: int) -> None:
        if length <= self.max_length:
            raise IdsOutOfRangeError(
                f"The position {position} in row {index} is outside the table of {self._name!r}, which has the "
                f"positions 0 to {self.max_length - 1}.",
                index=index,
                value=position,
            )
        raise TextTooLongError(
            f"Text {index} has {length} tokens; {self._name!r} accepts at most {self.max_length}. "
            f"Pass `truncation=True` to keep the first {self.max_length}, or split the text.",
            index=index,
            n_tokens=length,
            max_length=self.max_length,
        )


def _scatter(outputs: dict[str, Floats], name: str, index: Any, count: int, value: Floats) -> None:
    if name not in outputs:
        outputs[name] = np.empty((count, *value.shape[1:]), value.dtype)
    outputs[name][index] = value


def _empty(name: str, value: Floats, packed: Packed) -> Floats:
    if name != "attentions":
        return np.empty((len(packed.ids), *value.shape[1:]), value.dtype)
    length = int(packed.lengths.max())
    return np.zeros((len(packed.lengths), value.shape[1], length, length), value.dtype)


def _without_padding(attentions: Floats, lengths: npt.NDArray[np.int32]) -> Floats:
    """Zeros in the rows whose query is padding; they mean nothing."""
    is_token = np.arange(attentions.shape[2]) < lengths[:, None]
    return np.where(is_token[:, None, :, None], attentions, attentions.dtype.type(0))
