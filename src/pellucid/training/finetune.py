"""`finetune()`: a checkpoint, texts and labels → a model that labels texts as they are labelled."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.checkpoints.saving import Content, write_folder
from pellucid.engines import device_name, dtype_name, load_engine
from pellucid.errors import InputError
from pellucid.machine_readable import as_json
from pellucid.models.base import PreTrainedModel
from pellucid.training.checkpoints import RunFolder
from pellucid.training.data import (
    Examples,
    check_count,
    check_texts,
    encode,
    evaluation_parts,
    held_out,
    labelled,
)
from pellucid.training.labels import Scheme, plain_list, scheme_of
from pellucid.training.settings import Settings
from pellucid.training.starting import config_labels, loaded_model, ready_model, tokenizer_of

logger = logging.getLogger(__name__)


@dataclass
class FineTuned:
    """What a run made.

    Attributes:
        model: ready to predict; of the best epoch where something was measured on, else of the last.
        tokenizer: that of the checkpoint.
        metrics: one dictionary for each epoch: "epoch", "step", "train_loss", "seconds", "texts_per_second"; where
            something was measured on also "eval_loss", and "accuracy", or "micro_f1" and "subset_accuracy", or
            "mean_squared_error" and "pearson".
        best_epoch: counted from 1; None where nothing was measured on.
    """

    model: PreTrainedModel
    tokenizer: Any
    metrics: list[dict[str, Any]]
    best_epoch: int | None = None

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Write model, tokenizer and metrics.json into a folder: all their files, or none."""
        files, stale = self._files()
        metrics = (as_json(self.metrics, indent=2) + "\n").encode()
        write_folder(Path(save_directory), {**files, "metrics.json": metrics}, remove=stale)

    def _files(self) -> tuple[dict[str, Content], list[str]]:
        files, stale = self.tokenizer.files_to_save()
        written = {name: content for name, content in files.items() if content is not None}
        return {**self.model.files_to_save(), **written}, list(stale)


def finetune(
    model: str | os.PathLike[str] | PreTrainedModel,
    texts: Sequence[str],
    labels: Sequence[Any],
    *,
    text_pairs: Sequence[str] | None = None,
    evaluation: float | Sequence[Any] | None = None,
    tokenizer: Any = None,
    problem_type: str | None = None,
    label_names: Sequence[str] | None = None,
    epochs: int = 3,
    batch_size: int = 32,
    learning_rate: float = 5e-5,
    weight_decay: float = 0.01,
    warmup: float = 0.1,
    schedule: str = "linear",
    max_gradient_norm: float = 1.0,
    layer_decay: float = 1.0,
    max_length: int | None = None,
    early_stopping: int | None = None,
    seed: int = 0,
    dtype: Any = "float32",
    device: Any = None,
    threads: int | None = None,
    output: str | os.PathLike[str] | None = None,
    resume: bool = True,
    save_steps: int | None = None,
    progress: bool = True,
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
) -> FineTuned:
    """Fine-tune a checkpoint on labelled texts, on PyTorch, in packed batches.

    Args:
        model: a folder, a repository on the Hub, "builtin", or a loaded model with a head that labels texts, which is
            then trained in place.
        texts: strings.
        labels: one for each text: a word or a whole number (one label), a list of words or a row of 0 and 1 (several
            labels), or a number (regression).
        text_pairs: the second texts of pairs.
        evaluation: what to measure on after each epoch: a fraction of the texts to hold out, (texts, labels), or
            (texts, text_pairs, labels). With it the model of the best epoch is given back.
        tokenizer: a tokenizer, or the checkpoint to read it from; the model's where left out.
        problem_type: "single_label_classification", "multi_label_classification" or "regression"; told by the labels
            where left out.
        label_names: the labels' names by number; those of the labels, or of the checkpoint, where left out.
        epochs: how often each text is learned from.
        batch_size: texts of one step.
        learning_rate: of AdamW, at its highest.
        weight_decay: of AdamW; biases and norms have none.
        warmup: the part of all steps in which the learning rate rises.
        schedule: how it falls then: "linear", "cosine" or "constant".
        max_gradient_norm: longer gradients are cut to this length.
        layer_decay: the learning rate of each layer as a part of that of the layer above.
        max_length: tokens to keep of each text; where left out a text that the model cannot take whole is refused.
        early_stopping: stop after so many epochs without a better one; needs `evaluation`.
        seed: of a new head, the order of the texts, dropout, and what is held out. The same seed on the same number of
            threads gives the same weights.
        dtype: "float32", or "bfloat16" to compute products in (autocast); the weights stay in float32.
        device: "cpu" where left out; also "cuda", "mps" …
        threads: of the CPU; PyTorch's usual number where left out.
        output: a folder for checkpoints, and for the trained model. A run that was cut off goes on from there when it
            is started again with the same arguments; one that is finished is read back.
        resume: False starts anew, whatever an earlier run left in `output`.
        save_steps: steps between two checkpoints; where left out there is one at the end of each epoch.
        progress: show a progress bar.
        on_epoch: called with the measures of each epoch, when it ends; also with those of a run that is gone on from.

    Returns:
        The model, its tokenizer, and the measures of each epoch.

    Raises:
        InputError: texts, labels or numbers that nothing can be learned from or with.
        TextTooLongError: without `max_length`, a text that the model cannot take whole.
        EngineNotInstalledError: PyTorch is not installed.
        UnsupportedDtypeError: no precision to train in.
        TrainingError: `output` holds another run, or the loss is no longer finite.
        CheckpointError, ConfigError, TokenizerError: the checkpoint cannot be loaded.
    """
    settings = Settings(
        epochs, batch_size, learning_rate, weight_decay, warmup, schedule, max_gradient_norm, layer_decay, max_length,
        early_stopping, dtype_name(dtype), seed,
    )  # fmt: skip
    settings.check()
    _check_rest(evaluation, settings, output, save_steps, threads)
    load_engine("torch")
    first, second = check_texts(texts, text_pairs)
    listed = plain_list(labels)
    check_count(len(first), len(listed))
    scheme = scheme_of(
        listed, problem_type=problem_type, label_names=label_names, known=config_labels(model, problem_type)
    )
    ready = ready_model(model, scheme, device_name(device), seed)
    words = tokenizer_of(tokenizer, ready)
    whole = labelled(scheme, encode(words, first, second, max_length, ready.runner), listed, "labels")
    training, measured = _split(whole, evaluation, scheme, words, settings, ready)
    ready.runner.check(training.packed)
    folder = None
    if output is not None:
        folder = RunFolder(Path(output), _configuration(ready, scheme, settings, training, measured))
    record = folder.read() if folder is not None and resume else None
    if record is not None and record["finished"]:
        logger.warning("The run in %s is finished: its model is read back. `resume=False` starts anew.", output)
        if on_epoch is not None:
            for measures in record["progress"]["metrics"]:
                on_epoch(measures)
        return FineTuned(
            loaded_model(Path(str(output)), ready),
            words,
            record["progress"]["metrics"],
            record["progress"]["best_epoch"],
        )
    from pellucid.training.loop import Loop, on_threads

    with on_threads(threads):
        loop = Loop(
            ready, scheme.problem, settings, training, measured,
            folder=folder, save_steps=save_steps, is_shown=progress, on_epoch=on_epoch,
        )  # fmt: skip
        loop.run(record)
    made = FineTuned(ready, words, loop.progress.metrics, loop.progress.best_epoch)
    if folder is not None:
        folder.finish(loop.as_json(), *made._files())
    return made


def _check_rest(evaluation: Any, settings: Settings, output: Any, save_steps: int | None, threads: int | None) -> None:
    for name, value in (("save_steps", save_steps), ("threads", threads)):
        if value is not None and (type(value) is not int or value < 1):
            raise InputError(f"`{name}={value!r}` must be a whole number above 0.", name=name)
    if settings.early_stopping is not None and evaluation is None:
        raise InputError(
            "`early_stopping` asks which epoch is best, and there is nothing to measure on. Give `evaluation` too: a "
            "fraction to hold out, or (texts, labels).",
            name="early_stopping",
        )
    if save_steps is not None and output is None:
        raise InputError(
            "`save_steps` asks for checkpoints, and there is no folder for them. Give `output`.", name="output"
        )


def _split(
    whole: Examples, evaluation: Any, scheme: Scheme, words: Any, settings: Settings, model: Any
) -> tuple[Examples, Examples | None]:
    """What is learned from, and what is measured on."""
    if evaluation is None:
        return whole, None
    if isinstance(evaluation, int | float):
        kept, held = held_out(len(whole), evaluation, settings.seed)
        return whole.take(kept), whole.take(held)
    texts, pairs, labels = evaluation_parts(evaluation)
    first, second = check_texts(texts, pairs, "evaluation ")
    listed = plain_list(labels, "evaluation labels")
    check_count(len(first), len(listed), "evaluation labels")
    packed = encode(words, first, second, settings.max_length, model.runner, "evaluation texts")
    return whole, labelled(scheme, packed, listed, "evaluation labels")


def _configuration(
    model: Any, scheme: Scheme, settings: Settings, training: Examples, measured: Examples | None
) -> Mapping[str, Any]:
    """All that decides which weights come out, but the machine."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.data.tobytes())
    return {
        **settings.to_dict(),
        "problem_type": scheme.problem,
        "label_names": list(scheme.names),
        "model": type(model).__name__,
        "weights": digest.hexdigest()[:16],
        "texts and labels": training.fingerprint(),
        "evaluation": None if measured is None else measured.fingerprint(),
    }
