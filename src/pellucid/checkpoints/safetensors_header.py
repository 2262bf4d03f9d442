"""The header of a safetensors file, checked before anything that it says is believed.

The format: eight bytes with the header's length N, N bytes of JSON that give each tensor's type, shape and
place, then the tensors' bytes without a gap. The reader of the `safetensors` library has the last word
(`reading` asks it); the checks here come first because they can name what is wrong, and because the library
accepts a name that is given twice.

Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from pellucid.errors import CorruptCheckpointError

LONGEST_HEADER = 100_000_000
"""Bytes: the limit of the format's own reader."""

_MOST_AXES = 32

# Names in the header → the names of types in this library, with the bytes of one number.
_DTYPES: dict[str, tuple[str, int]] = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U64": ("uint64", 8),
    "U32": ("uint32", 4),
    "U16": ("uint16", 2),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}

# A string that is not closed is met as a lone quote, and the JSON parser refuses it.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)

_AGAIN = "Delete the file and download or copy it again."


@dataclass(frozen=True)
class TensorHeader:
    """What a file says of one tensor: all but its numbers.

    Attributes:
        name: the name in the checkpoint.
        dtype: the stored type: "float32", "bfloat16" …
        shape: the lengths of the axes.
        file: the file that holds it.
        begin: its first byte, counted from the start of the file.
        end: the byte after its last.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    begin: int
    end: int


def read_header(stream: BinaryIO, size: int, path: Path) -> dict[str, TensorHeader]:
    """Reads and checks the header of a file.

    Args:
        stream: the open file, at its start.
        size: bytes in the file.
        path: the file, for messages.

    Returns:
        The tensors by name, in the order of the header.

    Raises:
        CorruptCheckpointError: the file is cut short, contradicts itself or is no safetensors file.
    """
    start = stream.read(512)
    _refuse_other_kinds(start, path)
    if size < 8:
        _corrupt(path, "truncated", f"{size} bytes; a safetensors file has at least 8", found=size, expected=8)
    length = int.from_bytes(start[:8], "little")
    if length > LONGEST_HEADER:
        _corrupt(
            path,
            "header_length",
            f"the header is said to have {length} bytes; at most {LONGEST_HEADER} are read. This is no "
            "safetensors file",
            found=length,
            expected=LONGEST_HEADER,
        )
    if length > size - 8:
        _corrupt(
            path,
            "truncated" if start[8:9] == b"{" else "header_length",
            f"the header is said to have {length} bytes, but only {size - 8} follow",
            found=size - 8,
            expected=length,
        )
    stream.seek(8)
    entries = _parse(stream.read(length), path)
    metadata = entries.pop("__metadata__", None)
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    ):
        _corrupt(path, "header_invalid", "its __metadata__ is not an object of texts")
    tensors = {name: _tensor(name, entry, path, 8 + length) for name, entry in entries.items()}
    _check_places(tensors, path, 8 + length, size)
    return tensors


def _refuse_other_kinds(start: bytes, path: Path) -> None:
    if start.startswith(b"version https://git-lfs"):
        _corrupt(
            path,
            "lfs_pointer",
            "this is a Git LFS pointer, not the weights themselves",
            advice="Run `git lfs pull` in the repository, or load it by its name from the Hub.",
        )
    if start.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        _corrupt(path, "html", "this is a web page saved under the name of the weights")
    if start[:4] == b"PK\x03\x04" or start[:2] == b"\x80\x02":
        _corrupt(
            path,
            "header_invalid",
            "this is a PyTorch file under the name of a safetensors file",
            advice="Rename it to pytorch_model.bin.",
        )


def _parse(content: bytes, path: Path) -> dict[str, Any]:
    if not content.startswith(b"{"):
        _corrupt(path, "header_invalid", f"the header begins with {content[:1]!r} at byte 8, expected b'{{'")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        _corrupt(path, "header_invalid", f"the header is not UTF-8 at byte {8 + error.start}")
    depth = deepest(text)
    if depth > 4:
        _corrupt(
            path,
            "header_invalid",
            f"the header is nested {depth} deep or more; a safetensors header is nested 3 deep",
        )
    try:
        entries = json.loads(
            text, object_pairs_hook=lambda pairs: _unique(pairs, path), parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        _corrupt(path, "header_invalid", f"the header is not JSON at byte {8 + error.pos}: {error.msg}")
    except (ValueError, RecursionError) as error:
        if isinstance(error, CorruptCheckpointError):
            raise
        _corrupt(path, "header_invalid", f"the header holds a number that is none: {str(error)[:80]}")
    if not isinstance(entries, dict):
        _corrupt(path, "header_invalid", "the header is not a JSON object")
    return entries


def deepest(text: str, limit: int = 64) -> int:
    """How deep brackets outside strings are nested; counting stops at `limit`.

    `json.loads` recurses, so depth is measured before it is called.
    """
    depth = found = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        character = match.group()[0]
        if character == '"':
            continue
        if character in "{[":
            depth += 1
            found = max(found, depth)
            if found >= limit:
                break
        else:
            depth -= 1
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        _corrupt(path, "duplicate_key", f"{_shown(twice)} is given twice in the header", tensor=twice)
    return found


def _tensor(name: str, entry: Any, path: Path, start: int) -> TensorHeader:
    shown = _shown(name)
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        _corrupt(path, "header_invalid", f"{shown} is not described by dtype, shape and data_offsets", tensor=name)
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _DTYPES:
        _corrupt(
            path,
            "dtype_unsupported",
            f"{shown} is stored as {_shown(kind)}; this version reads {', '.join(_DTYPES)}",
            advice="Convert the checkpoint to one of these types.",
            tensor=name,
        )
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > _MOST_AXES:
        _corrupt(
            path,
            "shape_bytes",
            f"{shown} has the shape {_shown(shape)}; expected up to {_MOST_AXES} whole numbers from 0 up",
            tensor=name,
        )
    if (
        not isinstance(offsets, list)
        or len(offsets) != 2
        or not all(type(n) is int and n >= 0 for n in offsets)
        or offsets[0] > offsets[1]
    ):
        _corrupt(
            path,
            "offsets",
            f"{shown} has the data_offsets {_shown(offsets)}; expected two rising whole numbers from 0 up",
            tensor=name,
        )
    dtype, itemsize = _DTYPES[kind]
    # A refused number may have thousands of digits, which must not be turned into text.
    needed = math.prod(shape) * itemsize
    if needed != offsets[1] - offsets[0]:
        arithmetic = (
            f"{' × '.join(map(str, shape)) or '1'} × {itemsize} bytes" if needed < 2**64 else "more than 2**64 bytes"
        )
        _corrupt(
            path,
            "shape_bytes",
            f"{shown} of shape {_shown(shape)} and type {kind} needs {arithmetic}, but has "
            f"{_shown(offsets[1] - offsets[0])} bytes",
            tensor=name,
        )
    return TensorHeader(name, dtype, tuple(shape), path, start + offsets[0], start + offsets[1])


def _check_places(tensors: dict[str, TensorHeader], path: Path, start: int, size: int) -> None:
    """The tensors lie one after another, from the header to the end of the file."""
    position, previous = start, ""
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.begin, tensor.end)):
        if tensor.begin != position:
            what = "overlaps" if tensor.begin < position else "leaves a hole after"
            other = f"the tensor {_shown(previous)}" if previous else "the header"
            _corrupt(
                path,
                "offsets",
                f"{_shown(tensor.name)} begins at byte {_shown(tensor.begin)} and {what} {other}, which "
                f"ends at byte {position}",
                tensor=tensor.name,
                other=previous,
            )
        if tensor.end > size:
            _corrupt(
                path,
                "truncated",
                f"{size} bytes; the header describes {_shown(_last_byte(tensors))}. The first tensor cut is "
                f"{_shown(tensor.name)}",
                tensor=tensor.name,
                found=size,
                expected=_last_byte(tensors),
            )
        position, previous = tensor.end, tensor.name
    if position != size:
        _corrupt(
            path,
            "trailing_bytes",
            f"{size - position} bytes follow the last tensor, which ends at byte {position}; expected none",
            found=size,
            expected=position,
        )


def _last_byte(tensors: dict[str, TensorHeader]) -> int:
    return max(tensor.end for tensor in tensors.values())


def _shown(value: object) -> str:
    """For messages: short and without control characters."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, list):
        text = f"[{', '.join(_shown(item) for item in value[:8])}{', …' if len(value) > 8 else ''}]"
    else:
        text = ascii(value) if not isinstance(value, dict) else "an object"
    return text if len(text) <= 100 else f"{text[:97]}..."


def _corrupt(path: Path, code: str, what: str, *, advice: str = _AGAIN, **facts: Any) -> NoReturn:
    raise CorruptCheckpointError(f"{path}: {what}. {advice}", code=f"checkpoint.{code}", path=str(path), **facts)
