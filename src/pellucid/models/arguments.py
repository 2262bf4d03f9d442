"""The arguments of `from_pretrained`: the names of `transformers`, and what each means here."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pellucid.checkpoints.hub import Checkpoint, locate
from pellucid.checkpoints.roundings import Roundings
from pellucid.config import Config
from pellucid.engines import ENGINES, device_name, dtype_name, load_engine
from pellucid.errors import InputError

if TYPE_CHECKING:
    from pellucid.models.loading import Loaded

logger = logging.getLogger(__name__)

FRAMEWORKS = {"pt": "torch", "tf": "tensorflow", "np": "numpy"}
"""What `framework=` calls the engines."""


@dataclass(frozen=True)
class LoadingArguments:
    """How a checkpoint is found, read and run.

    Attributes:
        revision: branch, tag or commit on the Hub; "main" where left out.
        cache_dir: where downloads are kept; the cache shared with `transformers` where left out.
        token: for private repositories.
        local_files_only: open no connection.
        force_download: fetch again what the cache has.
        subfolder: where in the repository the files lie.
        config: a config to use instead of the checkpoint's own.
        output_loading_info: also return the loading report.
        ignore_mismatched_sizes: initialise tensors of another shape anew, instead of refusing them.
        use_safetensors: True reads nothing but safetensors, False only the older formats.
        variant: a second set of weights, such as "fp16".
        engine: "openvino", "torch", "tensorflow" or "numpy"; the fastest installed one where left out.
        framework: the same in the words of `transformers`.
        dtype: the precision to compute in; "auto" is the stored one where the engine computes in it.
        torch_dtype: the same.
        roundings: for int8, how inputs are rounded; as the checkpoint says it where left out.
        seed: of the values of parameters that the checkpoint lacks.
        device: where to compute: "cpu" where left out, and for -1; "cuda", "mps" … with the engine "torch".
        device_map: the same; "auto" leaves the choice.
        trust_remote_code: no code of a checkpoint is ever run; True is accepted, and said to have no effect.
        attn_implementation: accepted; every engine gives the same numbers.
        low_cpu_mem_usage: accepted; weights are always mapped, not copied.
        from_pt: accepted; whether the weights are PyTorch's or TensorFlow's is told by their files.
        from_tf: the same.
    """

    revision: str | None = None
    cache_dir: str | os.PathLike[str] | None = None
    token: str | bool | None = None
    local_files_only: bool = False
    force_download: bool = False
    subfolder: str = ""
    config: Config | None = None
    output_loading_info: bool = False
    ignore_mismatched_sizes: bool = False
    use_safetensors: bool | None = None
    variant: str | None = None
    engine: str | None = None
    framework: str | None = None
    dtype: Any = None
    torch_dtype: Any = None
    roundings: Roundings | None = None
    seed: int = 0
    device: Any = None
    device_map: Any = None
    trust_remote_code: bool | None = None
    attn_implementation: str | None = None
    low_cpu_mem_usage: bool | None = None
    from_pt: bool | None = None
    from_tf: bool | None = None

    def tell_what_has_no_effect(self) -> None:
        """Warn of arguments that are accepted and do nothing."""
        if self.trust_remote_code:
            logger.warning("`trust_remote_code=True` has no effect: code of a checkpoint is never run.")

    @classmethod
    def names(cls) -> list[str]:
        """The names of the arguments."""
        return [field.name for field in fields(cls)]

    @classmethod
    def split(cls, arguments: Mapping[str, Any]) -> tuple[LoadingArguments, dict[str, Any]]:
        """These arguments, and the rest, which change the config."""
        known = cls.names()
        mine = {name: value for name, value in arguments.items() if name in known}
        return cls(**mine), {name: value for name, value in arguments.items() if name not in known}

    def locate(self, name: str | os.PathLike[str]) -> Checkpoint:
        """Find the checkpoint's files."""
        return locate(
            name,
            revision=self.revision,
            cache_dir=self.cache_dir,
            token=self.token,
            local_files_only=self.local_files_only,
            force_download=self.force_download,
            subfolder=self.subfolder,
        )

    def reading(self) -> dict[str, Any]:
        """The arguments of `read_tensors`."""
        return {"use_safetensors": self.use_safetensors, "variant": self.variant}

    @property
    def engine_name(self) -> str | None:
        """The engine that is asked for, if one is."""
        if self.framework is None:
            return self.engine
        if self.framework not in FRAMEWORKS:
            raise InputError(
                f"`framework={self.framework!r}` is not one of {', '.join(FRAMEWORKS)}. Choose an engine by `engine=`."
            )
        return self.engine or FRAMEWORKS[self.framework]

    @property
    def device_name(self) -> str:
        """The device to compute on."""
        return device_name(self.device_map if self.device is None else self.device)

    @property
    def dtype_name(self) -> str:
        """The precision that is asked for, by its plain name; float32 where none is."""
        asked = self.dtype if self.dtype is not None else self.torch_dtype
        return "float32" if asked is None else dtype_name(asked)

    def dtype_for(self, loaded: Loaded, engine: str | None) -> str:
        """The precision to compute in, on an engine."""
        if self.dtype_name != "auto":
            return self.dtype_name
        stored = next(iter(loaded.parameters.values())).dtype
        return stored if stored in ENGINES[load_engine(engine)[0]].dtypes else "float32"
