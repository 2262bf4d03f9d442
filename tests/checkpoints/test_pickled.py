from __future__ import annotations

import builtins
import contextlib
import io
import os
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.reading import read_tensors
from pellucid.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    CorruptCheckpointError,
    EngineNotInstalledError,
    PellucidError,
    UnsafeCheckpointError,
)

FORMS = [True, False]


@pytest.fixture
def torch() -> Any:
    found = pytest.importorskip("torch")
    if tuple(int(part) for part in found.__version__.split(".")[:2]) < (2, 10):
        pytest.skip("PyTorch is older than 2.10")
    return found


def load(folder: Path) -> dict[str, Any]:
    return read_tensors(locate(folder))


class Command:
    """Touches the canary when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


class TestFilesOfTorch:
    @pytest.mark.parametrize("zipped", FORMS)
    def test_tensors_of_each_type_are_read_unchanged(self, torch: Any, tmp_path: Path, zipped: bool) -> None:
        tensors = {
            "float32": torch.randn(3, 4),
            "float16": torch.randn(5).half(),
            "bfloat16": torch.randn(2, 3).bfloat16(),
            "float64": torch.randn(1, 1, 2).double(),
            "int64": torch.arange(4).view(1, 4),
            "int8": torch.arange(4, dtype=torch.int8),
            "bool": torch.tensor([True, False]),
            "scalar": torch.tensor(1.5),
            "empty": torch.zeros(0, 3),
        }
        torch.save(OrderedDict(tensors), tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
        read = load(tmp_path)
        assert list(read) == list(tensors)
        for name, tensor in tensors.items():
            assert read[name].shape == tuple(tensor.shape)
            assert read[name].dtype == str(tensor.dtype).removeprefix("torch.")
            if tensor.is_floating_point():
                np.testing.assert_array_equal(read[name].array(np.float64), tensor.double().numpy())
            else:
                np.testing.assert_array_equal(read[name].array(tensor.numpy().dtype), tensor.numpy())

    @pytest.mark.parametrize("zipped", FORMS)
    def test_shared_and_transposed_tensors(self, torch: Any, tmp_path: Path, zipped: bool) -> None:
        weight = torch.randn(4, 3)
        content = {"a": weight, "tied": weight, "transposed": weight.t(), "slice": weight[1:3]}
        torch.save(content, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
        read = load(tmp_path)
        for name, tensor in content.items():
            np.testing.assert_array_equal(read[name].array(np.float32), tensor.numpy())

    def test_parameters_are_read_as_tensors(self, torch: Any, tmp_path: Path) -> None:
        layer = torch.nn.Linear(2, 3)
        torch.save(dict(layer.named_parameters()), tmp_path / "pytorch_model.bin")
        np.testing.assert_array_equal(load(tmp_path)["weight"].array(np.float32), layer.weight.detach().numpy())

    def test_shards(self, torch: Any, tmp_path: Path) -> None:
        torch.save({"a": torch.ones(2)}, tmp_path / "pytorch_model-00001-of-00002.bin")
        torch.save({"b": torch.zeros(3)}, tmp_path / "pytorch_model-00002-of-00002.bin")
        index = '{"weight_map": {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}}'
        (tmp_path / "pytorch_model.bin.index.json").write_text(index)
        assert set(load(tmp_path)) == {"a", "b"}

    def test_is_not_opened_beside_safetensors(self, torch: Any, tmp_path: Path) -> None:
        from safetensors.numpy import save_file

        save_file({"a": np.ones(2, np.float32)}, tmp_path / "model.safetensors")
        opened: list[str] = []
        (tmp_path / "pytorch_model.bin").write_bytes(b"never read")

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "open" and str(arguments[0]).endswith("pytorch_model.bin"):
                opened.append(str(arguments[0]))

        sys.addaudithook(watch)
        assert set(load(tmp_path)) == {"a"}
        assert opened == []

    def test_use_safetensors_forbids_it(self, torch: Any, tmp_path: Path) -> None:
        torch.save({"a": torch.ones(2)}, tmp_path / "pytorch_model.bin")
        with pytest.raises(CheckpointNotFoundError, match="use_safetensors=True leaves alone"):
            read_tensors(locate(tmp_path), use_safetensors=True)


class TestRefusedContent:
    @pytest.mark.parametrize("zipped", FORMS)
    @pytest.mark.parametrize("place", ["value", "tuple", "list", "key", "state"])
    def test_pickle_that_runs_code_runs_nothing(self, torch: Any, tmp_path: Path, zipped: bool, place: str) -> None:
        canary = tmp_path / "canary"
        command = Command(canary)
        content: Any = {
            "value": {"a": command},
            "tuple": {"a": (1, (2, command))},
            "list": [command],
            "key": {("b", command): 1},
            "state": {"state_dict": {"x": [command]}},
        }[place]
        torch.save(content, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
        with pytest.raises(UnsafeCheckpointError) as caught:
            load(tmp_path)
        assert caught.value.code == "checkpoint.pickle_global"
        assert "mkdir" in str(caught.value)
        assert not canary.exists()

    def test_bare_pickle_runs_nothing(self, torch: Any, tmp_path: Path) -> None:
        canary = tmp_path / "canary"
        (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"a": Command(canary)}))
        with pytest.raises(CheckpointError):
            load(tmp_path)
        assert not canary.exists()

    def test_tar_is_refused(self, torch: Any, tmp_path: Path) -> None:
        import tarfile

        canary = tmp_path / "canary"
        with tarfile.open(tmp_path / "pytorch_model.bin", "w") as archive:
            content = pickle.dumps(Command(canary))
            member = tarfile.TarInfo("pickle")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        with pytest.raises(CorruptCheckpointError, match="has not written"):
            load(tmp_path)
        assert not canary.exists()

    def test_training_checkpoint_is_not_unwrapped(self, torch: Any, tmp_path: Path) -> None:
        torch.save({"state_dict": {"a": torch.ones(1)}, "epoch": 3}, tmp_path / "pytorch_model.bin")
        with pytest.raises(CorruptCheckpointError, match="training checkpoint with the parts 'state_dict', 'epoch'"):
            load(tmp_path)

    @pytest.mark.parametrize("content", [[1, 2], 3, {"a": 3}, {3: 3}])
    def test_anything_but_tensors_by_name_is_refused(self, torch: Any, tmp_path: Path, content: Any) -> None:
        torch.save(content, tmp_path / "pytorch_model.bin")
        with pytest.raises(CorruptCheckpointError, match="expected"):
            load(tmp_path)

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize("kind", ["sparse", "quantized", "complex", "meta", "expanded"])
    def test_tensors_that_are_not_dense_are_refused(self, torch: Any, tmp_path: Path, kind: str) -> None:
        tensor = {
            "sparse": lambda: torch.eye(3).to_sparse(),
            "quantized": lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
            "complex": lambda: torch.ones(2, dtype=torch.complex64),
            "meta": lambda: torch.ones(2, device="meta"),
            "expanded": lambda: torch.ones(1).expand(10**12),
        }[kind]()
        torch.save({"a": tensor}, tmp_path / "pytorch_model.bin")
        with pytest.raises(
            CheckpointError, match=r"expected dense floats|PyTorch cannot read|runs? '|no file of tensors"
        ):
            load(tmp_path)


class TestDamagedFiles:
    @pytest.mark.parametrize("zipped", FORMS)
    @pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
    def test_file_cut_short(self, torch: Any, tmp_path: Path, zipped: bool, keep: float) -> None:
        path = tmp_path / "pytorch_model.bin"
        torch.save({"a": torch.randn(1000)}, path, _use_new_zipfile_serialization=zipped)
        content = path.read_bytes()
        path.write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
        with pytest.raises(CorruptCheckpointError):
            load(tmp_path)

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "checkpoint.lfs_pointer"),
            (b"<!DOCTYPE html><html>", "checkpoint.html"),
            (b"plain text", "checkpoint.pickle_invalid"),
        ],
    )
    def test_other_files_under_its_name(self, tmp_path: Path, content: bytes, code: str) -> None:
        (tmp_path / "pytorch_model.bin").write_bytes(content)
        with pytest.raises(CorruptCheckpointError) as caught:
            load(tmp_path)
        assert caught.value.code == code

    def test_compressed_records_are_refused(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", b"\0" * 10_000_000)
        with pytest.raises(UnsafeCheckpointError, match="is compressed") as caught:
            load(tmp_path)
        assert caught.value.code == "checkpoint.archive_bomb"

    def test_overlapping_records_are_refused(self, tmp_path: Path) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("archive/data.pkl", b"x" * 1000)
            for position in range(100):
                archive.filelist.append(archive.filelist[0])
                archive.filelist[-1].filename = "archive/data.pkl"
                archive.NameToInfo[f"{position}"] = archive.filelist[0]
        (tmp_path / "pytorch_model.bin").write_bytes(buffer.getvalue())
        with pytest.raises(UnsafeCheckpointError, match="unpack to more"):
            load(tmp_path)

    def test_escaping_records_are_refused(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "pytorch_model.bin", "w") as archive:
            archive.writestr("../data.pkl", b"x")
        with pytest.raises(UnsafeCheckpointError) as caught:
            load(tmp_path)
        assert caught.value.code == "checkpoint.path_escape"

    def test_announced_size_beyond_the_file_is_refused_before_it_is_allocated(self, torch: Any, tmp_path: Path) -> None:
        path = tmp_path / "pytorch_model.bin"
        torch.save({"a": torch.zeros(70_000)}, path, _use_new_zipfile_serialization=False)
        content = path.read_bytes()
        honest = b"J" + struct.pack("<i", 70_000)
        assert honest in content
        path.write_bytes(content.replace(honest, b"J" + struct.pack("<i", 2**31 - 1))[:400])
        with pytest.raises(CheckpointError):
            load(tmp_path)
        path.write_bytes(content.replace(honest, b"J" + struct.pack("<i", 2**31 - 1)))
        with pytest.raises(CorruptCheckpointError, match="said to hold 8589934588 bytes"):
            load(tmp_path)

    def test_every_flipped_byte_is_read_or_refused(self, torch: Any, tmp_path: Path) -> None:
        path = tmp_path / "pytorch_model.bin"
        for zipped in FORMS:
            torch.save({"a": torch.ones(2), "b": torch.ones(3)}, path, _use_new_zipfile_serialization=zipped)
            content = path.read_bytes()
            for position in range(0, len(content), 7):
                damaged = bytearray(content)
                damaged[position] ^= 0x55
                path.write_bytes(damaged)
                with contextlib.suppress(PellucidError):
                    load(tmp_path)


class TestPyTorchItself:
    def test_missing_pytorch_is_named_with_its_extra(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with zipfile.ZipFile(tmp_path / "pytorch_model.bin", "w") as archive:
            archive.writestr("archive/data.pkl", b"x")
        imported = builtins.__import__

        def without_torch(name: str, *arguments: Any, **keywords: Any) -> Any:
            if name == "torch":
                raise ImportError(name)
            return imported(name, *arguments, **keywords)

        monkeypatch.setattr(builtins, "__import__", without_torch)
        with pytest.raises(EngineNotInstalledError, match=r"pellucid\[torch\]"):
            load(tmp_path)

    @pytest.mark.parametrize("version", ["1.13.1", "2.5.1+cpu", "2.9.9"])
    def test_older_pytorch_is_refused(
        self, torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
    ) -> None:
        torch.save({"a": torch.ones(1)}, tmp_path / "pytorch_model.bin")
        monkeypatch.setattr(torch, "__version__", version)
        with pytest.raises(EngineNotInstalledError, match=r"2\.10 or newer"):
            load(tmp_path)
