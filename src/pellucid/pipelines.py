"""`pipeline()`: from the name of a task and of a checkpoint to something that answers."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pellucid.checkpoints.hub import Checkpoint
from pellucid.config import Config
from pellucid.engines import installed, usable_gpu
from pellucid.errors import InputError, MissingHeadError, OfflineError, PipelineError, UnknownModelTypeError
from pellucid.models.arguments import LoadingArguments
from pellucid.models.auto import BY_HEAD, AutoConfig
from pellucid.models.diagnosis import tell_of_another_tokenizer
from pellucid.models.loading import Loaded, heads_made, heads_of_others, parameters_of
from pellucid.models.pretrained import Pretrained
from pellucid.quantization.choosing import BAR, fastest
from pellucid.stages import Pipeline
from pellucid.tasks import load_task, task_for_head, task_name
from pellucid.tokenizers import AutoTokenizer

logger = logging.getLogger(__name__)

__all__ = ["Pipeline", "pipeline"]


def pipeline(
    task: str | None = None,
    model: str | os.PathLike[str] | Pretrained | None = None,
    config: str | os.PathLike[str] | Config | None = None,
    tokenizer: Any = None,
    feature_extractor: Any = None,
    image_processor: Any = None,
    processor: Any = None,
    framework: str | None = None,
    revision: str | None = None,
    use_fast: bool = True,
    token: str | bool | None = None,
    device: Any = None,
    device_map: Any = None,
    dtype: Any = None,
    trust_remote_code: bool | None = None,
    model_kwargs: Mapping[str, Any] | None = None,
    pipeline_class: type[Pipeline] | None = None,
    *,
    engine: str | None = None,
    allow_untrained_head: bool = False,
    sample: Sequence[Any] | None = None,
    agreement: float = BAR,
    **arguments: Any,
) -> Pipeline:
    """Join a task, a checkpoint's model and its tokenizer.

    Args:
        task: "text-classification" (or "sentiment-analysis"), "feature-extraction"; told by the model where left out.
        model: a folder, a repository on the Hub, "builtin", or a model; the usual one for the task where left out.
        config: a config, or the checkpoint to read it from, in place of the model's own.
        tokenizer: a tokenizer, or the checkpoint to read it from; the model's where left out.
        feature_extractor: for other kinds of data than text: not taken.
        image_processor: likewise.
        processor: likewise.
        framework: "pt", "tf" or "np": the engine, in the words of `transformers`.
        revision: branch, tag or commit on the Hub.
        use_fast: accepted; there is one tokenizer, and it is fast.
        token: for private repositories.
        device: where to compute: "cpu" where left out, and for -1; with the engine "torch" also "cuda", "mps" …
        device_map: the same; "auto" leaves the choice.
        dtype: the precision to compute in; "float32" where left out, "auto" for the stored one, "auto-fast" for the
            fastest whose decisions are those of float32, as far as `agreement` says; which one it is, is said.
        trust_remote_code: accepted; code of a checkpoint is never run.
        model_kwargs: further arguments of the model's `from_pretrained`.
        pipeline_class: a subclass of `Pipeline` to make.
        engine: "openvino", "torch", "tensorflow" or "numpy"; the fastest installed one where left out.
        allow_untrained_head: answer with random weights where the checkpoint lacks the head that the task needs.
        sample: with "auto-fast", some hundred inputs like those that will be asked, to measure on; left out, what
            `pellucid quantize` measured counts.
        agreement: with "auto-fast", the share of decisions that must be the same.
        arguments: the task's, as defaults for every call; also `batch_size`, `max_tokens` and `progress`.

    Returns:
        A pipeline, to be called with texts.

    Raises:
        UnknownTaskError: no such task.
        PipelineError: neither task nor model, or a tokenizer without a model.
        MissingHeadError: the checkpoint has no trained head for the task.
        CheckpointError, ConfigError, TokenizerError, EngineError: the checkpoint cannot be loaded; of CheckpointError
            also `VocabularyMismatchError`: the tokenizer has ids that the model has no embeddings for.
    """
    if task is None and model is None:
        raise PipelineError(
            "Impossible to instantiate a pipeline without either a task or a model being specified. "
            "Please provide a task class or a model"
        )
    if model is None and tokenizer is not None:
        raise PipelineError(
            "Impossible to instantiate a pipeline with tokenizer specified but not the model as the provided tokenizer "
            "may not be compatible with the default model. Please provide a PreTrainedModel class or a path/identifier "
            "to a pretrained model when providing tokenizer."
        )
    others = {
        "feature_extractor": feature_extractor,
        "image_processor": image_processor,
        "processor": processor,
    }
    for name, value in others.items():
        if value is not None:
            raise InputError(f"`{name}` was given, and Pellucid computes on text alone. Leave it out.", name=name)
    if task is not None:
        task = task_name(task)
    given = _loading_arguments(
        model_kwargs or {},
        arguments,
        revision=revision, token=token, device=device, device_map=device_map, dtype=dtype, framework=framework,
        trust_remote_code=trust_remote_code, engine=engine,
    )  # fmt: skip
    is_named, is_another = model is not None, tokenizer is not None
    if model is None:
        assert task is not None
        model, default_revision = load_task(task).checkpoint
        logger.warning(
            "No model was supplied, defaulted to %s and revision %s.\nUsing a pipeline without specifying a model name "
            "and revision in production is not recommended.",
            model,
            default_revision,
        )
        given.setdefault("revision", default_revision)
    loading, changes = LoadingArguments.split(given)
    is_fastest = loading.dtype_name == "auto-fast"
    if is_fastest:
        loading = replace(loading, dtype=None, torch_dtype=None)
    elif sample is not None:
        raise InputError("`sample` chooses a precision, with `dtype='auto-fast'` alone. Leave it out.", name="sample")
    if loading.engine_name is None:
        loading = _on_the_fastest(loading)
    if not isinstance(model, Pretrained):
        try:
            checkpoint = loading.locate(model)
        except OfflineError as error:
            if is_named:
                raise
            raise OfflineError(
                f"{error} Name a checkpoint that is on this machine: pipeline({task!r}, model=folder); for "
                "'sentiment-analysis' and 'feature-extraction' also model='builtin', which is inside the package.",
                **error.details,
            ) from error
        try:
            task, model = _load(task, checkpoint, config, loading, changes, allow_untrained_head)
        except UnknownModelTypeError as error:
            instead = "" if is_named or task is None else load_task(task).instead
            if not instead:
                raise
            raise UnknownModelTypeError(
                f"{error} Name one of these for the task: pipeline({task!r}, model={instead!r}).", **error.details
            ) from error
        if tokenizer is None:
            # From the very commit that the model came from.
            loading = replace(loading, revision=checkpoint.commit or loading.revision)
            tokenizer = checkpoint.name
    elif task is None:
        task = task_for_head(model.head_name)
    elif model.head_name != load_task(task).head and load_task(task).head != "base":
        raise MissingHeadError(
            f"{type(model).__name__} has no head for {task!r}. Load the checkpoint with "
            f"{BY_HEAD[load_task(task).head].__name__}.",
            task=task,
        )
    if tokenizer is None:
        raise PipelineError(
            "Impossible to guess which tokenizer to use. Please provide a PreTrainedTokenizer class or a "
            "path/identifier to a pretrained tokenizer."
        )
    assert task is not None
    tokenizer = _tokenizer(tokenizer, loading)
    if is_another and len(ends := tokenizer("")["input_ids"]) > 1:
        tell_of_another_tokenizer(model.checkpoint, ends[0], ends[-1], tokenizer.name_or_path)
    made = (pipeline_class or Pipeline)(task, model, tokenizer, **arguments)
    return fastest(made, sample, agreement) if is_fastest else made


def _loading_arguments(model_kwargs: Mapping[str, Any], arguments: dict[str, Any], **named: Any) -> dict[str, Any]:
    """The arguments for the model, from the three places where they may stand."""
    given = {name: value for name, value in named.items() if value is not None}
    in_arguments = {name: arguments.pop(name) for name in LoadingArguments.names() if name in arguments}
    for source in (model_kwargs, in_arguments):
        for name, value in source.items():
            if name in given:
                raise InputError(
                    f"`{name}` is given both to pipeline() and in `model_kwargs`. Leave one out.",
                    name=name,
                )
            given[name] = value
    if {"dtype", "torch_dtype"} <= set(given):
        raise InputError("Both `dtype` and `torch_dtype` are given; they mean the same. Leave `torch_dtype` out.")
    return given


def _on_the_fastest(loading: LoadingArguments) -> LoadingArguments:
    """PyTorch where it sees a GPU or a device was named that only it knows, else the fastest engine on a CPU."""
    gpu = usable_gpu() if loading.device is None and loading.device_map in (None, "auto") else None
    if gpu is not None:
        return replace(loading, engine="torch", device=gpu)
    engine = "torch" if loading.device_name != "cpu" and "torch" in installed() else installed()[0]
    return replace(loading, engine=engine)


def _load(
    task: str | None,
    checkpoint: Checkpoint,
    config: str | os.PathLike[str] | Config | None,
    loading: LoadingArguments,
    changes: Mapping[str, Any],
    allow_untrained_head: bool,
) -> tuple[str, Pretrained]:
    """Load the model that a task needs; and tell the task by the config where none is named."""
    if isinstance(config, Config):
        settled = config
    elif config is not None:
        settled = AutoConfig.from_pretrained(config)
    else:
        settled = BY_HEAD["base"].config_of(checkpoint)
    if task is None:
        task = _task_of(settled, checkpoint)
    needed = load_task(task)
    model_class = BY_HEAD[needed.head].class_for(settled)
    model, loaded = model_class.load(checkpoint, settled, loading, changes)
    untrained = _untrained(model, loaded, needed.outputs)
    if untrained and not allow_untrained_head:
        raise MissingHeadError(
            f"{checkpoint.name!r} has no trained head for {task!r}: {', '.join(untrained)} "
            f"{'is' if len(untrained) == 1 else 'are'} {_fault_of(model)}. Answers would be random. Use a checkpoint "
            "that was fine-tuned for this task, or pass `allow_untrained_head=True`.",
            task=task,
            missing=untrained,
        )
    if untrained:
        logger.warning(loaded.report.words())
    return task, model


def _task_of(config: Config, checkpoint: Checkpoint) -> str:
    """The task that a config's `architectures` were made for."""
    made = heads_made(config, BY_HEAD["base"].class_for(config).family)
    for head in BY_HEAD:
        task = task_for_head(head) if head in made else None
        if task is not None:
            return task
    raise PipelineError(
        f"The task of {checkpoint.name!r} cannot be told from its config, whose `architectures` are "
        f"{config.architectures}. Name the task: pipeline('text-classification', model=…)."
    )


def _untrained(model: Pretrained, loaded: Loaded, outputs: tuple[str, ...]) -> list[str]:
    """Parameters that the task's outputs need and that are newly initialised, in the checkpoint's names."""
    needed = parameters_of(model.family, model.config, model.head_name, outputs)
    is_others = model.head_name in heads_of_others(model.config, model.family)
    return [
        model.family.names.hub_name(name)
        for name in needed
        if name in loaded.new or (is_others and name.startswith("head."))
    ]


def _fault_of(model: Pretrained) -> str:
    """Why parameters of a head are not what the task needs."""
    if model.head_name in heads_of_others(model.config, model.family):
        return f"another head's, since it was made as {', '.join(model.config.architectures)}"
    return "not among its weights"


def _tokenizer(tokenizer: Any, loading: LoadingArguments) -> Any:
    if callable(tokenizer):
        return tokenizer
    return AutoTokenizer.from_pretrained(
        tokenizer,
        revision=loading.revision,
        cache_dir=loading.cache_dir,
        token=loading.token,
        local_files_only=loading.local_files_only,
        force_download=loading.force_download,
        subfolder=loading.subfolder,
    )
