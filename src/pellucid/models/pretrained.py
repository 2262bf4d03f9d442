"""What every model class has, whatever computes it: a config, `from_pretrained`, and checked arguments of a call."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from pellucid import outputs as output_classes
from pellucid.architectures.family import Family
from pellucid.checkpoints.hub import Checkpoint
from pellucid.checkpoints.json_file import config_dict_of
from pellucid.checkpoints.report import LoadingReport
from pellucid.checkpoints.roundings import Roundings, roundings_of
from pellucid.checkpoints.stored import StoredTensor
from pellucid.config import Config
from pellucid.engines import check_dtype, load_engine, usual_engine
from pellucid.errors import ConfigError, InputError, InputTypeError, UnsupportedDtypeError
from pellucid.models.arguments import LoadingArguments
from pellucid.models.choices import flattened
from pellucid.models.diagnosis import Diagnosis
from pellucid.models.loading import Loaded, initialise, load, parameters_of
from pellucid.models.runner import Runner
from pellucid.models.saving import Saving
from pellucid.outputs import ModelOutput

logger = logging.getLogger(__name__)

AnyPretrained = TypeVar("AnyPretrained", bound="Pretrained")


class Pretrained(Saving):
    """A checkpoint's encoder and head; subclasses say what computes them."""

    family: ClassVar[Family]
    head_name: ClassVar[str]
    config_class: ClassVar[type[Config]]
    base_model_prefix: ClassVar[str]
    runner: Runner
    """Runs any number of texts, for a pipeline."""

    usual_kind: ClassVar[str] = "np"
    """The kind of array that is given back where only lists were given."""
    output_prefix: ClassVar[str] = ""
    """What stands before the names of the classes of its outputs."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "family" in vars(cls):
            cls.config_class = cls.family.config
            cls.base_model_prefix = cls.family.names.prefix.rstrip(".")

    def _prepare(
        self,
        config: Config,
        parameters: Mapping[str, StoredTensor] | None,
        *,
        engine: str | None,
        dtype: str,
        device: str,
        seed: int,
    ) -> None:
        """Make ready to compute.

        Args:
            config: checked.
            parameters: by canonical name, of a checkpoint; None for random ones.
            engine: what computes; None for the usual one.
            dtype: the precision to compute in.
            device: where.
            seed: of random parameters.
        """
        raise NotImplementedError

    @classmethod
    def check_config(cls, config: Config) -> None:
        """Refuse a config of another family, or one that cannot be computed.

        Raises:
            ConfigError: the message tells how checkpoints are loaded, since that is what is usually meant.
        """
        if type(config) is not cls.config_class:
            raise ConfigError(
                f"{cls.__name__} needs a {cls.config_class.__name__}, and was given a {type(config).__name__}. "
                f"To load a checkpoint, use `{cls.__name__}.from_pretrained(name)`."
            )
        config.check()

    @classmethod
    def random_tensors(cls, config: Config, seed: int) -> dict[str, StoredTensor]:
        """Every parameter by its canonical name, with the values that training begins with."""
        wanted = parameters_of(cls.family, config, cls.head_name)
        made = dict(initialise(config, wanted, seed))
        return {name: made[name] for name in wanted}

    @property
    def name_or_path(self) -> str:
        """The name or folder that the model was loaded from."""
        return self.config.name_or_path

    @classmethod
    def from_pretrained(
        cls: type[AnyPretrained], pretrained_model_name_or_path: str | os.PathLike[str], **arguments: Any
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

    def in_precision(self: AnyPretrained, dtype: str, roundings: Roundings | None = None) -> AnyPretrained:
        """The same model in another precision, of the same weights in memory.

        Args:
            dtype: one that the engine computes in.
            roundings: for int8, how inputs are rounded.

        Raises:
            UnsupportedDtypeError: the model holds its weights in the one that it was made in.
        """
        raise UnsupportedDtypeError(
            f"{type(self).__name__} computes in {self.runner.dtype} alone. Load it again with `dtype={dtype!r}`.",
            dtype=dtype,
        )

    @classmethod
    def engine_of(cls, given: LoadingArguments) -> str | None:
        """The engine to compute on; None for the usual one."""
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
        cls: type[AnyPretrained],
        checkpoint: Checkpoint,
        config: Config,
        given: LoadingArguments,
        changes: Mapping[str, Any],
    ) -> tuple[AnyPretrained, Loaded]:
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
            checkpoint, cls.family, config, cls.head_name, model=cls.__name__,
            ignore_mismatched_sizes=given.ignore_mismatched_sizes, seed=given.seed, **given.reading(),
        )  # fmt: skip
        if given.dtype_name == "int8":
            check_dtype(load_engine(cls.engine_of(given) or usual_engine())[0], "int8")
            own = roundings_of(checkpoint, loaded.parameters) if given.roundings is None else given.roundings
            loaded = replace(loaded, roundings=own)
        model = cls.from_parameters(config, loaded, given)
        # Past the frameworks, which look into what is set on their models.
        model.__dict__["_checkpoint"] = checkpoint
        if cls.head_name != "base":
            model.__dict__["_untrained"] = tuple(loaded.report.newly_initialised)
        return model, loaded

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The files that the model was loaded from; None for one that was made of a config."""
        return self.__dict__.get("_checkpoint")

    @classmethod
    def from_parameters(
        cls: type[AnyPretrained], config: Config, loaded: Loaded, given: LoadingArguments
    ) -> AnyPretrained:
        """A model of this class around parameters that are loaded."""
        raise NotImplementedError

    def _given(
        self, input_ids: Any, attention_mask: Any, token_type_ids: Any, position_ids: Any
    ) -> tuple[dict[str, Any], int | None]:
        """The arguments of a call, those refused that this family has no use for.

        Returns:
            The arguments `[B, L]` by name; and of how many choices each answer is made, where that is what the head
            does.
        """
        if input_ids is None:
            raise InputError("The model was called without `input_ids`. Pass what the tokenizer gives.")
        for name, value in (("token_type_ids", token_type_ids), ("position_ids", position_ids)):
            if value is not None and name not in self.family.inputs:
                raise InputError(
                    f"{type(self).__name__} takes no `{name}`. Use the tokenizer of this checkpoint, or leave it out.",
                    name=name,
                )
        given = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": token_type_ids,
            "position_ids": position_ids,
        }
        return flattened(given) if self.loss_kind == "choices" else (given, None)

    def _diagnose(self, given: Mapping[str, Any], is_token: Any, *, kind: str, is_learning: bool) -> None:
        """Tell what looks like a mistake in a call; see `models/diagnosis.py`.

        Args:
            given: the arguments of the call by name, on the host.
            is_token: which cells count, bool `[B, L]`.
            kind: of the caller's arrays: "np", "pt" or "tf".
            is_learning: whether the call is a step of training, or the model was trained since it was loaded.
        """
        found = self.__dict__.get("_diagnosis")
        if found is None:
            found = self.__dict__["_diagnosis"] = Diagnosis(
                self.checkpoint, self.config.pad_token_id, self.__dict__.get("_untrained", ())
            )
        has_mask = given.get("attention_mask") is not None
        found.of_call(given["input_ids"], is_token, kind=kind, has_mask=has_mask, is_learning=is_learning)

    @property
    def loss_kind(self) -> str | None:
        """What the loss is computed from, a word of `models/losses.py`; None for a model without one."""
        return self.family.heads[self.head_name].loss

    def _labels(self, labels: Any, start_positions: Any, end_positions: Any) -> Any:
        """The labels of a call in one; None where there are none.

        Raises:
            InputError: the head has no loss, or one of other labels.
        """
        kind = self.loss_kind
        has_span = start_positions is not None and end_positions is not None
        if labels is None and start_positions is None and end_positions is None:
            return None
        if kind is None:
            raise InputError(
                f"{type(self).__name__} has no head to compute a loss of. Leave `labels` out, or load the checkpoint "
                "with an `AutoModelFor…`.",
                name="labels",
            )
        if (kind == "span") != has_span or (kind == "span") != (labels is None):
            raise InputError(
                f"{type(self).__name__} computes its loss from "
                f"{'`start_positions` and `end_positions`' if kind == 'span' else '`labels`'}; give just that.",
                name="labels",
            )
        return (start_positions, end_positions) if kind == "span" else labels

    def _shaped(self, values: Mapping[str, Any], count: int | None, reshape: Any) -> dict[str, Any]:
        """Outputs that are single numbers without their last axis, and those of choices side by side.

        Args:
            values: the outputs by name.
            count: of choices.
            reshape: the library's, of an array and a shape.
        """
        shaped = dict(values)
        for name in self.family.heads[self.head_name].single:
            one = values[name]
            shaped[name] = one[..., 0] if count is None else reshape(one, (-1, count))
        return shaped

    def _taps(self, output_hidden_states: bool | None, output_attentions: bool | None) -> tuple[str, ...]:
        """What to keep of a run beside its outputs; the config says it where the call does not."""
        asked = {
            "hidden_states": first(output_hidden_states, self.config.output_hidden_states),
            "attentions": first(output_attentions, self.config.output_attentions),
        }
        return tuple(name for name, is_asked in asked.items() if is_asked)

    def _output_class(self) -> type[ModelOutput]:
        name = self.output_prefix + self.family.heads[self.head_name].output_class
        output_class: type[ModelOutput] = getattr(output_classes, name)
        return output_class

    def _output(self, values: Mapping[str, Any], return_dict: bool | None) -> Any:
        """The outputs in their class, or as a tuple."""
        output = self._output_class()(**values)
        return output if first(return_dict, self.config.use_return_dict) else output.to_tuple()


def first(*values: Any) -> bool:
    """The first value that was given."""
    return bool(next(value for value in values if value is not None))
