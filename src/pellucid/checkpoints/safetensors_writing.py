"""Tensors as the files that `transformers` would write: one safetensors file, or shards and their index."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from pellucid.checkpoints.stored import StoredTensor
from pellucid.errors import InputError


def safetensors_files(
    tensors: Mapping[str, StoredTensor], *, max_shard_size: int | str = "5GB"
) -> dict[str, bytes | Callable[[Path], None]]:
    """The weights as files for `write_folder`.

    The bytes of each tensor go from where they lie, mapped or in memory, to the disk: neither changed nor
    gathered first.

    Args:
        tensors: the tensors by the names they get in the file.
        max_shard_size: bytes, or text such as "5GB"; above it the weights are split. A larger tensor has a
            shard of its own.

    Returns:
        `model.safetensors` alone, or `model-00001-of-0000n.safetensors` … and `model.safetensors.index.json`.

    Raises:
        InputError: `max_shard_size` is no size.
    """
    from huggingface_hub import split_state_dict_into_shards_factory

    try:
        split = split_state_dict_into_shards_factory(
            dict(tensors),
            get_storage_size=lambda tensor: tensor.nbytes,
            filename_pattern="model{suffix}.safetensors",
            max_shard_size=_checked_size(max_shard_size),
        )
    except (ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"max_shard_size={max_shard_size!r} is no size; expected a number of bytes, or text such as "
            "'5GB' or '200MB'.",
            code="argument.max_shard_size",
        ) from error
    files: dict[str, bytes | Callable[[Path], None]] = {
        filename: _writer({name: tensors[name] for name in names})
        for filename, names in split.filename_to_tensors.items()
    }
    if not files:
        return {"model.safetensors": _writer({})}
    if split.is_sharded:
        parameters = sum(int(np.prod(tensor.shape, dtype=np.int64)) for tensor in tensors.values())
        index = {
            "metadata": {"total_parameters": parameters, **split.metadata},
            "weight_map": split.tensor_to_filename,
        }
        files["model.safetensors.index.json"] = (json.dumps(index, indent=2, sort_keys=True) + "\n").encode()
    return files


def _checked_size(size: int | str) -> int | str:
    if isinstance(size, bool) or not isinstance(size, (int, str)) or (isinstance(size, int) and size < 1):
        raise ValueError(size)
    return size


def _writer(tensors: Mapping[str, StoredTensor]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        from safetensors import SafetensorError, TensorSpec, serialize_file

        # The library reads from the addresses: `views` keeps the arrays behind them alive until it has.
        views = {name: np.ascontiguousarray(tensor.data) for name, tensor in tensors.items()}
        specs = {
            name: TensorSpec(
                dtype=tensors[name].dtype,
                shape=list(tensors[name].shape),
                data_ptr=view.ctypes.data,
                data_len=view.nbytes,
            )
            for name, view in views.items()
        }
        try:
            serialize_file(specs, path, metadata={"format": "pt"})
        except SafetensorError as error:
            # The library wraps what the system says (a full disk, say) into text.
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
        del views

    return write
