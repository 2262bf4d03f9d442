"""The six stages: text → tokens → ids → packed → hidden states → logits → answer, in `Pipeline._answers`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid.checkpoints.saving import write_folder
from pellucid.checkpoints.sidecars import Sidecars
from pellucid.errors import InputError, InputTypeError, TextTooLongError
from pellucid.models.pretrained import Pretrained
from pellucid.packing import Packed, pack
from pellucid.progress import Bar, in_items
from pellucid.streaming import portions, windows
from pellucid.tasks import load_task, task_name
from pellucid.tasks.task import Context, Found, Row, Window

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 2_000_000
"""Of all texts that are under way at once; what is held of one is about a hundred bytes for each, besides outputs."""

CALL_ARGUMENTS = ("batch_size", "max_tokens", "num_workers", "progress", "return_details")


class Pipeline:
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
        settings = self._task.settle({**self._defaults, **arguments})
        settings = self._task.prepared(settings, lambda items, settled: list(self._answers(items, settled)))
        if not self._task.is_one(data, settings):
            if _is_stream(data):
                return self._answers(data, settings, **calling)
            if _is_list(data):
                return self._task.listed(list(self._answers(list(data), settings, **calling)), data)
        (answer,) = self._answers([data], settings, **calling)
        if calling.get("return_details"):
            return {**answer, "answer": self._task.whole(answer["answer"], data, arguments)}
        return self._task.whole(answer, data, arguments)

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
        with Bar(inputs, progress) as advance:
            for items in windows(inputs, self._task.window):
                rows = [self._task.rows(item, count + i, settings) for i, item in enumerate(items)]
                for part in portions([_size(own) for own in rows], MAX_CHARACTERS):
                    for found in self._found(items[part], rows[part], settings, count, max_tokens, batch_size, advance):
                        # Stage 6: answers.
                        answer = self._task.answer(found, settings)
                        yield {"answer": answer, **details(found)} if return_details else answer
                    count += part.stop - part.start

    def _found(
        self,
        items: Sequence[Any],
        rows: Sequence[Sequence[Row]],
        settings: Any,
        first: int,
        max_tokens: int | None,
        batch_size: int | None,
        advance: Callable[[int], object] | None,
    ) -> list[Found]:
        """Stages 1 to 5 for some inputs, of which the first has this number."""
        # Stages 1 and 2: tokens, ids. 3: one row of real tokens. 4 and 5: hidden states, logits.
        encoded = self._encode(rows, settings.tokenizing, first)
        if settings.tells_truncation:
            self._tell_truncation(encoded, first)
        packed = self._pack(encoded, settings.chosen_id)
        result = self.model.runner.run(
            packed,
            outputs=self._task.outputs,
            max_tokens=max_tokens,
            batch_size=batch_size,
            progress=None if advance is None else in_items(advance, len(items), len(packed.lengths)),
        )
        values = {name: result.by_text(name, packed) for name in self._task.outputs}
        founds, place = [], 0
        for item, own_rows, own in zip(items, rows, encoded, strict=True):
            windows_of_item = [
                Window(row, encoding, {name: values[name][place + i] for name in values})
                for i, (row, encoding) in enumerate(own)
            ]
            founds.append(Found(item, own_rows, windows_of_item))
            place += len(own)
        return founds

    def _pack(self, encoded: Sequence[Sequence[tuple[int, Any]]], chosen_id: int | None) -> Packed:
        """Encoded rows one behind the other, with their types if the checkpoint has any."""
        encodings = [encoding for own in encoded for _, encoding in own]
        types = None
        if "token_type_ids" in self.tokenizer.model_input_names:
            types = [encoding.type_ids for encoding in encodings]
        packed = pack([encoding.ids for encoding in encodings], types, self.model.runner.padding_id)
        return packed if chosen_id is None else replace(packed, is_chosen=packed.ids == chosen_id)

    def _encode(
        self, rows: Sequence[Sequence[Row]], tokenizing: Mapping[str, Any], first: int
    ) -> list[list[tuple[int, Any]]]:
        """Texts → tokens → ids with special tokens, ragged.

        Args:
            rows: of each input.
            tokenizing: the caller's arguments for the tokenizer.
            first: the number of the first input, for messages.

        Returns:
            For each input its sequences: the number of the row that each belongs to, and its encoding.

        Raises:
            TextTooLongError: a text has more tokens than the model has positions for.
        """
        options = self._tokenizing(tokenizing)
        found: list[list[tuple[int, Any]]] = [[] for _ in rows]
        places = [(item, number) for item, own in enumerate(rows) for number in range(len(own))]
        for has_pair in (False, True):
            chosen = [place for place in places if (rows[place[0]][place[1]].pair is not None) == has_pair]
            if not chosen:
                continue
            texts = [rows[item][number].text for item, number in chosen]
            pairs = [rows[item][number].pair for item, number in chosen] if has_pair else None
            numbers = [first + item for item, _ in chosen]
            encoded = self.tokenizer.encode_ragged(texts, pairs, numbers=numbers, **options)
            for sample, encoding in zip(encoded.samples, encoded, strict=True):
                item, number = chosen[sample]
                found[item].append((number, encoding))
        limit = self.model.runner.max_length
        for item, own in enumerate(found):
            own.sort(key=lambda one: one[0])
            for _, encoding in own:
                if len(encoding) > limit:
                    raise TextTooLongError(
                        f"Text {first + item} has {len(encoding)} tokens; {self.model.name_or_path!r} accepts at most "
                        f"{limit}. Pass `truncation=True` to keep the first {limit}, or split the text.",
                        index=first + item,
                        n_tokens=len(encoding),
                        max_length=limit,
                    )
        return found

    def _tell_truncation(self, encoded: Sequence[Sequence[tuple[int, Any]]], first: int) -> None:
        """Warn of texts that were cut although nobody asked for it, as `transformers` does silently."""
        cut = {i: one for i, own in enumerate(encoded) for _, one in own if one.is_truncated}
        if cut:
            index, encoding = next(iter(cut.items()))
            logger.warning(
                "Text %d has %d tokens, and only %d of them were read%s. %s, or pass `truncation=False` to have an "
                "error instead.",
                first + index,
                encoding.untruncated_length,
                len(encoding),
                f", as with {len(cut) - 1} others" if len(cut) > 1 else "",
                self._task.advice_on_length,
            )

    def _tokenizing(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The tokenizer's arguments; truncation without a length is to what the model takes.

        A tokenizer may know of no limit: `transformers` then truncates nothing, and fails inside the model.
        """
        options = dict(given)
        if options.get("truncation") and options.get("max_length") is None:
            options["max_length"] = min(self.tokenizer.model_max_length, self.model.runner.max_length)
        return options

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Write model and tokenizer into a folder: all their files, or none."""
        files, stale = self.tokenizer.files_to_save()
        written = {name: content for name, content in files.items() if content is not None}
        write_folder(Path(save_directory), {**self.model.files_to_save(), **written}, remove=stale)

    def __repr__(self) -> str:
        return f"Pipeline({self.task!r}, {self.model!r})"


def _size(rows: Sequence[Row]) -> int:
    """How many characters some rows have; none where the tokenizer will refuse what they hold."""
    texts = (text for row in rows for text in row)
    parts = (part for text in texts for part in (text if isinstance(text, list | tuple) else [text]))
    return sum(len(part) for part in parts if isinstance(part, str))


def details(found: Found) -> dict[str, Any]:
    """What was done to one input.

    Returns:
        `n_tokens` before truncation, whether the text was `truncated`, and in how many `windows` it was read.
    """
    by_row: dict[int, list[Any]] = {}
    for window in found.windows:
        by_row.setdefault(window.row, []).append(window.encoding)
    return {
        "n_tokens": max(own[0].untruncated_length for own in by_row.values()),
        "truncated": any(len(own) == 1 and own[0].is_truncated for own in by_row.values()),
        "windows": len(found.windows),
    }


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
