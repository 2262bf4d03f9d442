"""What a run begins with: a model on PyTorch whose head fits the labels, and its tokenizer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pellucid.errors import InputError
from pellucid.models.arguments import LoadingArguments
from pellucid.models.auto import AutoConfig, AutoModelForSequenceClassification
from pellucid.models.base import PreTrainedModel
from pellucid.tokenizers import AutoTokenizer
from pellucid.training.labels import Scheme

HEAD = AutoModelForSequenceClassification.head_name


def config_labels(model: Any, problem_type: str | None) -> dict[int, str]:
    """The names of labels that a model or a checkpoint has already."""
    config = model.config if isinstance(model, PreTrainedModel) else AutoConfig.from_pretrained(model)
    labels: dict[int, str] = config.id2label
    return labels


def ready_model(model: str | os.PathLike[str] | PreTrainedModel, scheme: Scheme, device: str, seed: int) -> Any:
    """The model to train, in float32.

    Args:
        model: a checkpoint, whose head is made anew where it has another number of labels; or a model.
        scheme: the labels.
        device: where to compute.
        seed: of a new head.

    Raises:
        InputError: a model that cannot be trained, or whose head has another number of labels.
    """
    if not isinstance(model, PreTrainedModel):
        return _loaded(model, scheme, device, seed)
    if model.engine != "torch" or model.head_name != HEAD:
        raise InputError(
            f"{model!r} cannot be trained: it must compute on PyTorch and have a head that labels texts. Load it with "
            '`AutoModelForSequenceClassification.from_pretrained(name, engine="torch")`, or give the name.',
            name="model",
        )
    if str(model.dtype) != "torch.float32":
        raise InputError(
            f"The model's parameters are in {model.dtype}; learning needs float32. Call `model.float()` first; with "
            '`dtype="bfloat16"` products are still computed in half precision.',
            name="model",
        )
    if model.config.num_labels != len(scheme.names):
        raise InputError(
            f"The model's head has {model.config.num_labels} labels, and the texts have {len(scheme.names)}: "
            f"{', '.join(scheme.names[:20])}. Load it with `num_labels={len(scheme.names)}`, or give its name.",
            name="model",
        )
    _describe(model.config, scheme)
    if device != "cpu":
        trainable: Any = model
        trainable.to(device)
    return model


def _loaded(name: str | os.PathLike[str], scheme: Scheme, device: str, seed: int) -> Any:
    """A checkpoint's model; that its head is new goes without saying here."""
    given = LoadingArguments(engine="torch", dtype="float32", device=device, seed=seed, ignore_mismatched_sizes=True)
    checkpoint = given.locate(name)
    config = AutoModelForSequenceClassification.config_of(checkpoint)
    _describe(config, scheme)
    model, _ = AutoModelForSequenceClassification.class_for(config).load(checkpoint, config, given, {})
    return model


def loaded_model(folder: Path, like: Any) -> Any:
    """The trained model of a finished run."""
    return AutoModelForSequenceClassification.from_pretrained(
        folder, engine="torch", dtype="float32", device=str(like.device)
    )


def _describe(config: Any, scheme: Scheme) -> None:
    config.id2label = dict(enumerate(scheme.names))
    config.label2id = {name: number for number, name in config.id2label.items()}
    config.problem_type = scheme.problem


def tokenizer_of(tokenizer: Any, model: Any) -> Any:
    """The tokenizer that was given or named; the model's where left out.

    Raises:
        InputError: the model came from no checkpoint.
    """
    if callable(tokenizer):
        return tokenizer
    name = tokenizer if tokenizer is not None else model.name_or_path
    if not name:
        raise InputError(
            "The model was loaded from nowhere, so its tokenizer cannot be told. Give `tokenizer`.", name="tokenizer"
        )
    return AutoTokenizer.from_pretrained(name)
