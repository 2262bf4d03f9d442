"""The six stages: text → tokens → ids → packed → hidden states → logits → answer, in `Pipeline._answers`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.checkpoints.roundings import Roundings
from pellucid.checkpoints.saving import write_folder
from pellucid.checkpoints.sidecars import Sidecars
from pellucid.engines.int8 import WeightSteps
from pellucid.errors import InputError, InputTypeError
from pellucid.explaining.asking import Explains
from pellucid.models.pretrained import Pretrained
from pellucid.packing import Packed, pack
from pellucid.progress import Bar, in_items
from pellucid.sequences import Details, Encoder
from pellucid.streaming import FIRST_WINDOW, groups, portions, windows
from pellucid.tasks import load_task, task_name
from pellucid.tasks.task import Context, Found, Row, Window

if TYPE_CHECKING:
    from pellucid.tracing.trace import Trace

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 2_000_000
"""Of all texts that are under way at once; what is held of one is about a hundred bytes for each, besides outputs."""

AHEAD = 32_768
"""Tokens that are computed before any of their answers is made, in micro-batches of near-equal lengths."""

CALL_ARGUMENTS = ("batch_size", "max_tokens", "num_workers", "progress", "return_details")


class Pipeline(Explains):
    """A task, a tokenizer and a model, joined. May be called from any number of threads at once.

    Args:
        task: the task's name or an alias.
        model: the model that computes.
        tokenizer: the tokenizer of the same checkpoint.
        arguments: the task's arguments, as defaults for every call.

    Raises:
        UnknownTaskError: no such task.
        InputError: arguments that the task does not know.
        VocabularyMismatchError: the tokenizer has ids that the model has no embeddings for.
    """

    def __init__(self, task: str, model: Pretrained, tokenizer: Any, **arguments: Any) -> None:
        self.task = task_name(task)
        self.model = model
        self.tokenizer = tokenizer
        tokenizer.check_fits(model.config.vocab_size, model.name_or_path)
        self._calling = {name: arguments.pop(name) for name in CALL_ARGUMENTS if name in arguments}
        self._defaults = arguments
        beside, longest = Sidecars(model.checkpoint), model.runner.max_length
        context = Context(model.config, tokenizer, longest, model.name_or_path, beside.json, beside.tensors)
        self._task = load_task(task)(context)
        self._task.settle(arguments)
        self._encoder = Encoder(tokenizer, longest, model.name_or_path, self._task.advice_on_length)

    def __call__(
        self,
        *inputs: Any,
        batch_size: int | None = None,
        max_tokens: int | None = None,
        num_workers: int | None = None,
        progress: bool | None = None,
        return_details: bool | None = None,
        **arguments: Any,
    ) -> Any:
        """Answer one text, a list of texts, or a stream of texts.

        Args:
            inputs: a text → its answer; a list → a list of answers; an iterator, generator or data set → an iterator of
                answers, in order and in constant memory. What a text may be, and what else may follow: see the task.
                Further positional arguments have no effect, as in `transformers`.
            batch_size: the most texts of one micro-batch. Batching is automatic; this only caps it.
            max_tokens: the token budget of one micro-batch.
            num_workers: accepted, and without effect.
            progress: show a progress bar.
            return_details: give each answer as a dictionary: `answer`, and what was done to the text: `n_tokens`,
                special tokens included (where a text is read several times, the most of them), whether it was
                `truncated`, and in how many `windows` it was read.
            arguments: the task's, in place of those that the pipeline was made with.

        Raises:
            InputError: a text that is no string, or has more tokens than the model takes.
        """
        given = {
            "batch_size": batch_size,
            "max_tokens": max_tokens,
            "progress": progress,
            "return_details": return_details,
        }
        calling = {**self._calling, **{name: value for name, value in given.items() if value is not None}}
        calling.pop("num_workers", None)
        _check_calling(calling)
        data, arguments, ignored = self._task.called(inputs, arguments)
        if ignored:
            logger.warning("Ignoring args : %s", ignored)
        settings = self._settled(arguments)
        if not self._task.is_one(data, settings):
            if _is_stream(data):
                return self._answers(data, settings, **calling)
            if _is_list(data):
                return self._task.listed(list(self._answers(list(data), settings, **calling)), data)
        (answer,) = self._answers([data], settings, **calling)
        if calling.get("return_details"):
            return {**answer, "answer": self._task.whole(answer["answer"], data, arguments)}
        return self._task.whole(answer, data, arguments)

    def trace(self, *inputs: Any, **arguments: Any) -> Any:
        """What every stage took and gave: `Trace` of one input, or a list of them for a list.

        Args:
            inputs: as in calling the pipeline; a list is traced one by one.
            arguments: the task's.
        """
        from pellucid.tracing.tracing import traced

        data, arguments, _ = self._task.called(inputs, arguments)
        settings = self._settled(arguments)

        def trace_of(item: Any) -> Trace:
            return traced(
                self._task, self.task, self.model, self._encoder, self._pack, item, settings,
                lambda answer: self._task.whole(answer, item, arguments),
            )  # fmt: skip

        return [trace_of(item) for item in data] if self._is_many(data, settings) else trace_of(data)

    def _is_many(self, data: Any, settings: Any) -> bool:
        return not self._task.is_one(data, settings) and (_is_list(data) or _is_stream(data))

    def outputs(self, inputs: Sequence[Any], **arguments: Any) -> Iterator[Mapping[str, Any]]:
        """What the model gives for inputs, before it becomes answers: for each window its outputs by name.

        Args:
            inputs: a list of what the task takes.
            arguments: the task's, in place of those that the pipeline was made with.
        """
        encoded, settings = self._encoded(inputs, arguments)
        for _, window in self._computed(encoded, settings, None, None, None):
            yield window.values

    def packed(self, inputs: Sequence[Any], **arguments: Any) -> Packed:
        """What the model is given for inputs: all their tokens in one row."""
        encoded, settings = self._encoded(inputs, arguments)
        return self._pack([encoding for own in encoded for _, encoding in own], settings.chosen_id)

    def prepare(self) -> None:
        """Build the model's programs now, and not at the first calls, of short texts and of many."""
        self.model.runner.prepare(self._task.outputs)

    @property
    def weight_steps(self) -> WeightSteps | None:
        """How finely weights are told in int8, which depends on the processor; None in other precisions."""
        steps: WeightSteps | None = self.model.runner.weight_steps(self._task.outputs)
        return steps

    def _settled(self, arguments: Mapping[str, Any]) -> Any:
        """What the task makes of a call's arguments, with what it computes once before the inputs."""
        settings = self._task.settle({**self._defaults, **arguments})
        return self._task.prepared(settings, lambda items, settled: list(self._answers(items, settled)))

    def _encoded(self, inputs: Sequence[Any], arguments: Mapping[str, Any]) -> tuple[list[Any], Any]:
        settings = self._settled(arguments)
        rows = [self._task.rows(one, i, settings) for i, one in enumerate(inputs)]
        return self._encoder.encode(rows, settings, 0), settings

    def predict(self, inputs: Any, **arguments: Any) -> Any:
        """The same as calling the pipeline."""
        return self(inputs, **arguments)

    transform = predict

    def similarity(self, first: Any, second: Any) -> Any:
        """How near texts are to each other, by the measure that a checkpoint of sentence-transformers names.

        Args:
            first: texts, or their vectors `[N, H]`; one text or vector is a list of one.
            second: likewise, `[M, H]`.

        Returns:
            An array `[N, M]`; the nearest have the highest numbers.

        Raises:
            InputError: the task makes no vectors of texts.
        """

        def embed(texts: Sequence[str]) -> list[Any]:
            settings = self._task.settle({**self._defaults, "return_tensors": True})
            return list(self._answers(texts, settings))

        return self._task.similarity(first, second, embed)

    def _answers(
        self,
        inputs: Iterable[Any],
        settings: Any,
        *,
        batch_size: int | None = None,
        max_tokens: int | None = None,
        progress: bool = False,
        return_details: bool = False,
    ) -> Iterator[Any]:
        count = 0
        # Nobody has the first answer of a list before the last.
        first = self._task.window if isinstance(inputs, list) else FIRST_WINDOW
        with Bar(inputs, progress) as advance:
            for items in windows(inputs, self._task.window, first):
                rows = [self._task.rows(item, count + i, settings) for i, item in enumerate(items)]
                for part in portions(zip(items, rows, strict=True), lambda one: _size(one[1]), MAX_CHARACTERS):
                    # Stages 1 and 2: tokens, ids.
                    encoded = self._encoder.encode([own for _, own in part], settings, count)
                    tell = _told(advance, encoded)
                    computed = self._computed(encoded, settings, max_tokens, batch_size, tell)
                    for (item, own_rows), own in zip(part, groups(computed, len(part)), strict=True):
                        done = Details() if return_details else None
                        # Stage 6: answers.
                        found = Found(item, own_rows, own if done is None else done.watched(own))
                        answer = self._task.answer(found, settings)
                        yield answer if done is None else {"answer": answer, **done.told()}
                        if advance is not None and tell is None:
                            advance(1)
                    count += len(part)

    def _computed(
        self,
        encoded: Sequence[Iterable[tuple[int, Any]]],
        settings: Any,
        max_tokens: int | None,
        batch_size: int | None,
        progress: Callable[[int], object] | None,
    ) -> Iterator[tuple[int, Window]]:
        """Stages 3 to 5: the windows of each input, with its place, some thousand tokens ahead of what is read."""
        sequences = ((place, row, encoding) for place, own in enumerate(encoded) for row, encoding in own)
        for part in portions(sequences, lambda one: len(one[2]), AHEAD):
            # Stage 3: one row of real tokens. 4 and 5: hidden states, logits.
            places = {id(encoding): number for number, (_, _, encoding) in enumerate(part)}
            numbers = {key: number for number, key in enumerate(places)}
            packed = self._pack([part[places[key]][2] for key in numbers], settings.chosen_id)
            result = self.model.runner.run(
                packed, outputs=self._task.outputs, max_tokens=max_tokens, batch_size=batch_size, progress=progress
            )
            if progress is not None and len(numbers) < len(part):
                progress(len(part) - len(numbers))
            values = {name: result.by_text(name, packed) for name in self._task.outputs}
            for index, (place, row, encoding) in enumerate(part):
                own = {name: values[name][numbers[id(encoding)]] for name in values}
                # Each answer owns its arrays, as it does where nothing is there twice.
                is_last = places[id(encoding)] == index
                yield place, Window(row, encoding, own if is_last else {name: own[name].copy() for name in own})

    def _pack(self, encodings: Sequence[Any], chosen_id: int | None) -> Packed:
        """Encoded rows one behind the other, with their types if the checkpoint has any."""
        types = None
        if "token_type_ids" in self.tokenizer.model_input_names:
            types = [encoding.type_ids for encoding in encodings]
        packed = pack([encoding.ids for encoding in encodings], types, self.model.runner.padding_id)
        return packed if chosen_id is None else replace(packed, is_chosen=packed.ids == chosen_id)

    def in_precision(self, dtype: str, roundings: Roundings | None = None) -> Pipeline:
        """The same in another precision, of the same weights in memory.

        Args:
            dtype: one that the engine computes in.
            roundings: for int8, how inputs are rounded.
        """
        other = type(self)(self.task, self.model.in_precision(dtype, roundings), self.tokenizer, **self._defaults)
        other._calling = self._calling
        return other

    def save_pretrained(
        self, save_directory: str | os.PathLike[str], *, beside: Mapping[str, bytes] | None = None
    ) -> None:
        """Write model and tokenizer into a folder: all their files, or none.

        Args:
            save_directory: the folder.
            beside: further files by name.
        """
        files, stale = self.tokenizer.files_to_save()
        written = {name: content for name, content in files.items() if content is not None}
        written.update(Sidecars(self.model.checkpoint).files())
        write_folder(Path(save_directory), {**self.model.files_to_save(), **written, **(beside or {})}, remove=stale)

    def __repr__(self) -> str:
        return f"Pipeline({self.task!r}, {self.model!r})"


def _size(rows: Sequence[Row]) -> int:
    """How many characters some rows have; none where the tokenizer will refuse what they hold."""
    texts = (text for row in rows for text in row)
    parts = (part for text in texts for part in (text if isinstance(text, list | tuple) else [text]))
    return sum(len(part) for part in parts if isinstance(part, str))


def _told(advance: Callable[[int], object] | None, encoded: Sequence[Iterable[Any]]) -> Callable[[int], object] | None:
    """What counts computed sequences; None where nobody looks, or a document is split while it is computed."""
    counts = [len(own) for own in encoded if isinstance(own, list)]
    return None if advance is None or len(counts) < len(encoded) else in_items(advance, len(encoded), sum(counts))


def _is_list(inputs: Any) -> bool:
    # Columns of data frames and arrays of text answer like lists; they are recognised without importing anything.
    is_column = hasattr(inputs, "tolist") and hasattr(inputs, "dtype")
    return isinstance(inputs, list | tuple) or (is_column and getattr(inputs, "ndim", 1) == 1)


def _is_stream(inputs: Any) -> bool:
    if isinstance(inputs, str | bytes | Mapping) or _is_list(inputs):
        return False
    if isinstance(inputs, set | frozenset):
        raise InputTypeError("The inputs are a set, which has no order. Pass a list.")
    return hasattr(inputs, "__next__") or hasattr(inputs, "__getitem__") or hasattr(inputs, "__iter__")


def _check_calling(calling: Mapping[str, Any]) -> None:
    for name in ("batch_size", "max_tokens"):
        value = calling.get(name)
        if value is not None and (type(value) is not int or value < 1):
            raise InputError(f"`{name}={value!r}` must be a whole number above 0.", name=name)
