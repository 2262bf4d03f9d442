"""Config: what a checkpoint says of itself in config.json, under the names of `transformers`.

Every key is one of four: *read* (it changes what is computed, or how answers are named), *refused* (it would change the
numbers in a way that this version does not compute, unless it has its usual value), *harmless* (it concerns training,
generation or memory), or *unread* (no code of the reference implementation looks at it; kept, saved again, and listed).
"""

from __future__ import annotations

import copy
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.json_file import config_dict_of, read_json
from pellucid.checkpoints.saving import write_folder
from pellucid.config_keys import COMMON, NOT_ATTRIBUTES, PROBLEM_TYPES, REFUSED
from pellucid.errors import ConfigError, UnsupportedConfigError

logger = logging.getLogger(__name__)

TRANSFORMERS_VERSION = "4.57.6"
"""The release of `transformers` whose names, formats and numbers are those of this package."""


AnyConfig = TypeVar("AnyConfig", bound="Config")


class Config:
    """What a checkpoint says of itself. Each family has a subclass with its own keys and defaults.

    Args:
        num_labels: how many labels a classifier has; labels are then called LABEL_0, LABEL_1 …; 2 where left out.
        id2label: the name of each label, by its number.
        label2id: the number of each label, by its name.
        values: the other keys of config.json; the family's defaults for those left out.

    Raises:
        ConfigError: an argument is not of the form that config.json has.
    """

    model_type: ClassVar[str] = ""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """The family's keys, with the values they have where config.json leaves them out."""
    harmless: ClassVar[frozenset[str]] = frozenset()
    """Those of the family's keys that are not read."""
    optional: ClassVar[frozenset[str]] = frozenset()
    """Those that are read where config.json has them, and that are not written where they have their default."""
    attribute_map: ClassVar[Mapping[str, str]] = {}
    """Common names for the family's keys: `config.hidden_size` is `config.dim` of DistilBERT."""
    supported: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Keys of the family that are refused unless they hold one of these values."""
    newer: ClassVar[frozenset[str]] = frozenset()
    """Keys that only releases of `transformers` after 4.57 write: attributes where config.json has them."""

    id2label: dict[int, str]
    label2id: dict[str, int]

    def __init__(
        self,
        *,
        num_labels: int | None = None,
        id2label: Mapping[Any, str] | None = None,
        label2id: Mapping[str, int] | None = None,
        **values: Any,
    ) -> None:
        values.setdefault("dtype", values.pop("torch_dtype", None))
        self.transformers_version = values.pop("transformers_version", None)
        self._name_or_path = str(values.pop("name_or_path", values.pop("_name_or_path", "")))
        self._extras: dict[str, Any] = {}
        for key, default in {**COMMON, **self.defaults}.items():
            setattr(self, key, copy.deepcopy(default))
        for key, value in values.items():
            self._accept(key, value)
        self._check_labels(num_labels, id2label, label2id)

    def _accept(self, key: str, value: Any) -> None:
        """Take one key of config.json. A key that is not known never becomes an attribute of the object itself."""
        key = self.attribute_map.get(key, key)
        if key in COMMON or key in self.defaults or key in self.newer:
            setattr(self, key, value)
        elif key not in NOT_ATTRIBUTES:
            self._extras[key] = value

    def _check_labels(
        self, num_labels: int | None, id2label: Mapping[Any, str] | None, label2id: Mapping[str, int] | None
    ) -> None:
        if self.problem_type is not None and self.problem_type not in PROBLEM_TYPES:
            raise ConfigError(
                f"`problem_type` is {self.problem_type!r}; it must be one of {', '.join(PROBLEM_TYPES)}, or left out.",
                key="problem_type",
            )
        for name, given in (("id2label", id2label), ("label2id", label2id)):
            if given is not None and not isinstance(given, Mapping):
                raise ConfigError(f"`{name}` is {given!r}; it must be a dictionary.", key=name)
        if id2label is None:
            self._name_labels(2 if num_labels is None else num_labels)
            if label2id is not None:
                self.label2id = dict(label2id)
            return
        if num_labels is not None and len(id2label) != num_labels:
            logger.warning(
                "You passed `num_labels=%d` which is incompatible to the `id2label` map of length `%d`.",
                num_labels,
                len(id2label),
            )
        try:
            self.id2label = {int(key): value for key, value in id2label.items()}
        except (TypeError, ValueError):
            raise ConfigError(
                f"The keys of `id2label` must be whole numbers; they are {list(id2label)}.", key="id2label"
            ) from None
        self.label2id = dict(label2id) if label2id is not None else {name: key for key, name in self.id2label.items()}

    def _name_labels(self, count: int) -> None:
        if not isinstance(count, int) or count < 0:
            raise ConfigError(f"`num_labels` is {count!r}; it must be a whole number.", key="num_labels")
        self.id2label = {i: f"LABEL_{i}" for i in range(count)}
        self.label2id = {name: i for i, name in self.id2label.items()}

    @property
    def num_labels(self) -> int:
        """How many labels a classifier has."""
        return len(self.id2label)

    @num_labels.setter
    def num_labels(self, count: int) -> None:
        if count != len(self.id2label):
            self._name_labels(count)

    @property
    def name_or_path(self) -> str:
        """The name or folder that the config was loaded from."""
        return self._name_or_path

    @name_or_path.setter
    def name_or_path(self, value: str) -> None:
        self._name_or_path = str(value)

    @property
    def use_return_dict(self) -> bool:
        """Whether models answer with a `ModelOutput` and not with a tuple."""
        return bool(self.return_dict) and not self.torchscript

    @property
    def unread(self) -> dict[str, Any]:
        """The keys that no code of the reference implementation looks at, with their values."""
        return dict(self._extras)

    def __getattr__(self, key: str) -> Any:
        # Reached only where there is no such attribute.
        if not key.startswith("_"):
            mapped = self.attribute_map.get(key)
            if mapped is not None:
                return getattr(self, mapped)
            extras = self.__dict__.get("_extras", {})
            if key in extras:
                return extras[key]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}")

    def __setattr__(self, key: str, value: Any) -> None:
        object.__setattr__(self, self.attribute_map.get(key, key), value)

    @classmethod
    def from_pretrained(
        cls: type[AnyConfig],
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | bool | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        subfolder: str = "",
        return_unused_kwargs: bool = False,
        **changes: Any,
    ) -> Any:
        """Read the config of a checkpoint, from a folder or the Hub.

        Args:
            pretrained_model_name_or_path: a folder, a repository on the Hub, or "builtin".
            revision: branch, tag or commit; "main" where left out.
            cache_dir: where downloads are kept; the cache shared with `transformers` where left out.
            token: for private repositories.
            local_files_only: open no connection.
            force_download: fetch again what the cache has.
            subfolder: where in the repository the files lie.
            return_unused_kwargs: also return those of `changes` that are no attribute of the config.
            changes: attributes to set to another value.

        Returns:
            The config; with `return_unused_kwargs`, a pair of it and a dictionary.

        Raises:
            CheckpointNotFoundError: no such checkpoint, or it has no config.json.
            ConfigError: config.json cannot be read.
        """
        checkpoint = locate(
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            token=token,
            local_files_only=local_files_only,
            force_download=force_download,
            subfolder=subfolder,
        )
        return cls.from_dict(config_dict_of(checkpoint), return_unused_kwargs=return_unused_kwargs, **changes)

    @classmethod
    def from_dict(
        cls: type[AnyConfig],
        config_dict: Mapping[str, Any],
        *,
        return_unused_kwargs: bool = False,
        **changes: Any,
    ) -> Any:
        """Make a config from the keys of a config.json, then change some of its attributes."""
        config = cls(**{key: value for key, value in config_dict.items() if key != "model_type"})
        count, names = changes.get("num_labels"), changes.get("id2label")
        if count is not None and names is not None and len(names) != count:
            raise ConfigError(
                f"`num_labels={count}` contradicts `id2label={names}`, which names {len(names)} labels. Leave one out.",
                key="num_labels",
            )
        unused = {}
        for key, value in changes.items():
            if key == "id2label":
                config._check_labels(None, value, changes.get("label2id"))
            elif hasattr(config, key) and not callable(getattr(config, key)):
                setattr(config, key, value)
            else:
                unused[key] = value
        return (config, unused) if return_unused_kwargs else config

    @classmethod
    def from_json_file(cls: type[AnyConfig], json_file: str | os.PathLike[str]) -> AnyConfig:
        """Read a config from one JSON file."""
        return cls(**{k: v for k, v in read_json(Path(json_file), ConfigError).items() if k != "model_type"})

    def update(self, config_dict: Mapping[str, Any]) -> None:
        """Set several attributes."""
        for key, value in config_dict.items():
            setattr(self, key, value)

    def to_dict(self) -> dict[str, Any]:
        """All keys and values."""
        own = {key: copy.deepcopy(value) for key, value in self.__dict__.items() if key != "_extras"}
        own.update(copy.deepcopy(self._extras))
        own["model_type"] = self.model_type
        own["transformers_version"] = TRANSFORMERS_VERSION
        if own["quantization_config"] is None:
            del own["quantization_config"]
        return own

    def to_diff_dict(self) -> dict[str, Any]:
        """The keys that are the family's own or differ from the defaults: what config.json holds."""
        usual_labels = type(self)(num_labels=2)
        common = {**COMMON, "id2label": usual_labels.id2label, "label2id": usual_labels.label2id}
        shown = {}
        for key, value in self.to_dict().items():
            is_usual = key in common and value == common[key] and self.defaults.get(key, value) == value
            is_left_out = key in self.optional and value == self.defaults[key]
            if not is_usual and not is_left_out and key != "_name_or_path":
                shown[key] = value
        return shown

    def to_json_string(self, use_diff: bool = True) -> str:
        """The text of config.json: sorted, indented by two spaces."""
        return _json(self.to_diff_dict() if use_diff else self.to_dict())

    def to_json_file(self, json_file_path: str | os.PathLike[str], use_diff: bool = True) -> None:
        """Write the config into one file."""
        path = Path(json_file_path)
        write_folder(path.parent, {path.name: self.to_json_string(use_diff).encode()})

    def save_pretrained(self, save_directory: str | os.PathLike[str]) -> None:
        """Write config.json into a folder, which is made where it does not exist."""
        write_folder(Path(save_directory), {"config.json": self.to_json_string().encode()})

    def __repr__(self) -> str:
        name = {"_name_or_path": self._name_or_path} if self._name_or_path else {}
        return f"{type(self).__name__} {_json({**self.to_diff_dict(), **name})}"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def check(self) -> None:
        """Refuse what cannot be, and what this version does not compute; all reasons at once.

        Raises:
            UnsupportedConfigError: the message lists each key, its value, and the values it may have.
        """
        reasons = [
            f"`{key}` is {getattr(self, key)!r}, and only {usual!r} is computed"
            for key, usual in REFUSED.items()
            if (getattr(self, key) or usual) != usual
        ]
        reasons += [
            f"`{key}` is {getattr(self, key)!r}, and only {' or '.join(map(repr, values))} is computed"
            for key, values in self.supported.items()
            if getattr(self, key) not in values
        ]
        if sorted(self.id2label) != list(range(len(self.id2label))):
            reasons.append(f"`id2label` numbers its labels {sorted(self.id2label)}, and not 0, 1, 2 …")
        reasons += self.impossible()
        if reasons:
            where = f" of {self._name_or_path!r}" if self._name_or_path else ""
            raise UnsupportedConfigError(
                f"The config{where} cannot be computed: {'; '.join(reasons)}.", reasons=reasons
            )

    def impossible(self) -> list[str]:
        """What is wrong with the values of the family's own keys, in words."""
        return []


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2, sort_keys=True) + "\n"


PretrainedConfig = Config
"""Its name in `transformers`."""
