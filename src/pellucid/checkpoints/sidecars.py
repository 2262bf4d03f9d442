"""Files that stand beside a checkpoint's weights and that one task reads, such as those of sentence-transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.checkpoints.hub import Checkpoint
from pellucid.checkpoints.json_file import MAX_BYTES
from pellucid.checkpoints.reading import read_tensors
from pellucid.errors import ConfigError

BESIDE = ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json")
OF_MODULES = ("config.json", "model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Sidecars:
    """The files beside a model's weights.

    Attributes:
        checkpoint: the model's; None for a model that was made of a config.
    """

    checkpoint: Checkpoint | None

    def json(self, filename: str) -> Any:
        """What a JSON file holds; None where there is no such file.

        Raises:
            ConfigError: the file is damaged.
        """
        path = None if self.checkpoint is None else self.checkpoint.file(filename)
        if path is None:
            return None
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"it has {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
            return json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as fault:
            raise ConfigError(f"{path} is not JSON: {fault}. Download or save it again.", path=str(path)) from fault

    def files(self) -> dict[str, bytes]:
        """The files of sentence-transformers, which belong to a checkpoint wherever it is saved."""
        modules = self.json("modules.json")
        if not isinstance(modules, list):
            return {}
        folders = [str(one["path"]) for one in modules if isinstance(one, dict) and one.get("path")]
        names = [*BESIDE, *(f"{folder}/{name}" for folder in folders for name in OF_MODULES)]
        assert self.checkpoint is not None
        paths = {name: self.checkpoint.file(name) for name in names}
        return {name: path.read_bytes() for name, path in paths.items() if path is not None}

    def tensors(self, folder: str) -> Mapping[str, Any]:
        """The weights in a folder, as float32 arrays by name.

        Raises:
            CheckpointError: there are none, or they are damaged.
        """
        assert self.checkpoint is not None
        subfolder = f"{self.checkpoint.subfolder}/{folder}".strip("/")
        stored = read_tensors(replace(self.checkpoint, subfolder=subfolder))
        return {name: tensor.array(np.float32) for name, tensor in stored.items()}
