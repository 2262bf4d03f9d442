"""Weight files made to mislead.

Whatever they say, the answer is tensors or an error of Pellucid, at once and in little memory.
"""

from __future__ import annotations

import json
import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.reading import read_tensors, tensor_headers
from pellucid.errors import CorruptCheckpointError, PellucidError

VALID = save({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(4, np.float16)}, {"format": "pt"})
DATA = 32  # bytes of numbers in VALID


def packed(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def described(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


CASES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "truncated"),
    "five_bytes": (b"12345", "truncated"),
    "one_byte_short": (VALID[:-1], "truncated"),
    "half": (VALID[: len(VALID) // 2], "truncated"),
    "header_only": (VALID[:-DATA], "truncated"),
    "trailing_byte": (VALID + b"\0", "trailing_bytes"),
    "polyglot": (VALID + b"PK\x05\x06" + b"\0" * 18, "trailing_bytes"),
    "length_2_63": (struct.pack("<Q", 2**63) + b"{}", "header_length"),
    "length_2_64_minus_1": (b"\xff" * 8 + b"{}", "header_length"),
    "length_above_limit": (struct.pack("<Q", 100_000_001) + b"{}", "header_length"),
    "length_beyond_file": (struct.pack("<Q", 1000) + b"not json", "header_length"),
    "not_utf8": (packed(b'{"\xff": 1}'), "header_invalid"),
    "not_json": (packed(b"{nope}"), "header_invalid"),
    "not_an_object": (packed(b"[1, 2]"), "header_invalid"),
    "byte_order_mark": (packed(b"\xef\xbb\xbf{}"), "header_invalid"),
    "leading_space": (packed(b" {}"), "header_invalid"),
    "nested_100k": (packed(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "header_invalid"),
    "open_nesting_100k": (packed(b'{"a":' * 100_000), "header_invalid"),
    "digits_5000": (packed(b'{"a": ' + b"9" * 5000 + b"}"), "header_invalid"),
    "nan": (packed(b'{"a": NaN}'), "header_invalid"),
    "same_tensor_twice": (
        packed(b'{"a":%s,"a":%s}' % (2 * (b'{"dtype":"U8","shape":[1],"data_offsets":[0,1]}',)), b"x"),
        "duplicate_key",
    ),
    "metadata_twice": (packed(b'{"__metadata__":{},"__metadata__":{}}'), "duplicate_key"),
    "dtype_twice": (
        packed(b'{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', b"x"),
        "duplicate_key",
    ),
    "metadata_not_text": (packed({"__metadata__": {"a": 1}}), "header_invalid"),
    "overlap": (packed({"a": described(), "b": described(offsets=(4, 12))}, b"\0" * 12), "offsets"),
    "same_place": (packed({"a": described(), "b": described()}, b"\0" * 8), "offsets"),
    "hole": (packed({"a": described(), "b": described(offsets=(9, 17))}, b"\0" * 17), "offsets"),
    "hole_at_the_start": (packed({"a": described(offsets=(4, 12))}, b"\0" * 12), "offsets"),
    "begin_after_end": (packed({"a": described(offsets=(8, 0))}, b"\0" * 8), "offsets"),
    "negative_offsets": (packed({"a": described(offsets=(-8, 0))}, b"\0" * 8), "offsets"),
    "float_offsets": (packed({"a": described(offsets=(0.0, 8.0))}, b"\0" * 8), "offsets"),
    "text_offsets": (packed({"a": described(offsets=("0", "8"))}, b"\0" * 8), "offsets"),
    "true_offsets": (packed({"a": described(offsets=(False, True))}, b"\0"), "offsets"),
    "shape_larger_than_bytes": (packed({"a": described(shape=(3,))}, b"\0" * 8), "shape_bytes"),
    "shape_product_overflows": (packed({"a": described(shape=(2**32, 2**32))}, b"\0" * 8), "shape_bytes"),
    "shape_of_a_huge_number": (
        packed(b'{"a":{"dtype":"F32","shape":[%s],"data_offsets":[0,8]}}' % (b"9" * 4000), b"\0" * 8),
        "shape_bytes",
    ),
    "negative_axis": (packed({"a": described(shape=(-2,))}, b"\0" * 8), "shape_bytes"),
    "ten_thousand_axes": (packed({"a": described(shape=[1] * 10_000, offsets=(0, 4))}, b"\0" * 4), "shape_bytes"),
    "float_shape": (packed({"a": described(shape=(2.0,))}, b"\0" * 8), "shape_bytes"),
    "shape_not_a_list": (packed({"a": described(shape=2)}, b"\0" * 8), "shape_bytes"),
    "unknown_dtype": (packed({"a": described(dtype="F31")}, b"\0" * 8), "dtype_unsupported"),
    "sub_byte_dtype": (packed({"a": described(dtype="F4", shape=(16,))}, b"\0" * 8), "dtype_unsupported"),
    "dtype_not_text": (packed({"a": described(dtype=["F32"])}, b"\0" * 8), "dtype_unsupported"),
    "extra_field": (packed({"a": {**described(), "strides": [1]}}, b"\0" * 8), "header_invalid"),
    "missing_field": (packed({"a": {"dtype": "F32"}}), "header_invalid"),
    "tensor_not_an_object": (packed({"a": 3}), "header_invalid"),
    "lfs_pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "lfs_pointer"),
    "web_page": (b"  <!DOCTYPE html>\n<html><body>404</body></html>", "html"),
    "pytorch_archive": (b"PK\x03\x04" + b"\0" * 40, "header_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_case_is_refused_with_its_code_and_the_file(case: str, tmp_path: Path) -> None:
    content, code = CASES[case]
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    tracemalloc.start()
    started = time.perf_counter()
    for read in (read_tensors, tensor_headers):
        with pytest.raises(CorruptCheckpointError) as caught:
            read(locate(tmp_path))
        error = caught.value
        assert error.code == f"checkpoint.{code}"
        assert str(path) in str(error)
        assert error.path == str(path)  # type: ignore[attr-defined]
        assert len(str(error)) < 500 + len(str(path))
        assert str(error).isprintable()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    assert time.perf_counter() - started < 5


def test_messages_name_both_tensors_and_the_numbers(tmp_path: Path) -> None:
    def message(content: bytes) -> str:
        (tmp_path / "model.safetensors").write_bytes(content)
        with pytest.raises(CorruptCheckpointError) as caught:
            read_tensors(locate(tmp_path))
        return str(caught.value)

    assert "'b' begins at byte" in message(CASES["overlap"][0])
    assert "overlaps the tensor 'a'" in message(CASES["overlap"][0])
    assert "3 × 4 bytes, but has 8 bytes" in message(CASES["shape_larger_than_bytes"][0])
    short = message(CASES["one_byte_short"][0])
    assert f"{len(VALID) - 1} bytes" in short
    assert f"describes {len(VALID)}" in short
    assert "F64, F32, F16, BF16" in message(CASES["unknown_dtype"][0])
    assert "5 bytes; a safetensors file has at least 8" in message(CASES["five_bytes"][0])
    assert "1 bytes follow the last tensor" in message(CASES["trailing_byte"][0])


def test_control_characters_in_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(packed({"\x1b[2J\r\n": described(shape=(3,))}, b"\0" * 8))
    with pytest.raises(CorruptCheckpointError) as caught:
        read_tensors(locate(tmp_path))
    assert str(caught.value).isprintable()


def test_empty_tensors_may_share_a_place(tmp_path: Path) -> None:
    header = {
        "e": described(shape=(0,), offsets=(0, 0)),
        "f": described(shape=(0, 3), offsets=(0, 0)),
        "a": described(),
    }
    (tmp_path / "model.safetensors").write_bytes(packed(header, b"\0" * 8))
    assert {name: tensor.shape for name, tensor in read_tensors(locate(tmp_path)).items()} == {
        "e": (0,),
        "f": (0, 3),
        "a": (2,),
    }


def outcome(folder: Path, content: bytes) -> dict[str, Any] | None:
    (folder / "model.safetensors").write_bytes(content)
    try:
        read = read_tensors(locate(folder))
    except PellucidError as error:
        return None if str(error).isprintable() else pytest.fail(ascii(str(error)))
    for tensor in read.values():
        assert len(tensor.raw()) == tensor.data.nbytes
        tensor.array(tensor.data.dtype if tensor.dtype != "bfloat16" else np.float32)
    return dict(read)


FAST = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FAST
@given(position=st.integers(0, len(VALID) - 1), values=st.binary(min_size=1, max_size=9))
def test_overwritten_bytes_are_read_or_refused(tmp_path: Path, position: int, values: bytes) -> None:
    content = VALID[:position] + values + VALID[position + len(values) :]
    outcome(tmp_path, content[: max(len(VALID), position)])


@FAST
@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    outcome(tmp_path, content)
    outcome(tmp_path, packed(b"{" + content))


numbers = (
    st.integers(-3, 40)
    | st.sampled_from([2**31, 2**63, 2**64, -(2**63), 10**30])
    | st.floats()
    | st.none()
    | st.booleans()
)
entries = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "F4", "C64", "", "f32"])
        | numbers,
        "shape": st.lists(numbers, max_size=4) | numbers,
        "data_offsets": st.lists(numbers, max_size=3) | numbers,
        "other": numbers,
    },
)
headers = st.dictionaries(
    st.sampled_from(["a", "b", "c", "__metadata__", ""]) | st.text(max_size=3), entries | numbers, max_size=4
)


@FAST
@given(header=headers, data=st.binary(max_size=48), added=st.integers(-2, 2))
def test_arbitrary_headers_are_read_or_refused(tmp_path: Path, header: dict[str, Any], data: bytes, added: int) -> None:
    raw = json.dumps(header).encode()
    outcome(tmp_path, packed(raw, data, max(0, len(raw) + added)))


sizes = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}


@FAST
@given(
    tensors=st.lists(st.tuples(st.sampled_from(sorted(sizes)), st.lists(st.integers(0, 4), max_size=3)), max_size=5),
    padding=st.integers(0, 9),
)
def test_every_valid_file_is_read(tmp_path: Path, tensors: list[tuple[str, list[int]]], padding: int) -> None:
    header, position = {}, 0
    for number, (dtype, shape) in enumerate(tensors):
        end = position + int(np.prod(shape, dtype=int)) * sizes[dtype]
        header[f"t{number}"] = described(dtype, shape, (position, end))
        position = end
    data = bytes(index % 2 for index in range(position))
    read = outcome(tmp_path, packed(json.dumps(header).encode() + b" " * padding, data))
    assert read is not None
    assert b"".join(bytes(read[f"t{number}"].raw()) for number in range(len(tensors))) == data
