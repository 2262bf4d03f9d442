"""A model's files and its parameters under the names of the Hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from pellucid.architectures.family import Family
from pellucid.checkpoints.safetensors_writing import safetensors_files
from pellucid.checkpoints.saving import Content, write_folder
from pellucid.checkpoints.stored import StoredTensor
from pellucid.config import Config
from pellucid.errors import InputError
from pellucid.models.loading import parameters_of


class Saving:
    """Writing a model to a folder that this library and `transformers` load."""

    family: ClassVar[Family]
    head_name: ClassVar[str]
    config: Config

    @property
    def tensors(self) -> Mapping[str, StoredTensor]:
        """Every parameter by its canonical name, as it is stored."""
        raise NotImplementedError

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        max_shard_size: int | str = "5GB",
        safe_serialization: bool = True,
    ) -> None:
        """Write config.json and model.safetensors, all or nothing: a crash leaves the old files or the new.

        The weights are written as they are stored, in their own precision.

        Args:
            save_directory: a folder; made where it does not exist.
            max_shard_size: the most bytes of one file, as a number or in words such as "5GB".
            safe_serialization: must be True; pickled files are not written.

        Raises:
            OSError: the folder cannot be written; the old files are intact.
        """
        if not safe_serialization:
            raise InputError(
                "`safe_serialization=False` asks for a pickled pytorch_model.bin, which runs code when it is read. "
                "Only model.safetensors is written; `transformers` reads it too."
            )
        write_folder(Path(save_directory), self.files_to_save(max_shard_size))

    def files_to_save(self, max_shard_size: int | str = "5GB") -> dict[str, Content]:
        """What `save_pretrained` writes: file names, and their contents or what writes them."""
        config = type(self.config).from_dict(self.config.to_dict())
        tensors = self.named_tensors()
        config.architectures = [type(self).__name__.removeprefix("TF")]
        config.dtype = next(iter(tensors.values())).dtype
        files: dict[str, Content] = {"config.json": config.to_json_string().encode()}
        return files | safetensors_files(tensors, max_shard_size=max_shard_size)

    def named_tensors(self) -> dict[str, StoredTensor]:
        """Every parameter under its name on the Hub, as it is stored."""
        has_prefix = self.head_name != "base"
        return {self.family.names.hub_name(name, has_prefix): tensor for name, tensor in self.tensors.items()}

    def state_dict(self) -> dict[str, npt.NDArray[np.float32]]:
        """Every parameter under its name on the Hub, as a float32 array; those stored so are not copied."""
        return {name: tensor.array(np.float32) for name, tensor in self.named_tensors().items()}

    def num_parameters(self) -> int:
        """How many numbers the model has learned."""
        wanted = parameters_of(self.family, self.config, self.head_name)
        return sum(int(np.prod(shape)) for shape in wanted.values())
