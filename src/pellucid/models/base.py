"""Models with the face of `transformers`: `from_pretrained`, a call with rectangles, `save_pretrained`."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from pellucid import outputs as output_classes
from pellucid.architectures.family import Family
from pellucid.checkpoints.hub import Checkpoint
from pellucid.checkpoints.json_file import config_dict_of
from pellucid.checkpoints.report import LoadingReport
from pellucid.checkpoints.stored import StoredTensor
from pellucid.config import Config
from pellucid.engines import device_name, dtype_name
from pellucid.errors import ConfigError, InputError, InputTypeError
from pellucid.models.arguments import LoadingArguments
from pellucid.models.arrays import packed_inputs, unpacked_outputs
from pellucid.models.loading import Loaded, initialise, load, parameters_of
from pellucid.models.runner import Runner
from pellucid.models.saving import Saving
from pellucid.outputs import ModelOutput
from pellucid.tensors import as_numpy, common_kind

logger = logging.getLogger(__name__)

AnyModel = TypeVar("AnyModel", bound="PreTrainedModel")


class PreTrainedModel(Saving):
    """A checkpoint's encoder and head on an engine. May be called from any number of threads at once.

    Args:
        config: of the class's family; the weights are random, and the same for the same seed.
        engine: "openvino", "torch", "tensorflow" or "numpy"; the fastest installed one where left out.
        dtype: the precision to compute in: "float32", or one that the engine offers.
        device: where to compute: "cpu", or with the engine "torch" any device of the installed PyTorch.
        seed: of the random weights.

    Raises:
        UnsupportedConfigError: the config holds values that cannot be computed.
        EngineError: no such engine, not installed, or it does not compute in that precision.
    """

    family: ClassVar[Family]
    head: ClassVar[str]
    config_class: ClassVar[type[Config]]
    base_model_prefix: ClassVar[str]
    usual_kind: ClassVar[str] = "np"
    """The kind of array that is given back where only lists were given."""
    output_prefix: ClassVar[str] = ""
    """What stands before the names of the classes of its outputs."""

    def __init_subclass__(cls) -> None:
        if "family" in vars(cls):
            cls.config_class = cls.family.config
            cls.base_model_prefix = cls.family.names.prefix.rstrip(".")

    def __init__(
        self,
        config: Config,
        *,
        engine: str | None = None,
        dtype: Any = "float32",
        device: Any = None,
        seed: int = 0,
    ) -> None:
        if type(config) is not self.config_class:
            raise ConfigError(
                f"{type(self).__name__} needs a {self.config_class.__name__}, and was given a "
                f"{type(config).__name__}. To load a checkpoint, use `{type(self).__name__}.from_pretrained(name)`."
            )
        config.check()
        self._prepare(config, None, engine, dtype_name(dtype), device_name(device), seed)

    def _prepare(
        self,
        config: Config,
        parameters: Mapping[str, StoredTensor] | None,
        engine: str | None,
        dtype: str,
        device: str,
        seed: int,
    ) -> None:
        self.config = config
        self._loaded_parameters = parameters
        self._seed = seed
        self.runner = Runner(
            self.family, config, self.head, lambda: self.parameters, engine=engine, dtype=dtype, device=device,
            name=config.name_or_path or type(self).__name__,
        )  # fmt: skip

    @cached_property
    def parameters(self) -> Mapping[str, StoredTensor]:
        """Every parameter by its canonical name, as it is stored; random ones are made when first needed."""
        if self._loaded_parameters is not None:
            return self._loaded_parameters
        wanted = parameters_of(self.family, self.config, self.head)
        made = dict(initialise(self.config, wanted, self._seed))
        return {name: made[name] for name in wanted}

    @property
    def engine(self) -> str:
        """The name of the engine."""
        return self.runner.engine

    @property
    def dtype(self) -> str:
        """The precision that is computed in."""
        return self.runner.dtype

    @property
    def device(self) -> str:
        """Where it is computed."""
        return self.runner.device

    @property
    def name_or_path(self) -> str:
        """The name or folder that the model was loaded from."""
        return self.config.name_or_path

    @classmethod
    def from_pretrained(
        cls: type[AnyModel], pretrained_model_name_or_path: str | os.PathLike[str], **arguments: Any
    ) -> Any:
        """Load a checkpoint from a folder or the Hub.

        Args:
            pretrained_model_name_or_path: a folder, a repository on the Hub, or "builtin".
            arguments: see `LoadingArguments`; others change attributes of the config (`num_labels=3`).

        Returns:
            The model; with `output_loading_info=True`, a pair of it and its `LoadingReport`.

        Raises:
            CheckpointError: no such checkpoint, or its files are damaged or do not fit each other.
            ConfigError: its config cannot be read or computed.
            EngineError: the engine cannot be used.
        """
        given, changes = LoadingArguments.split(arguments)
        checkpoint = given.locate(pretrained_model_name_or_path)
        config = given.config
        if config is None:
            config = cls._config_of(checkpoint)
        model, loaded = cls.load(checkpoint, config, given, changes)
        told = cls.words_of(loaded.report)
        if told:
            logger.warning(told)
        return (model, loaded.report) if given.output_loading_info else model

    @classmethod
    def engine_of(cls, given: LoadingArguments) -> str | None:
        """The engine to compute on; None for the fastest installed one."""
        return given.engine_name

    @classmethod
    def words_of(cls, report: LoadingReport) -> str:
        """What is said after loading; nothing where every weight fits and is used."""
        return report.words()

    @classmethod
    def _config_of(cls, checkpoint: Checkpoint) -> Config:
        config_dict = config_dict_of(checkpoint)
        model_type = config_dict.get("model_type", cls.family.model_type)
        if model_type != cls.family.model_type:
            raise ConfigError(
                f"{cls.__name__} cannot load {checkpoint.name!r}, which is of the family {model_type!r}. "
                "Use an Auto class, which chooses the family by itself, or the class of that family.",
                model_type=model_type,
            )
        config: Config = cls.config_class.from_dict(config_dict)
        return config

    @classmethod
    def load(
        cls: type[AnyModel],
        checkpoint: Checkpoint,
        config: Config,
        given: LoadingArguments,
        changes: Mapping[str, Any],
    ) -> tuple[AnyModel, Loaded]:
        """Load a checkpoint whose config is read, and say nothing: the report is in what is returned."""
        config, unknown = cls.config_class.from_dict(
            {**config.to_dict(), "_name_or_path": checkpoint.name}, return_unused_kwargs=True, **changes
        )
        if unknown:
            raise InputTypeError(
                f"{cls.__name__}.from_pretrained() does not know the arguments {', '.join(unknown)}, and the config "
                f"has no such attributes. Arguments: {', '.join(LoadingArguments.names())}.",
                arguments=list(unknown),
            )
        config.check()
        given.tell_what_has_no_effect()
        loaded = load(
            checkpoint, cls.family, config, cls.head, model=cls.__name__,
            ignore_mismatched_sizes=given.ignore_mismatched_sizes, seed=given.seed, **given.reading(),
        )  # fmt: skip
        engine = cls.engine_of(given)
        model = cls.__new__(cls)
        model._prepare(
            config,
            loaded.parameters,
            engine,
            given.dtype_for(loaded, engine),
            given.device_name,
            given.seed,
        )
        return model, loaded

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        *,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> Any:
        """Run the model on a rectangle of token ids.

        Args:
            input_ids: whole numbers `[B, L]`, or `[L]` for a batch of one; nested lists or an array. Also a
                `BatchEncoding` or dictionary that holds these arguments.
            attention_mask: `[B, L]`, 1 for tokens and 0 for padding; where left out every cell counts, padding too.
            token_type_ids: `[B, L]`, 0 for the first text of a pair and 1 for the second; 0 where left out.
            position_ids: `[B, L]`; the columns where left out.
            output_attentions: also give the attention probabilities of every layer.
            output_hidden_states: also give the embeddings and the output of every layer.
            return_dict: False for a tuple instead of a `ModelOutput`.

        Returns:
            A `ModelOutput` of arrays of the kind that was given, NumPy's for lists; zeros where there is padding.

        Raises:
            InputError: arrays of two kinds, or that do not fit each other; ids outside the vocabulary; more tokens
                than positions.
        """
        if isinstance(input_ids, Mapping):
            return self(
                **dict(input_ids), output_attentions=output_attentions,
                output_hidden_states=output_hidden_states, return_dict=return_dict,
            )  # fmt: skip
        if input_ids is None:
            raise InputError("The model was called without `input_ids`. Pass what the tokenizer gives.")
        self._refuse_inputs(token_type_ids=token_type_ids, position_ids=position_ids)
        given = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": token_type_ids,
            "position_ids": position_ids,
        }
        kind, like = common_kind(given, self.usual_kind)
        packed, is_token = packed_inputs(**{name: as_numpy(value) for name, value in given.items()})
        asked = {
            "hidden_states": _first(output_hidden_states, self.config.output_hidden_states),
            "attentions": _first(output_attentions, self.config.output_attentions),
        }
        result = self.runner.run(packed, taps=[name for name, is_asked in asked.items() if is_asked])
        values = {
            name: tuple(kind.from_numpy(layer, like) for layer in value)
            if isinstance(value, tuple)
            else kind.from_numpy(value, like)
            for name, value in unpacked_outputs(result, is_token).items()
        }
        output_class: type[ModelOutput] = getattr(
            output_classes, self.output_prefix + self.family.heads[self.head].output_class
        )
        output = output_class(**values)
        return output if _first(return_dict, self.config.use_return_dict) else output.to_tuple()

    def _refuse_inputs(self, **given: Any) -> None:
        for name, value in given.items():
            if value is not None and name not in self.family.inputs:
                raise InputError(
                    f"{type(self).__name__} takes no `{name}`. Use the tokenizer of this checkpoint, or leave it out.",
                    name=name,
                )

    def eval(self: AnyModel) -> AnyModel:
        """The model itself: it only ever predicts, and nothing is dropped out."""
        return self

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.name_or_path or 'random weights'!r}, engine={self.engine!r}, "
            f"dtype={self.dtype!r}, {self.num_parameters():,} parameters)"
        )


def _first(*values: Any) -> bool:
    return bool(next(value for value in values if value is not None))
