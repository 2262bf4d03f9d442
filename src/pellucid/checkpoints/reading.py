"""Maps the tensors of a checkpoint into memory.

The weights are looked for as `transformers` does: `model.safetensors`, its shards, `pytorch_model.bin`, its
shards, and last `tf_model.h5` and its shards. A safetensors file is mapped copy-on-write: its pages are read when
they are first used, engines may share the memory, and writing to an array never reaches the file. A file that is
replaced by renaming, as all savers do, does not disturb a model that has mapped it; one that is cut short in place
would, so keep the checkpoints of a service read-only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from pellucid.checkpoints.hub import Checkpoint
from pellucid.checkpoints.regular_file import open_regular
from pellucid.checkpoints.safetensors_header import TensorHeader, read_header
from pellucid.checkpoints.shards import read_index
from pellucid.checkpoints.stored import StoredTensor, view_of_bytes
from pellucid.checkpoints.tensorflow_names import hub_name_of
from pellucid.errors import CorruptCheckpointError, UnsafeCheckpointError

__all__ = ["StoredTensor", "TensorHeader", "read_tensors", "tensor_headers"]

SAFETENSORS = "model.safetensors"
PICKLED = "pytorch_model.bin"
HDF5 = "tf_model.h5"
# Weights for other frameworks, named in the error when there are no others.
_OTHER_WEIGHTS = {
    "flax_model.msgpack": "Flax",
    "model.onnx": "ONNX",
    "onnx/model.onnx": "ONNX",
    "model.ckpt.index": "TensorFlow 1",
    "rust_model.ot": "Rust",
    "adapter_model.safetensors": "an adapter (PEFT) of another checkpoint",
}

Tensors = TypeVar("Tensors")


@dataclass(frozen=True)
class _Format(Generic[Tensors]):
    """One way that weights are kept: the name of a single file, its reader, and the names in the index of shards."""

    filename: str
    read: Callable[[Path], dict[str, Tensors]]
    name_of: Callable[[str], str] = str  # the name that `read` gives what the index calls otherwise


def read_tensors(
    checkpoint: Checkpoint, *, use_safetensors: bool | None = None, variant: str | None = None
) -> dict[str, StoredTensor]:
    """Maps all tensors of a checkpoint.

    Args:
        checkpoint: where the files are.
        use_safetensors: None takes safetensors where there are, else PyTorch's file, else TensorFlow's; True takes
            nothing else; False takes the other two even beside safetensors.
        variant: a second set of weights kept under `model.<variant>.safetensors`, such as "fp16".

    Returns:
        The tensors by their names in the checkpoint, in the order of the files.

    Raises:
        CheckpointNotFoundError: there are no weights, or a shard is missing.
        CorruptCheckpointError: a file is damaged, or the files contradict each other.
        UnsafeCheckpointError: a file would run code, or a shard leads out of the folder.
    """
    from pellucid.checkpoints.hdf5 import read_hdf5
    from pellucid.checkpoints.pickled import read_pickled

    return _gather(checkpoint, use_safetensors, variant, _read_safetensors, read_pickled, read_hdf5)


def tensor_headers(
    checkpoint: Checkpoint, *, use_safetensors: bool | None = None, variant: str | None = None
) -> dict[str, TensorHeader | StoredTensor]:
    """Names, types and shapes of all tensors; the numbers are not read.

    Args:
        checkpoint: where the files are.
        use_safetensors: as for `read_tensors`.
        variant: as for `read_tensors`.

    Returns:
        The tensors by name, each with `name`, `dtype`, `shape` and `file`.

    Raises:
        The same errors as `read_tensors`.
    """
    from pellucid.checkpoints.hdf5 import hdf5_headers
    from pellucid.checkpoints.pickled import read_pickled

    def headers(path: Path) -> dict[str, TensorHeader | StoredTensor]:
        with open_regular(path) as stream:
            return dict(read_header(stream, os.fstat(stream.fileno()).st_size, path))

    def pickled(path: Path) -> dict[str, TensorHeader | StoredTensor]:
        return dict(read_pickled(path))

    def hdf5(path: Path) -> dict[str, TensorHeader | StoredTensor]:
        return dict(hdf5_headers(path))

    return _gather(checkpoint, use_safetensors, variant, headers, pickled, hdf5)


def _gather(
    checkpoint: Checkpoint,
    use_safetensors: bool | None,
    variant: str | None,
    safetensors: Callable[[Path], dict[str, Tensors]],
    pickled: Callable[[Path], dict[str, Tensors]],
    hdf5: Callable[[Path], dict[str, Tensors]],
) -> dict[str, Tensors]:
    formats: list[_Format[Tensors]] = []
    if use_safetensors is not False:
        formats.append(_Format(SAFETENSORS, safetensors))
    if use_safetensors is not True:
        others = [_Format(PICKLED, pickled)]
        if not variant:  # which TensorFlow's models were never saved as
            others.append(_Format(HDF5, hdf5, partial(hub_name_of, scoped=True)))
        if find_spec("torch") is None:  # without which the first cannot be read
            others.reverse()
        formats += others
    sought: list[str] = []
    for kind in formats:
        single = _with_variant(kind.filename, variant)
        path = checkpoint.file(single)
        if path is not None:
            return kind.read(path)
        index = _with_variant(f"{kind.filename}.index.json", variant)
        path = checkpoint.file(index)
        if path is not None:
            return _read_shards(checkpoint, path, kind)
        sought += [single, index]
    raise checkpoint.missing(*sought, hint=_what_else(checkpoint, use_safetensors, variant))


def _read_shards(checkpoint: Checkpoint, index: Path, kind: _Format[Tensors]) -> dict[str, Tensors]:
    listed = read_index(index, suffix=Path(kind.filename).suffix)
    shard_of = {kind.name_of(name): shard for name, shard in listed.items()}
    paths: dict[str, Path] = {}
    absent: list[str] = []
    for shard in dict.fromkeys(shard_of.values()):
        path = checkpoint.file(shard)
        if path is None:
            absent.append(shard)
            continue
        _check_boundary(path, shard, checkpoint.boundary, index)
        paths[shard] = path
    if absent:
        raise checkpoint.missing(
            *absent,
            hint=f"{index.name} names {len(absent)} of its shards that are not there: {_first(absent)}.",
        )
    tensors: dict[str, Tensors] = {}
    origin: dict[str, str] = {}
    for shard, path in paths.items():
        for name, tensor in kind.read(path).items():
            if name in tensors:
                raise CorruptCheckpointError(
                    f"{index}: the tensor {name!r} is in two shards, {origin[name]} and {shard}; expected "
                    "each in one. "
                    "Download the checkpoint again.",
                    code="checkpoint.duplicate_key",
                    path=str(index),
                    tensor=name,
                    shards=[origin[name], shard],
                )
            tensors[name], origin[name] = tensor, shard
    misplaced = [name for name, shard in shard_of.items() if origin.get(name) != shard]
    if misplaced:
        name = misplaced[0]
        raise CorruptCheckpointError(
            f"{index}: {len(misplaced)} tensors are not in the shard that the index names for them: "
            f"{_first(misplaced)}; "
            f"{name!r} should be in {shard_of[name]} and is in {origin.get(name, 'none')}. Download the "
            "checkpoint again.",
            code="checkpoint.missing_shard",
            path=str(index),
            tensor=name,
            tensors=misplaced,
        )
    return tensors


def _read_safetensors(path: Path) -> dict[str, StoredTensor]:
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        headers = read_header(stream, size, path)
        _ask_the_reference_reader(path, headers)
        # Copy-on-write: the arrays may be written to, as engines expect, and the file stays as it is.
        mapped = np.memmap(stream, dtype=np.uint8, mode="c")
    # A plain view: each slice of a memmap is a Python object with attributes of its own, and slow to make.
    content = mapped.view(np.ndarray)
    return {
        name: view_of_bytes(content[header.begin : header.end], name, header.dtype, header.shape, path)
        for name, header in headers.items()
    }


def _ask_the_reference_reader(path: Path, headers: Mapping[str, TensorHeader]) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as reference:
            names = set(reference.keys())
    except (SafetensorError, OSError) as error:
        raise CorruptCheckpointError(
            f"{path}: the safetensors library refuses the file: {error}. Delete the file and download it again.",
            code="checkpoint.header_invalid",
            path=str(path),
        ) from error
    if names != set(headers):
        raise CorruptCheckpointError(
            f"{path}: the file changed while it was read: its tensors are not those of a moment ago. Load it again.",
            code="checkpoint.header_invalid",
            path=str(path),
        )


def _check_boundary(path: Path, shard: str, boundary: Path, index: Path) -> None:
    inside = os.path.realpath(boundary)
    actual = os.path.realpath(path)
    if os.path.commonpath([inside, actual]) != inside:
        raise UnsafeCheckpointError(
            f"{index} names the shard {shard!r}, which is a link out of the checkpoint's folder. Expected a "
            "file inside "
            f"{boundary}. Put the file itself there, if you trust where it comes from.",
            code="checkpoint.path_escape",
            path=str(path),
            filename=shard,
        )


def _with_variant(filename: str, variant: str | None) -> str:
    """`model.safetensors` → `model.fp16.safetensors`: before the last suffix, as `transformers` names
    them.
    """
    if not variant:
        return filename
    stem, _, suffix = filename.rpartition(".")
    return f"{stem}.{variant}.{suffix}"


def _what_else(checkpoint: Checkpoint, use_safetensors: bool | None, variant: str | None) -> str:
    """A sentence on the weights that are there but cannot be taken."""
    for filename in (PICKLED, HDF5):
        if use_safetensors is True and _has(checkpoint, filename, variant):
            return (
                f"It has {filename}, which use_safetensors=True leaves alone: drop that argument, or convert the file."
            )
    if use_safetensors is False and _has(checkpoint, SAFETENSORS, variant):
        return f"It has {SAFETENSORS}, which use_safetensors=False leaves alone: drop that argument."
    for filename in (SAFETENSORS, PICKLED, HDF5):
        if variant and _has(checkpoint, filename, None):
            return f"It has {filename} without a variant: drop variant={variant!r}."
    for filename, framework in _OTHER_WEIGHTS.items():
        if checkpoint.has(filename):
            return (
                f"It has only {filename}, weights for {framework}, which Pellucid does not read: "
                "load them with the library that wrote them and save them as safetensors."
            )
    return ""


def _has(checkpoint: Checkpoint, plain: str, variant: str | None) -> bool:
    return any(checkpoint.has(_with_variant(name, variant)) for name in (plain, f"{plain}.index.json"))


def _first(names: list[str], count: int = 5) -> str:
    shown = ", ".join(repr(name)[:100] for name in names[:count])
    return shown if len(names) <= count else f"{shown} and {len(names) - count} more"
