"""A sentencepiece model file, read without the library: the pieces, their scores, and how text is normalized.

Its library and that of Protocol Buffers would be two more dependencies, both compiled, for one small message whose form
does not change. A message is a row of fields; a field is a tag (its number, and how its value is written), then the
value, which may be a message again. Only what a tokenizer needs is kept.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn

from pellucid.errors import TokenizerError

UNIGRAM = 1
BPE = 2

_UNKNOWN = 2
CONTROL = 3
USER_DEFINED = 4

# Above the largest models there are: XLM-V, with a million pieces, has 19 MB.
_MAX_BYTES = 32_000_000
_MAX_PIECES = 2**21
# Each byte of a piece can take the Rust library 300 bytes of memory. XLM-V's pieces have 10 MB.
_MAX_TEXT_BYTES = 12_000_000
# Sentencepiece trains pieces of 512 characters at most, and of 16 unless told otherwise.
_MAX_PIECE_BYTES = 1024

# How a value is written.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIRE_NAMES = {_VARINT: "a varint", _FIXED64: "eight bytes", _BYTES: "bytes with a length", _FIXED32: "four bytes"}

# The numbers of the fields that are read, and how each is written.
_MODEL = {1: _BYTES, 2: _BYTES, 3: _BYTES}
_PIECE = {1: _BYTES, 2: _FIXED32, 3: _VARINT}
_TRAINER = {3: _VARINT, 35: _VARINT, 40: _VARINT, 45: _BYTES}
_NORMALIZER = {2: _BYTES}


class Piece(NamedTuple):
    """A piece of text that is a token; the sum of the scores decides between ways to split."""

    text: str
    score: float
    kind: int


@dataclass
class SentencePieceModel:
    """What a sentencepiece model file says; the defaults are those of the format."""

    path: str
    pieces: list[Piece] = field(default_factory=list)
    algorithm: int = UNIGRAM
    unk_id: int = 0
    unk_piece: str = "<unk>"
    byte_fallback: bool = False
    character_map: bytes = b""  # sentencepiece's compiled table of what is replaced by what before splitting


def read_sentencepiece(path: Path | str) -> SentencePieceModel:
    """Read a sentencepiece model file (spiece.model, sentencepiece.bpe.model, spm.model).

    Args:
        path: the file.

    Raises:
        TokenizerError: unreadable, too large, no such message, or pieces that are empty, too long, twice the same, or
            without one for unknown text; the message has the byte.

    Source: sentencepiece_model.proto of google/sentencepiece, and the wire format of Protocol Buffers.
    """
    try:
        size = Path(path).stat().st_size
        if size > _MAX_BYTES:
            raise TokenizerError(f"{path} has {size:,} bytes; at most {_MAX_BYTES:,} are read.", path=str(path))
        content = Path(path).read_bytes()
    except OSError as error:
        raise TokenizerError(
            f"The vocabulary {path} cannot be read: {error.strerror or error}.", path=str(path)
        ) from error
    if not content:
        raise TokenizerError(f"The vocabulary {path} is empty. Download the checkpoint again.", path=str(path))
    return _Reader(content, str(path)).model()


class _Reader:
    """Reads the messages of one file, and tells the byte where it cannot."""

    def __init__(self, content: bytes, path: str) -> None:
        self._content = content
        self._path = path

    def model(self) -> SentencePieceModel:
        model = SentencePieceModel(self._path)
        places: dict[str, int] = {}
        text_bytes = 0
        for number, start, stop in self._fields(0, len(self._content), _MODEL):
            if number == 1:
                piece = self._piece(start, stop)
                if piece.text in places:
                    first = places[piece.text]
                    self._refuse(start, f"the piece {piece.text!r:.80} stands twice, first at byte {first:,} and then")
                if len(places) == _MAX_PIECES:
                    self._refuse(start, f"more than {_MAX_PIECES:,} pieces")
                text_bytes += len(piece.text.encode())
                if text_bytes > _MAX_TEXT_BYTES:
                    self._refuse(start, f"more than {_MAX_TEXT_BYTES:,} bytes of text in the pieces up to the one")
                places[piece.text] = start
                model.pieces.append(piece)
            elif number == 2:
                self._read_trainer(model, start, stop)
            else:
                for _, map_start, map_stop in self._fields(start, stop, _NORMALIZER):
                    model.character_map = self._content[map_start:map_stop]
        if not any(piece.kind == _UNKNOWN for piece in model.pieces):
            self._refuse(len(self._content), f"no piece for unknown text among {len(model.pieces)} pieces up to here,")
        return model

    def _piece(self, start: int, stop: int) -> Piece:
        text, score, kind = "", 0.0, 1
        for number, first, last in self._fields(start, stop, _PIECE):
            if number == 1:
                if last - first > _MAX_PIECE_BYTES:
                    self._refuse(first, f"a piece of {last - first:,} bytes, where {_MAX_PIECE_BYTES} are the most")
                text = self._text(first, last)
            elif number == 2:
                (score,) = struct.unpack_from("<f", self._content, first)
            else:
                kind = first
        if not text:
            self._refuse(start, "a piece without text")
        if not math.isfinite(score):
            self._refuse(start, f"the piece {text!r:.80} has the score {score}")
        return Piece(text, score, kind)

    def _read_trainer(self, model: SentencePieceModel, start: int, stop: int) -> None:
        for number, first, last in self._fields(start, stop, _TRAINER):
            if number == 3:
                model.algorithm = first
            elif number == 35:
                model.byte_fallback = bool(first)
            elif number == 40:
                model.unk_id = first
            else:
                model.unk_piece = self._text(first, last)

    def _fields(self, start: int, stop: int, wanted: dict[int, int]) -> Iterator[tuple[int, int, int]]:
        """The wanted fields of the message between two bytes: number, and where the value starts and stops.

        In place of the start, a varint has its value.
        """
        place = start
        while place < stop:
            tag_place = place
            tag, place = self._varint(place, stop)
            number, wire = tag >> 3, tag & 7
            if number == 0 or wire not in _WIRE_NAMES:
                self._refuse(tag_place, f"no field begins with {self._content[tag_place]:#04x}, which stands")
            if wanted.get(number, wire) != wire:
                self._refuse(
                    tag_place, f"field {number} is {_WIRE_NAMES[wire]} instead of {_WIRE_NAMES[wanted[number]]}"
                )
            if wire == _VARINT:
                value, place = self._varint(place, stop)
                if number in wanted:
                    yield number, value, place
                continue
            if wire == _BYTES:
                length, place = self._varint(place, stop)
            else:
                length = 8 if wire == _FIXED64 else 4
            if length > stop - place:
                self._refuse(tag_place, f"a field of {length:,} bytes, of which {stop - place:,} are there,")
            if number in wanted:
                yield number, place, place + length
            place += length

    def _varint(self, place: int, stop: int) -> tuple[int, int]:
        """A whole number in groups of seven bits, the lowest first; and the place after it."""
        # Almost all are of one byte, and a file has a million of them.
        if place < stop and self._content[place] < 0x80:
            return self._content[place], place + 1
        value = 0
        for count, byte in enumerate(self._content[place : min(place + 10, stop)]):
            value |= (byte & 0x7F) << (7 * count)
            if byte < 0x80:
                return value, place + count + 1
        return self._refuse(place, "a number without an end")

    def _text(self, start: int, stop: int) -> str:
        try:
            return self._content[start:stop].decode("utf-8")
        except UnicodeDecodeError as error:
            return self._refuse(start + error.start, "text that is not UTF-8")

    def _refuse(self, place: int, what: str) -> NoReturn:
        raise TokenizerError(
            f"{self._path} is not a sentencepiece model: {what} at byte {place:,}. Download the checkpoint again.",
            path=self._path,
            byte=place,
        )
