"""The classes that choose the family by themselves: `AutoConfig`, `AutoModel`, `AutoModelForSequenceClassification`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from pellucid.architectures import FAMILIES, family_of
from pellucid.checkpoints.hub import Checkpoint
from pellucid.checkpoints.json_file import config_dict_of
from pellucid.config import Config
from pellucid.errors import AutoClassError, ConfigError
from pellucid.models.arguments import LoadingArguments
from pellucid.models.table import CLASSES, Table


class _Auto:
    """Not to be constructed."""

    def __init__(self) -> None:
        name = type(self).__name__
        raise AutoClassError(
            f"{name} is not constructed. Use `{name}.from_pretrained(name)`, or the class of one family."
        )


class AutoConfig(_Auto):
    """The config of a checkpoint, of whatever family it says it is."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike[str], **arguments: Any) -> Any:
        """Read the config of a checkpoint; arguments as for `Config.from_pretrained`.

        Raises:
            UnknownModelTypeError: a family that this version does not run.
        """
        given, changes = LoadingArguments.split(arguments)
        return_unused = bool(changes.pop("return_unused_kwargs", False))
        config_dict = config_dict_of(given.locate(pretrained_model_name_or_path))
        return _config_of(config_dict, return_unused, changes)

    @classmethod
    def for_model(cls, model_type: str, **values: Any) -> Config:
        """The config of a family, with the given values and the family's defaults."""
        return family_of(model_type, model_type).config(**values)


def _config_of(config_dict: Mapping[str, Any], return_unused_kwargs: bool, changes: Mapping[str, Any]) -> Any:
    family = family_of(config_dict.get("model_type"), str(config_dict.get("_name_or_path", "")))
    return family.config.from_dict(config_dict, return_unused_kwargs=return_unused_kwargs, **changes)


class AutoModelBase(_Auto):
    """A model with one head, of whatever family the checkpoint says it is."""

    head_name: ClassVar[str]

    @classmethod
    def _classes(cls) -> Table[Any]:
        """The classes to choose from, by family and head."""
        return CLASSES

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike[str], **arguments: Any) -> Any:
        """Load a checkpoint from a folder or the Hub.

        Args:
            pretrained_model_name_or_path: a folder, a repository on the Hub, or "builtin".
            arguments: see `LoadingArguments`; others change attributes of the config (`num_labels=3`).

        Returns:
            A model of the family's own class, such as `BertForSequenceClassification`; with
            `output_loading_info=True`, a pair of it and its `LoadingReport`.
        """
        given, _ = LoadingArguments.split(arguments)
        checkpoint = given.locate(pretrained_model_name_or_path)
        if checkpoint.commit is not None:
            # All files of one load come from one commit.
            arguments = {**arguments, "revision": checkpoint.commit}
        model_class = cls.class_for(given.config or cls.config_of(checkpoint))
        return model_class.from_pretrained(pretrained_model_name_or_path, **arguments)

    @classmethod
    def from_config(cls, config: Config, **arguments: Any) -> Any:
        """A model with random weights; arguments as for the family's class."""
        return cls.class_for(config)(config, **arguments)

    @classmethod
    def config_of(cls, checkpoint: Checkpoint) -> Config:
        """The config of a checkpoint whose files are found."""
        config: Config = _config_of(config_dict_of(checkpoint), False, {})
        return config

    @classmethod
    def class_for(cls, config: Config) -> type[Any]:
        """The class for a config.

        Raises:
            ConfigError: the family has no such head.
        """
        key = (type(config).model_type, cls.head_name)
        classes = cls._classes()
        if key not in classes:
            heads = ", ".join(name for model_type, name in classes if model_type == key[0])
            raise ConfigError(
                f"{cls.__name__} cannot load the family {key[0]!r}: it has no head for {cls.head_name!r}. "
                f"Heads of this family: {heads or 'none'}. Families: {', '.join(FAMILIES)}."
            )
        return classes[key]


class AutoModel(AutoModelBase):
    """The encoder of a checkpoint, without a head."""

    head_name = "base"


class AutoModelForSequenceClassification(AutoModelBase):
    """The encoder of a checkpoint and a head that labels whole texts."""

    head_name = "sequence-classification"


class AutoModelForTokenClassification(AutoModelBase):
    """The encoder of a checkpoint and a head that labels tokens."""

    head_name = "token-classification"


class AutoModelForQuestionAnswering(AutoModelBase):
    """The encoder of a checkpoint and a head that finds where the answer stands."""

    head_name = "question-answering"


class AutoModelForMaskedLM(AutoModelBase):
    """The encoder of a checkpoint and a head that finds the words behind masks."""

    head_name = "masked-language-model"


class AutoModelForMultipleChoice(AutoModelBase):
    """The encoder of a checkpoint and a head that chooses one of several texts."""

    head_name = "multiple-choice"


class AutoModelForNextSentencePrediction(AutoModelBase):
    """The encoder of a checkpoint and a head that tells whether the second text follows the first."""

    head_name = "next-sentence"


class AutoModelForPreTraining(AutoModelBase):
    """The encoder of a checkpoint and a head that tells which tokens were replaced."""

    head_name = "replaced-token-detection"


class TFAutoModelBase(AutoModelBase):
    """The same on TensorFlow, which is imported when a model is loaded."""

    @classmethod
    def _classes(cls) -> Table[Any]:
        """The classes to choose from, by family and head."""
        from pellucid.models.keras.table import TF_CLASSES

        return TF_CLASSES


class TFAutoModel(TFAutoModelBase):
    """The encoder of a checkpoint on TensorFlow, without a head."""

    head_name = "base"


class TFAutoModelForSequenceClassification(TFAutoModelBase):
    """The encoder of a checkpoint on TensorFlow and a head that labels whole texts."""

    head_name = "sequence-classification"


class TFAutoModelForTokenClassification(TFAutoModelBase):
    """The encoder of a checkpoint on TensorFlow and a head that labels tokens."""

    head_name = "token-classification"


class TFAutoModelForQuestionAnswering(TFAutoModelBase):
    """The encoder of a checkpoint on TensorFlow and a head that finds where the answer stands."""

    head_name = "question-answering"


class TFAutoModelForMaskedLM(TFAutoModelBase):
    """The encoder of a checkpoint on TensorFlow and a head that finds the words behind masks."""

    head_name = "masked-language-model"


class TFAutoModelForMultipleChoice(TFAutoModelBase):
    """The encoder of a checkpoint on TensorFlow and a head that chooses one of several texts."""

    head_name = "multiple-choice"


class TFAutoModelForNextSentencePrediction(TFAutoModelBase):
    """The encoder of a checkpoint on TensorFlow and a head that tells whether the second text follows the first."""

    head_name = "next-sentence"


class TFAutoModelForPreTraining(TFAutoModelBase):
    """The encoder of a checkpoint on TensorFlow and a head that tells which tokens were replaced."""

    head_name = "replaced-token-detection"


BY_HEAD: dict[str, type[AutoModelBase]] = {
    auto_class.head_name: auto_class
    for auto_class in AutoModelBase.__subclasses__()
    if auto_class is not TFAutoModelBase
}
"""The Auto class that loads each head."""

AUTO_CLASSES = (*BY_HEAD.values(), *TFAutoModelBase.__subclasses__())
"""Every Auto class of models."""
