"""Sentencepiece files that are damaged or lie: each is a TokenizerError that names the file and the byte."""

from __future__ import annotations

import logging
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.errors import PellucidError, TokenizerError
from pellucid.tokenizers import AlbertTokenizer, DebertaV2Tokenizer, XLMRobertaTokenizer
from pellucid.tokenizers.sentencepiece_model import read_sentencepiece
from support.tokenizer_files import (
    CONTROL,
    FIRST_PIECES,
    NORMAL,
    UNKNOWN,
    proto_field,
    sentencepiece_model,
    unigram_pieces,
    varint,
)

PIECES = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL), ("▁a", -1.5, NORMAL)]
UNKNOWN_PIECE = proto_field(1, proto_field(1, b"<unk>") + proto_field(3, UNKNOWN))


def model_file(folder: Path, content: bytes) -> Path:
    path = folder / "spiece.model"
    path.write_bytes(content)
    return path


def piece(*fields: bytes) -> bytes:
    return UNKNOWN_PIECE + proto_field(1, b"".join(fields))


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = read_sentencepiece(model_file(tmp_path, sentencepiece_model(PIECES, character_map=b"\x00map", unk_id=300)))
    assert [tuple(one) for one in model.pieces] == PIECES
    assert (model.algorithm, model.unk_id, model.unk_piece, model.byte_fallback) == (1, 300, "<unk>", False)
    assert model.character_map == b"\x00map"


def test_what_is_left_out_has_the_values_of_the_format(tmp_path: Path) -> None:
    model = read_sentencepiece(model_file(tmp_path, piece(proto_field(1, "é".encode()))))
    assert [tuple(one) for one in model.pieces] == [("<unk>", 0.0, UNKNOWN), ("é", 0.0, NORMAL)]
    assert (model.algorithm, model.unk_id, model.unk_piece, model.character_map) == (1, 0, "<unk>", b"")


def test_fields_that_are_not_known_are_passed_over(tmp_path: Path) -> None:
    unknown = proto_field(200, 2**64 - 1) + proto_field(4, b"\xff" * 9) + varint(7 << 3 | 1) + b"12345678"
    unknown += proto_field(9, 0.5)
    content = unknown + proto_field(1, unknown + proto_field(1, b"<unk>") + proto_field(3, UNKNOWN) + unknown) + unknown
    assert [one.text for one in read_sentencepiece(model_file(tmp_path, content)).pieces] == ["<unk>"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xff" * 12, "a number without an end at byte 0"),
        (b"version https://git-lfs.github.com/spec/v1\n", "at byte 0"),
        (b"<html>not found</html>", "at byte 0"),
        (b'{"version": "1.0"}', "at byte 0"),
        (b"\x00", "no field begins with 0x00, which stands at byte 0"),
        (b"\x0b", "no field begins with 0x0b, which stands at byte 0"),
        (b"\x0f", "no field begins with 0x0f"),
        (proto_field(1, 5), "field 1 is a varint instead of bytes with a length at byte 0"),
        (proto_field(2, 0.5), "field 2 is four bytes instead of bytes with a length"),
        (b"\x0a" + varint(2**62), "a field of 4,611,686,018,427,387,904 bytes, of which 0 are there, at byte 0"),
        (b"\x0a" + varint(2**63) + b"a", "bytes, of which 1 are there"),
        (b"\x15\x00\x00", "instead of bytes with a length"),
        (b"\x0a\x80", "a number without an end at byte 1"),
        (piece(proto_field(1, b"a"), proto_field(2, 7)), "field 2 is a varint instead of four bytes"),
        (piece(proto_field(1, b"a"), proto_field(3, b"7")), "field 3 is bytes with a length instead of a varint"),
        (piece(proto_field(1, b"a\xff")), r"text that is not UTF-8 at byte 16"),
        (piece(proto_field(1, b"a"), b"\x15\x00"), "a field of 4 bytes, of which 1 are there"),
        (piece(), "a piece without text at byte 13"),
        (piece(proto_field(1, b"")), "a piece without text"),
        (piece(proto_field(1, b"<unk>")), "the piece '<unk>' stands twice, first at byte 2 and then at byte 13"),
        (piece(proto_field(1, b"a" * 1025)), "a piece of 1,025 bytes, where 1024 are the most"),
        (piece(proto_field(1, b"a"), proto_field(2, float("nan"))), "the piece 'a' has the score nan"),
        (piece(proto_field(1, b"a"), proto_field(2, float("-inf"))), "the piece 'a' has the score -inf"),
        (proto_field(1, proto_field(1, b"a")), "no piece for unknown text among 1 pieces up to here, at byte 5"),
        (proto_field(2, b""), "no piece for unknown text among 0 pieces"),
        (UNKNOWN_PIECE + proto_field(2, b"\x18"), "a number without an end"),
        (UNKNOWN_PIECE + proto_field(2, proto_field(3, 2.5)), "field 3 is four bytes instead of a varint"),
        (UNKNOWN_PIECE + proto_field(3, proto_field(2, 1)), "field 2 is a varint instead of bytes with a length"),
    ],
)
def test_a_damaged_file_is_refused_with_its_byte(tmp_path: Path, content: bytes, message: str) -> None:
    path = model_file(tmp_path, content)
    with pytest.raises(TokenizerError, match=message) as caught:
        AlbertTokenizer(path)
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (sentencepiece_model(PIECES, unk_id=4), "gives unknown text the id 4, and has 4 pieces"),
        (sentencepiece_model(PIECES, unk_id=2**64 - 1), "gives unknown text the id 18446744073709551615"),
        (sentencepiece_model(PIECES, model_type=3), r"of words or characters \(model_type 3\); only Unigram \(1\) and"),
        (sentencepiece_model(PIECES, model_type=2, unk_id=9)[:-3], "at byte"),
        (UNKNOWN_PIECE + proto_field(2, proto_field(3, 2) + proto_field(45, b"?")), r"has no '\?', the piece for unkn"),
        (sentencepiece_model(PIECES, character_map=b"AA"), "The table of characters in .* is damaged"),
    ],
)
def test_a_model_that_cannot_be_one_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(TokenizerError, match=message):
        DebertaV2Tokenizer(model_file(tmp_path, content))


def test_a_file_that_is_too_large_or_missing_is_not_read(tmp_path: Path) -> None:
    path = model_file(tmp_path, b"")
    with path.open("wb") as sparse:
        sparse.truncate(2**40)
    with pytest.raises(TokenizerError, match=r"1,099,511,627,776 bytes; at most 32,000,000 are read"):
        XLMRobertaTokenizer(path)
    for missing in (tmp_path, tmp_path / "none.model"):
        with pytest.raises(TokenizerError, match="cannot be read"):
            XLMRobertaTokenizer(missing)


def test_pieces_of_too_much_text_are_not_taken(tmp_path: Path) -> None:
    rows = [proto_field(1, proto_field(1, b"%06d" % number * 170)) for number in range(12_000)]
    with pytest.raises(TokenizerError, match=r"more than 12,000,000 bytes of text in the pieces up to the one at byte"):
        XLMRobertaTokenizer(model_file(tmp_path, UNKNOWN_PIECE + b"".join(rows)))


def test_text_in_bytes_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = UNKNOWN_PIECE + proto_field(2, proto_field(35, 1))
    with caplog.at_level(logging.WARNING, logger="pellucid.tokenizers"):
        assert AlbertTokenizer(model_file(tmp_path, content)).tokenize("é")
    assert "spells text that has no piece in bytes" in caplog.text


@pytest.fixture(scope="module")
def valid() -> bytes:
    return sentencepiece_model(unigram_pieces(FIRST_PIECES["AlbertTokenizer"], size=160))


@pytest.mark.parametrize("kind", [AlbertTokenizer, XLMRobertaTokenizer])
def test_a_file_cut_off_anywhere_works_or_is_refused(tmp_path: Path, valid: bytes, kind: Any) -> None:
    for stop in range(1, len(valid), 7):
        use(model_file(tmp_path, valid[:stop]), kind)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_other_bytes_works_or_is_refused(tmp_path: Path, valid: bytes, data: Any) -> None:
    content = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    use(model_file(tmp_path, bytes(content)), AlbertTokenizer)


def test_a_damaged_table_of_characters_works_or_is_refused(tmp_path: Path) -> None:
    for units in ([0], [2**32 - 1] * 8, [1024, 2**31, 2**30], [0x100 << 10] * 300):
        trie = struct.pack(f"<{len(units)}I", *units)
        for table in (trie, struct.pack("<I", len(trie)) + trie, struct.pack("<I", 2**32 - 1) + trie + b"a\x00"):
            use(model_file(tmp_path, sentencepiece_model(PIECES, character_map=table)), AlbertTokenizer)


def use(path: Path, kind: Any) -> None:
    """Load and use a tokenizer; only our own errors may come out."""
    try:
        tokenizer = kind(path)
        tokenizer("a é 中 [MASK]", "b" * 40, truncation=True, max_length=8, return_overflowing_tokens=True)
        tokenizer.decode([0, 1, 2, 99])
    except PellucidError:
        return
