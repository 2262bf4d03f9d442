"""Checks on the bytes of an HDF5 file that its own library believes.

In the form that h5py writes unless asked otherwise, and in no other, the file begins with a superblock of version 0,
each object has a header of version 1, and the names of a group lie in a local heap, whose free places are a list. The
library follows that list, and remembers each place, even where it leads in a circle: a file of a few kilobytes then
takes all memory there is. So it is followed here first.

Source: HDF5 File Format Specification 3.0, parts II.A, III.D and IV.A.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SUPERBLOCK = struct.Struct("<8s5x2B9xQ")  # signature; bytes of an address and of a length; where addresses begin
_ROOT = 64  # where the superblock says where the root's header is
_HEADER = struct.Struct("<BxHxxxxI4x")  # version, messages, bytes of messages
_MESSAGE = struct.Struct("<HH4x")  # type, bytes
_SYMBOL_TABLE, _CONTINUATION = 0x11, 0x10
_HEAP = struct.Struct("<4s4xQQQ")  # signature, bytes of names, first free place, where the names are
_PAIR = struct.Struct("<QQ")
_LAST = 1  # what stands for "no further free place"


class BytesError(Exception):
    """What is wrong with the bytes, in a few words."""


def root_address(stream: BinaryIO) -> int:
    """Where the header of the root is.

    Args:
        stream: the open file.

    Raises:
        BytesError: the file is of another form.
    """
    signature, offset_size, length_size, base = _read(stream, 0, _SUPERBLOCK)
    if signature != _SIGNATURE or _at(stream, 8, 5) != bytes(5) or (offset_size, length_size, base) != (8, 8, 0):
        raise BytesError("it does not begin as h5py begins a file")
    return int(_read(stream, _ROOT, struct.Struct("<Q"))[0])


def check_object(stream: BinaryIO, address: int) -> None:
    """Follow the header of a group or dataset, and the free places among the names of a group.

    Args:
        stream: the open file.
        address: where the header is.

    Raises:
        BytesError: the header is of another form, or leads in a circle.
    """
    version, most, length = _read(stream, address, _HEADER)
    if version != 1:
        raise BytesError(f"the object at byte {address} does not begin as h5py begins it")
    blocks: list[tuple[Any, ...]] = [(address + _HEADER.size, length)]
    told = 0
    while blocks:
        place, length = blocks.pop()
        end = place + length
        while place + _MESSAGE.size <= end:
            kind, size = _read(stream, place, _MESSAGE)
            place += _MESSAGE.size
            told += 1
            if told > most:  # also where a header goes on in what has been read before
                raise BytesError(f"the object at byte {address} has more parts than the {most} that it tells of")
            if kind == _CONTINUATION:
                blocks.append(_read(stream, place, _PAIR))
            elif kind == _SYMBOL_TABLE:
                _check_heap(stream, _read(stream, place, _PAIR)[1])
            place += size


def _check_heap(stream: BinaryIO, address: int) -> None:
    signature, length, free, names = _read(stream, address, _HEAP)
    if signature != b"HEAP":
        raise BytesError(f"there are no names at byte {address}")
    seen: set[int] = set()
    while free != _LAST:
        if free in seen or free + _PAIR.size > length:
            raise BytesError(f"the free places of the names at byte {address} lead in a circle or out of them")
        seen.add(free)
        free, _ = _read(stream, names + free, _PAIR)


def _read(stream: BinaryIO, place: int, form: struct.Struct) -> tuple[Any, ...]:
    return form.unpack(_at(stream, place, form.size))


def _at(stream: BinaryIO, place: int, length: int) -> bytes:
    try:
        stream.seek(place)
    except (OSError, OverflowError, ValueError):
        raise BytesError(f"it leads to byte {place}") from None
    found = stream.read(length)
    if len(found) < length:
        raise BytesError(f"it leads to byte {place}, behind its end: it may be cut short")
    return found
