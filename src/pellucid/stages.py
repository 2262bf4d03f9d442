"""The six stages: text → tokens → ids → packed → hidden states → logits → answer, in `Pipeline._answers`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any

from pellucid.checkpoints.saving import write_folder
from pellucid.errors import InputError, InputTypeError, TextTooLongError
from pellucid.models.pretrained import Pretrained
from pellucid.packing import pack
from pellucid.streaming import windows
from pellucid.tasks import load_task, task_name

logger = logging.getLogger(__name__)

CALL_ARGUMENTS = ("batch_size", "max_tokens", "num_workers", "progress")


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
    """

    def __init__(self, task: str, model: Pretrained, tokenizer: Any, **arguments: Any) -> None:
        self.task = task_name(task)
        self.model = model
        self.tokenizer = tokenizer
        self._task = load_task(task)
        self._calling = {name: arguments.pop(name) for name in CALL_ARGUMENTS if name in arguments}
        self._defaults = arguments
        self._task.settle(arguments, model.config)

    def __call__(
        self,
        inputs: Any,
        *ignored: Any,
        batch_size: int | None = None,
        max_tokens: int | None = None,
        num_workers: int | None = None,
        progress: bool | None = None,
        **arguments: Any,
    ) -> Any:
        """Answer one text, a list of texts, or a stream of texts.

        Args:
            inputs: a text → its answer; a list → a list of answers; an iterator, generator or data set → an iterator of
                answers, in order and in constant memory. What a text may be: see the task.
            ignored: further positional arguments have no effect, as in `transformers`.
            batch_size: the most texts of one micro-batch. Batching is automatic; this only caps it.
            max_tokens: the token budget of one micro-batch.
            num_workers: accepted, and without effect.
            progress: show a progress bar.
            arguments: the task's, in place of those that the pipeline was made with.

        Raises:
            InputError: a text that is no string, or has more tokens than the model takes.
        """
        if ignored:
            logger.warning("Ignoring args : %s", ignored)
        given = {"batch_size": batch_size, "max_tokens": max_tokens, "progress": progress}
        calling = {**self._calling, **{name: value for name, value in given.items() if value is not None}}
        calling.pop("num_workers", None)
        _check_calling(calling)
        settings = self._task.settle({**self._defaults, **arguments}, self.model.config)
        if _is_stream(inputs):
            return self._answers(inputs, settings, **calling)
        if _is_list(inputs):
            return list(self._answers(list(inputs), settings, **calling))
        (answer,) = self._answers([inputs], settings, **calling)
        return self._task.whole(answer, inputs, arguments)

    def predict(self, inputs: Any, **arguments: Any) -> Any:
        """The same as calling the pipeline."""
        return self(inputs, **arguments)

    transform = predict

    def _answers(
        self,
        inputs: Iterable[Any],
        settings: Any,
        *,
        batch_size: int | None = None,
        max_tokens: int | None = None,
        progress: bool = False,
    ) -> Iterator[Any]:
        count = 0
        with _Bar(inputs, progress) as advance:
            for window in windows(inputs, self._task.WINDOW):
                texts = [self._task.texts_of(item, count + i) for i, item in enumerate(window)]
                # Stages 1 and 2: tokens, ids. 3: one row of real tokens. 4 and 5: hidden states, logits. 6: answers.
                ids, types = self._encode(texts, settings.tokenizing, count)
                packed = pack(ids, types)
                result = self.model.runner.run(
                    packed,
                    outputs=self._task.OUTPUTS,
                    max_tokens=max_tokens,
                    batch_size=batch_size,
                    progress=advance,
                )
                values = result.by_text(self._task.OUTPUTS[0], packed)
                yield from (self._task.answer(value, settings) for value in values)
                count += len(window)

    def _encode(
        self, texts: Sequence[tuple[Any, Any]], tokenizing: Mapping[str, Any], first: int
    ) -> tuple[list[list[int]], list[list[int]] | None]:
        """Texts → tokens → ids with special tokens, ragged; and their types, if the checkpoint has any.

        Args:
            texts: texts, each with a second one or None.
            tokenizing: the caller's arguments for the tokenizer.
            first: the number of the first text, for messages.

        Raises:
            TextTooLongError: a text has more tokens than the model has positions for.
        """
        ids: list[Any] = [None] * len(texts)
        types: list[Any] = [None] * len(texts)
        options = self._tokenizing(tokenizing)
        for has_pair in (False, True):
            chosen = [i for i, (_, pair) in enumerate(texts) if (pair is not None) == has_pair]
            if not chosen:
                continue
            pairs = [texts[i][1] for i in chosen] if has_pair else None
            encoded = self.tokenizer.encode_ragged(
                [texts[i][0] for i in chosen], pairs, numbers=[first + i for i in chosen], **options
            )
            for i, row_ids, row_types in zip(chosen, encoded.ids, encoded.type_ids, strict=True):
                ids[i], types[i] = row_ids, row_types
        limit = self.model.runner.max_length
        for i, row in enumerate(ids):
            if len(row) > limit:
                raise TextTooLongError(
                    f"Text {first + i} has {len(row)} tokens; {self.model.name_or_path!r} accepts at most {limit}. "
                    f"Pass `truncation=True` to keep the first {limit}, or split the text.",
                    index=first + i,
                    n_tokens=len(row),
                    max_length=limit,
                )
        return ids, types if "token_type_ids" in self.tokenizer.model_input_names else None

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


class _Bar:
    """A progress bar over texts, or nothing."""

    def __init__(self, inputs: Iterable[Any], is_shown: bool) -> None:
        self._bar: Any = None
        if is_shown:
            from tqdm.auto import tqdm

            total = len(inputs) if isinstance(inputs, Sized) else None
            self._bar = tqdm(total=total, unit=" texts", smoothing=0.1)

    def __enter__(self) -> Callable[[int], object] | None:
        return None if self._bar is None else self._bar.update

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()
