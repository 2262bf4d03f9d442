"""Checks on `pytorch_model.bin` before PyTorch sees it: nothing in it may unpack to more than the file holds.

PyTorch has written two forms. Since 1.6 it is a zip archive with one record a tensor, none of them
compressed. Before, it was a stream of pickles that announce the sizes of the tensors, then their bytes:
PyTorch allocates what is announced, so the announcements are added up first, by reading the pickles'
instructions without carrying any of them out.
"""

from __future__ import annotations

import mmap
import os
import pickletools
import stat
import zipfile
from pathlib import Path
from typing import Any, NoReturn

from pellucid.errors import CorruptCheckpointError, UnsafeCheckpointError

_MOST_RECORDS = 200_000
_MAGIC = 0x1950A86A20F9469CFC6C  # first in the older form
_ITEMSIZE = {
    "DoubleStorage": 8,
    "FloatStorage": 4,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "LongStorage": 8,
    "IntStorage": 4,
    "ShortStorage": 2,
    "CharStorage": 1,
    "ByteStorage": 1,
    "BoolStorage": 1,
}
_AGAIN = "Delete the file and download it again."


def check_archive(path: Path) -> bool:
    """Refuses what is no file of `torch.save`, and files made to unpack to more than they hold.

    Args:
        path: the file.

    Returns:
        True for the archive that PyTorch writes since 1.6, False for the stream that it wrote before.

    Raises:
        CorruptCheckpointError: a pointer, a web page, a file cut short, another format.
        UnsafeCheckpointError: an archive with packed, overlapping or escaping records; announced sizes beyond
            the file's.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
        raise UnsafeCheckpointError(
            f"{path} is a folder, a pipe or a device; expected a regular file. Replace it by the weights themselves.",
            code="checkpoint.not_regular_file",
            path=str(path),
        )
    with path.open("rb") as stream:
        start = stream.read(512)
    if start.startswith(b"version https://git-lfs"):
        _corrupt(path, "lfs_pointer", "this is a Git LFS pointer, not the weights themselves", "Run `git lfs pull`.")
    if start.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        _corrupt(path, "html", "this is a web page saved under the name of the weights")
    if start.startswith(b"PK"):
        _check_records(path)
        return True
    if not start.startswith(b"\x80"):
        _corrupt(path, "pickle_invalid", f"{path.stat().st_size} bytes that `torch.save` has not written")
    _check_announcements(path)
    return False


def _check_records(path: Path) -> None:
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError) as error:
        _corrupt(path, "truncated", f"the archive has no readable directory ({str(error)[:100]}); it may be cut short")
    if len(records) > _MOST_RECORDS:
        _bomb(path, f"{len(records)} records; at most {_MOST_RECORDS} are read")
    for record in records:
        name = record.filename
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
            raise UnsafeCheckpointError(
                f"{path} holds a record named {name[:100]!r}, which leads out of its folder. Do not use this file.",
                code="checkpoint.path_escape",
                path=str(path),
                filename=name,
            )
        if record.compress_type != zipfile.ZIP_STORED or record.file_size != record.compress_size:
            _bomb(path, f"its record {name[:100]!r} is compressed; `torch.save` compresses none")
    total = sum(record.file_size for record in records)
    if total > size:
        _bomb(path, f"its records are said to hold {total} bytes, the file has {size}")
    if not any(record.filename.endswith("/data.pkl") or record.filename == "data.pkl" for record in records):
        _corrupt(path, "pickle_invalid", "the archive has no data.pkl: `torch.save` has not written it")
    if any("/code/" in record.filename or record.filename.endswith("/constants.pkl") for record in records):
        _corrupt(
            path,
            "pickle_invalid",
            "this is a TorchScript program, expected tensors",
            "Save its `state_dict()` instead.",
        )


def _check_announcements(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            first = [argument for code, argument, _ in pickletools.genops(content) if code.name == "LONG1"]  # type: ignore[arg-type]
            if first != [_MAGIC]:
                _corrupt(path, "pickle_invalid", "a pickle that `torch.save` has not written")
            for _ in range(2):  # the format's version; the byte order and sizes of the machine
                for _ in pickletools.genops(content):  # type: ignore[arg-type]
                    pass
            announced = _announced_bytes(content, path)
        except (ValueError, IndexError, UnicodeDecodeError, OverflowError, EOFError) as error:
            if isinstance(error, (CorruptCheckpointError, UnsafeCheckpointError)):
                raise
            _corrupt(path, "truncated", f"its pickles cannot be read ({str(error)[:100]}); it may be cut short")
    if announced > size:
        # The two cannot be told apart, and both end here: before anything is allocated.
        _corrupt(
            path,
            "truncated",
            f"its tensors are said to hold {announced} bytes, the file has {size}: it is cut short, or made "
            "to unpack to "
            "more than it holds",
        )


def _announced_bytes(content: mmap.mmap, path: Path) -> int:
    """Adds up the sizes of all storages that a pickle announces.

    Each is announced by the same instructions, which make the tuple ("storage", type, key, device, number,
    view). What is announced in another way was not written by `torch.save`.
    """
    memo: dict[int, tuple[str, Any]] = {}
    recent: list[tuple[str, Any]] = []
    storages: dict[str, int] = {}
    for code, argument, _ in pickletools.genops(content):  # type: ignore[arg-type]
        name = code.name
        if name in ("BINPUT", "LONG_BINPUT"):
            memo[int(argument)] = recent[-1] if recent else ("", None)  # type: ignore[arg-type]
            continue
        if name in ("BINGET", "LONG_BINGET"):
            name, argument = memo.get(int(argument), ("", None))  # type: ignore[arg-type]
        if name in ("PERSID", "BINPERSID"):
            key, count = _storage(recent, path)
            storages[key] = max(count, storages.get(key, 0))
        recent.append((name, argument))
        del recent[:-16]
    return sum(storages.values())


def _storage(recent: list[tuple[str, Any]], path: Path) -> tuple[str, int]:
    names, values = [name for name, _ in recent], [value for _, value in recent]
    # From the last instruction back: the tuple's end, perhaps a view of another storage, then the five
    # values.
    position = len(recent) - 1
    if position < 0 or names[position] != "TUPLE":
        _odd(path)
    position -= 1
    if names[position] == "NONE":
        position -= 1
    elif names[position] == "TUPLE3":
        position -= 4
    if position < 5:
        _odd(path)
    kinds = [
        name if name not in ("BININT1", "BININT2", "LONG1") else "BININT" for name in names[position - 5 : position + 1]
    ]
    kinds = ["BINUNICODE" if kind == "SHORT_BINUNICODE" else kind for kind in kinds]
    if kinds != ["MARK", "BINUNICODE", "GLOBAL", "BINUNICODE", "BINUNICODE", "BININT"]:
        _odd(path)
    tag, kind, key, _, count = values[position - 4 : position + 1]
    module, _, storage = str(kind).partition(" ")
    if tag != "storage" or module not in ("torch", "torch.cuda") or storage not in _ITEMSIZE or count < 0:
        _odd(path)
    return str(key), int(count) * _ITEMSIZE[storage]


def _odd(path: Path) -> NoReturn:
    raise UnsafeCheckpointError(
        f"{path} announces its tensors in a way that `torch.save` does not, and was refused before it was "
        "read. Load it with "
        "PyTorch, if you trust its author, and save the weights as safetensors.",
        code="checkpoint.archive_bomb",
        path=str(path),
    )


def _bomb(path: Path, what: str) -> NoReturn:
    raise UnsafeCheckpointError(
        f"{path} is made to unpack to more than it holds: {what}. Do not use this file.",
        code="checkpoint.archive_bomb",
        path=str(path),
    )


def _corrupt(path: Path, code: str, what: str, advice: str = _AGAIN) -> NoReturn:
    raise CorruptCheckpointError(f"{path}: {what}. {advice}", code=f"checkpoint.{code}", path=str(path))
