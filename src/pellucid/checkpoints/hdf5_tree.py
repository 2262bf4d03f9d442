"""Finds the weights in `tf_model.h5`, and refuses what would mislead before a number is read.

The file is a tree of groups whose leaves are the weights. Keras wrote it in one form, `transformers` its shards in
another:

    bert/tf_bert_model/bert/pooler/dense/kernel:0   a group for each layer, which has the attribute `weight_names`;
                                                    in it the weights by their whole names
    bert/pooler/dense/kernel:0                      a shard: the weights by their names without the model's scope

The names are read off the tree itself. The attributes that list them too are of variable length, and a few bytes of
such a list can stand for gigabytes. Whatever else HDF5 could hold (links, numbers in other files, packed numbers) was
never written there, and is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from pellucid.checkpoints.hdf5_bytes import check_object
from pellucid.checkpoints.stored import VIEW_DTYPES
from pellucid.checkpoints.tensorflow_names import hub_name_of, is_kernel
from pellucid.errors import CorruptCheckpointError, UnsafeCheckpointError

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LONGEST_NAME = 2048  # characters, with the groups that lead to a weight
_AGAIN = "Delete the file and download it again."


@dataclass(frozen=True)
class Weight:
    """A dataset that has been found to be plain numbers.

    Attributes:
        name: its name on the Hub.
        dataset: h5py's object.
        is_kernel: whether its axes are the other way round on the Hub.
    """

    name: str
    dataset: Any
    is_kernel: bool

    @property
    def dtype(self) -> str:
        """The stored type."""
        return str(self.dataset.dtype.name)

    @property
    def shape(self) -> tuple[int, ...]:
        """As on the Hub."""
        shape = tuple(int(length) for length in self.dataset.shape)
        return shape[::-1] if self.is_kernel else shape

    @property
    def nbytes(self) -> int:
        """Bytes that its numbers take."""
        return math.prod(self.shape) * int(self.dataset.dtype.itemsize)


def refuse_other_kinds(start: bytes, path: Path) -> None:
    """Refuses what begins like no HDF5 file.

    Args:
        start: the first bytes.
        path: the file, for messages.
    """
    if start.startswith(b"version https://git-lfs"):
        corrupt(path, "lfs_pointer", "this is a Git LFS pointer, not the weights themselves", "Run `git lfs pull`.")
    if start.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        corrupt(path, "html", "this is a web page saved under the name of the weights")
    if not start.startswith(_SIGNATURE):
        corrupt(path, "hdf5_invalid", f"it begins with {start[:8]!r}, expected an HDF5 file")


def find_weights(file: Any, stream: BinaryIO, size: int, path: Path, h5py: Any) -> list[Weight]:
    """All weights of an open file.

    Args:
        file: h5py's object.
        stream: the same file, whose root has been checked.
        size: bytes in the file.
        path: the file, for messages.
        h5py: the module.

    Returns:
        The weights, in the file's order; one that layers share is there for each of them.

    Raises:
        UnsafeCheckpointError: the file leads to other files or places, or is said to hold more than it does.
        CorruptCheckpointError: it holds something else than weights, or contradicts itself.
        BytesError: the bytes of an object are not as h5py writes them.
    """
    weights = list(_walk(file, stream, size, path, h5py))
    _check_sizes(weights, size, path)
    return weights


def _walk(file: Any, stream: BinaryIO, size: int, path: Path, h5py: Any) -> Iterator[Weight]:
    """Goes through all groups, each once, and yields their datasets."""
    if not _has_names(file, "layer_names", h5py):
        corrupt(
            path,
            "hdf5_invalid",
            "it has no `layer_names`, which a TensorFlow model of `transformers` is saved with",
            "Save the model again with its `save_pretrained`.",
        )
    seen: set[int] = set()
    told = 0  # bytes of all names so far
    # Each with the names that lead to it, and whether it is in a layer, where names begin with the model's scope.
    groups: list[tuple[Any, str, bool]] = [(file, "", False)]
    while groups:
        group, before, scoped = groups.pop()
        links = _links(group, size - told)
        if links is None:
            _bomb(path, f"the names in it take more than the {size} bytes of the file")
        told += sum(len(name) for name, _, _ in links)
        below = []
        for raw, kind, address in links:
            name = _name(raw, before, path)
            if kind != h5py.h5l.TYPE_HARD:
                _leads_away(path, name, "a link to another place or file")
            if address in seen:
                _leads_away(path, name, "a second way to what stands under another name")
            seen.add(address)
            check_object(stream, address)
            # Names hold no slash, so this is a step down and never a way across the file.
            member = group[raw]
            if isinstance(member, h5py.Group):
                is_layer = group is file and _has_names(member, "weight_names", h5py)
                below.append((member, "" if is_layer else f"{name}/", scoped or is_layer))
            elif isinstance(member, h5py.Dataset):
                yield _checked(member, name, scoped, path, h5py)
            else:
                _unsupported(path, name, f"a {type(member).__name__}")
        groups += reversed(below)


def _has_names(group: Any, attribute: str, h5py: Any) -> bool:
    """Whether a group has a list of names; Keras splits a long one into `…0`, `…1` and so on."""
    return any(h5py.h5a.exists(group.id, name.encode()) for name in (attribute, f"{attribute}0"))


def _links(group: Any, most: int) -> list[tuple[bytes, int, int]] | None:
    """The name, kind and address of each member; None if the names take more than so many bytes."""
    found: list[tuple[bytes, int, int]] = []
    told = 0

    def note(name: bytes, link: Any) -> bool | None:
        nonlocal told
        told += len(name) + 1
        found.append((name, link.type, link.u))
        return True if told > most else None  # anything but None ends the walk

    group.id.links.iterate(note, info=True)
    return None if told > most else found


def _name(raw: bytes, before: str, path: Path) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        corrupt(path, "hdf5_invalid", f"the name {raw[:100]!r} in it is no text")
    if not name or name in (".", "..") or "/" in name or len(before) + len(name) > _LONGEST_NAME:
        corrupt(path, "hdf5_invalid", f"the name {name[:100]!r} in it is none that Keras gives")
    return before + name


def _checked(dataset: Any, name: str, scoped: bool, path: Path, h5py: Any) -> Weight:
    """A dataset as a weight, if it is plain numbers inside the file."""
    # First where the numbers are: to ask for the shape of a virtual dataset can open other files.
    created = dataset.id.get_create_plist()
    layout = created.get_layout()
    if layout == h5py.h5d.VIRTUAL or created.get_external_count():
        _leads_away(path, name, "kept in other files")
    if created.get_nfilters():
        _bomb(path, f"its dataset {name[:100]!r} is compressed; Keras compresses none")
    if layout != h5py.h5d.CONTIGUOUS:
        _unsupported(path, name, "kept in pieces")
    if dataset.shape is None or dataset.dtype.kind not in "fiu" or dataset.dtype.name not in VIEW_DTYPES:
        _unsupported(path, name, f"of type {dataset.dtype} and shape {dataset.shape}")
    kernel = is_kernel(name)
    if kernel and len(dataset.shape) != 2:
        _unsupported(path, name, f"a kernel of {len(dataset.shape)} axes, not 2,")
    return Weight(hub_name_of(name, scoped=scoped), dataset, kernel)


def _check_sizes(weights: list[Weight], size: int, path: Path) -> None:
    told = sum(weight.nbytes for weight in weights)
    if told > size:
        _bomb(path, f"its weights are said to hold {told} bytes, the file has {size}")
    first: dict[str, Weight] = {}
    for weight in weights:
        held = weight.dataset.id.get_storage_size()
        if held != weight.nbytes:
            corrupt(
                path,
                "truncated",
                f"{weight.name!r} of type {weight.dtype} and shape {list(weight.shape)} takes {weight.nbytes} bytes, "
                f"but {held} were written",
            )
        other = first.setdefault(weight.name, weight)
        if (other.dtype, other.shape) != (weight.dtype, weight.shape):
            given_twice(path, weight.name)


def _leads_away(path: Path, name: str, what: str) -> NoReturn:
    raise UnsafeCheckpointError(
        f"{path}: {name[:100]!r} is {what}; expected numbers in their own place in this file. Do not use this file "
        "unless you trust its author.",
        code="checkpoint.hdf5_link",
        path=str(path),
        tensor=name,
    )


def _bomb(path: Path, what: str) -> NoReturn:
    raise UnsafeCheckpointError(
        f"{path} is made to unpack to more than it holds: {what}. Do not use this file.",
        code="checkpoint.archive_bomb",
        path=str(path),
    )


def _unsupported(path: Path, name: str, what: str) -> NoReturn:
    raise CorruptCheckpointError(
        f"{path}: {name[:100]!r} is {what}; expected floats or integers in one piece, as Keras saves them. Save the "
        "model again with its `save_pretrained`.",
        code="checkpoint.tensor_kind_unsupported",
        path=str(path),
        tensor=name,
    )


def given_twice(path: Path, name: str) -> NoReturn:
    """Refuses two weights of one name that differ."""
    raise CorruptCheckpointError(
        f"{path}: {name!r} is given twice, with other numbers; expected the same where layers share a weight. {_AGAIN}",
        code="checkpoint.duplicate_key",
        path=str(path),
        tensor=name,
    )


def corrupt(path: Path, code: str, what: str, advice: str = _AGAIN) -> NoReturn:
    """Refuses a file that is damaged or not what its name says."""
    raise CorruptCheckpointError(f"{path}: {what}. {advice}", code=f"checkpoint.{code}", path=str(path))
