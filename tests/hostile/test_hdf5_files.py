"""`tf_model.h5` made to mislead, or damaged: the answer is tensors or an error, and no other file is read."""

from __future__ import annotations

import contextlib
import random
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.checkpoints import hdf5_tree
from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.reading import read_tensors, tensor_headers
from pellucid.errors import CorruptCheckpointError, PellucidError, UnsafeCheckpointError
from support.keras_files import write_keras


@pytest.fixture
def h5py() -> Any:
    return pytest.importorskip("h5py")


def load(folder: Path) -> dict[str, Any]:
    return read_tensors(locate(folder))


def external_link(h5py: Any, group: Any, folder: Path) -> None:
    group["m/x/bias:0"] = h5py.ExternalLink(str(folder / "secret.h5"), "/secret")


def external_group(h5py: Any, group: Any, folder: Path) -> None:
    group["m"] = h5py.ExternalLink(str(folder / "secret.h5"), "/")


def soft_link(h5py: Any, group: Any, folder: Path) -> None:
    group.create_dataset("m/x/bias:0", data=np.ones(2))
    group["m/x/other:0"] = h5py.SoftLink("/x/m/x/bias:0")


def hard_link(h5py: Any, group: Any, folder: Path) -> None:
    group["m/x/other:0"] = group.create_dataset("m/x/bias:0", data=np.ones(2))


def loop(h5py: Any, group: Any, folder: Path) -> None:
    group["m/x/again"] = group


def external_storage(h5py: Any, group: Any, folder: Path) -> None:
    group.create_dataset("m/x/bias:0", (4,), "f4", external=[(str(folder / "secret.bin"), 0, 16)])


def virtual(h5py: Any, group: Any, folder: Path) -> None:
    layout = h5py.VirtualLayout((2,), "f8")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "secret", (2,))
    group.create_virtual_dataset("m/x/bias:0", layout)


def compressed(h5py: Any, group: Any, folder: Path) -> None:
    group.create_dataset("m/x/bias:0", data=np.zeros(1_000_000, np.float32), compression="gzip")


def unwritten(h5py: Any, group: Any, folder: Path) -> None:
    group.create_dataset("m/x/bias:0", (10**12,), "f4")


def unwritten_and_small(h5py: Any, group: Any, folder: Path) -> None:
    group.create_dataset("m/x/bias:0", (2,), "f4")


def chunked(h5py: Any, group: Any, folder: Path) -> None:
    group.create_dataset("m/x/bias:0", data=np.ones(4), chunks=(2,))


def dataset_of(dtype: Any) -> Callable[[Any, Any, Path], None]:
    def make(h5py: Any, group: Any, folder: Path) -> None:
        group.create_dataset("m/x/bias:0", (2,), dtype(h5py))

    return make


def written(array: Any, name: str = "bias") -> Callable[[Any, Any, Path], None]:
    def make(h5py: Any, group: Any, folder: Path) -> None:
        group.create_dataset(f"m/x/{name}:0", data=array)

    return make


def long_way(h5py: Any, group: Any, folder: Path) -> None:
    group.create_dataset("/".join(["m"] * 2000), data=np.ones(2))


def named_type(h5py: Any, group: Any, folder: Path) -> None:
    group["m/x/bias:0"] = np.dtype("f4")


HOSTILE: dict[str, tuple[Callable[[Any, Any, Path], None], type[PellucidError], str]] = {
    "external_link": (external_link, UnsafeCheckpointError, "hdf5_link"),
    "external_group": (external_group, UnsafeCheckpointError, "hdf5_link"),
    "soft_link": (soft_link, UnsafeCheckpointError, "hdf5_link"),
    "hard_link": (hard_link, UnsafeCheckpointError, "hdf5_link"),
    "loop": (loop, UnsafeCheckpointError, "hdf5_link"),
    "external_storage": (external_storage, UnsafeCheckpointError, "hdf5_link"),
    "virtual": (virtual, UnsafeCheckpointError, "hdf5_link"),
    "compressed": (compressed, UnsafeCheckpointError, "archive_bomb"),
    "unwritten": (unwritten, UnsafeCheckpointError, "archive_bomb"),
    "unwritten_and_small": (unwritten_and_small, CorruptCheckpointError, "truncated"),
    "chunked": (chunked, CorruptCheckpointError, "tensor_kind_unsupported"),
    "texts": (dataset_of(lambda h5py: h5py.string_dtype()), CorruptCheckpointError, "tensor_kind_unsupported"),
    "lists": (dataset_of(lambda h5py: h5py.vlen_dtype("f4")), CorruptCheckpointError, "tensor_kind_unsupported"),
    "references": (dataset_of(lambda h5py: h5py.ref_dtype), CorruptCheckpointError, "tensor_kind_unsupported"),
    "region_references": (
        dataset_of(lambda h5py: h5py.regionref_dtype),
        CorruptCheckpointError,
        "tensor_kind_unsupported",
    ),
    "compound": (written(np.ones(2, [("a", "f4"), ("b", "i4")])), CorruptCheckpointError, "tensor_kind_unsupported"),
    "complex": (written(np.ones(2, np.complex64)), CorruptCheckpointError, "tensor_kind_unsupported"),
    "opaque": (written(np.ones(2, "V4")), CorruptCheckpointError, "tensor_kind_unsupported"),
    "bool": (written(np.ones(2, bool)), CorruptCheckpointError, "tensor_kind_unsupported"),
    "bytes": (written(np.array([b"ab", b"c"])), CorruptCheckpointError, "tensor_kind_unsupported"),
    "convolution": (written(np.ones((1, 2, 3)), "kernel"), CorruptCheckpointError, "tensor_kind_unsupported"),
    "named_type": (named_type, CorruptCheckpointError, "tensor_kind_unsupported"),
    "long_way": (long_way, CorruptCheckpointError, "hdf5_invalid"),
}


class TestRefusedContent:
    @pytest.mark.parametrize("case", HOSTILE)
    def test_what_keras_never_writes_is_refused(self, h5py: Any, tmp_path: Path, case: str) -> None:
        make, error, code = HOSTILE[case]
        with h5py.File(tmp_path / "secret.h5", "w") as file:
            file["secret"] = np.full(2, 42.0)
        (tmp_path / "secret.bin").write_bytes(bytes(16))
        write_keras(h5py, tmp_path / "tf_model.h5", {"x": {}})
        with h5py.File(tmp_path / "tf_model.h5", "r+") as file:
            make(h5py, file["x"], tmp_path)
        for read in (read_tensors, tensor_headers):
            with pytest.raises(error, match=r"expected|Do not use this file|were written|none that Keras") as caught:
                read(locate(tmp_path))
            assert caught.value.code == f"checkpoint.{code}"
            assert "tf_model.h5" in str(caught.value)

    def test_null_dataset_is_refused(self, h5py: Any, tmp_path: Path) -> None:
        write_keras(h5py, tmp_path / "tf_model.h5", {"x": {}})
        with h5py.File(tmp_path / "tf_model.h5", "r+") as file:
            file["x"].create_dataset("m/x/bias:0", data=h5py.Empty("f4"))
        with pytest.raises(CorruptCheckpointError):
            load(tmp_path)

    def test_names_longer_than_the_file_are_refused(self, h5py: Any, tmp_path: Path) -> None:
        path = tmp_path / "tf_model.h5"
        write_keras(h5py, path, {f"{number}" * 100: {} for number in range(10)})
        with path.open("rb") as stream, h5py.File(stream, "r") as file:
            with pytest.raises(UnsafeCheckpointError, match="names in it take more than the 900 bytes") as caught:
                hdf5_tree.find_weights(file, stream, 900, path, h5py)
            assert caught.value.code == "checkpoint.archive_bomb"
            assert hdf5_tree.find_weights(file, stream, 2000, path, h5py) == []

    def test_free_places_in_a_circle_are_refused_before_they_take_all_memory(self, h5py: Any, tmp_path: Path) -> None:
        path = tmp_path / "tf_model.h5"
        write_keras(h5py, path, {"x": {"m/x/bias:0": np.ones(2, np.float32)}})
        content = path.read_bytes()
        heaps = [found.start() for found in re.finditer(b"HEAP", content)]
        assert len(heaps) == 5  # the root, its two layers, and the two groups down to the weight
        for heap in heaps:
            free, names = struct.unpack_from("<QQ", content, heap + 16)
            for following in (free, 1 << 40):
                circle = bytearray(content)
                struct.pack_into("<Q", circle, names + free, following)
                path.write_bytes(circle)
                with pytest.raises(CorruptCheckpointError, match="in a circle or out of them"):
                    load(tmp_path)

    def test_header_that_goes_on_in_itself_is_refused(self, h5py: Any, tmp_path: Path) -> None:
        path = tmp_path / "tf_model.h5"
        write_keras(h5py, path, {"x": {"m/x/bias:0": np.ones(2, np.float32)}})
        with h5py.File(path) as file:
            places = [h5py.h5o.get_info(file[name].id).addr for name in ("/", "x", "x/m/x/bias:0")]
        content = path.read_bytes()
        for place in places:
            circle = bytearray(content)
            struct.pack_into("<HHxxxxQQ", circle, place + 16, 0x10, 16, place + 16, 24)
            path.write_bytes(circle)
            with pytest.raises(CorruptCheckpointError, match="has more parts than"):
                load(tmp_path)

    @pytest.mark.parametrize("version", ["latest", "v108"])
    def test_newer_forms_are_refused(self, h5py: Any, tmp_path: Path, version: str) -> None:
        with h5py.File(tmp_path / "tf_model.h5", "w", libver=version) as file:
            file.attrs["layer_names"] = ["x"]
        with pytest.raises(CorruptCheckpointError, match="does not begin as h5py begins a file"):
            load(tmp_path)

    def test_newer_group_in_an_older_file_is_refused(self, h5py: Any, tmp_path: Path) -> None:
        write_keras(h5py, tmp_path / "tf_model.h5", {"x": {}})
        with h5py.File(tmp_path / "tf_model.h5", "r+", track_order=True) as file:
            file.create_group("y", track_order=True)
        with pytest.raises(CorruptCheckpointError, match="does not begin as h5py begins it"):
            load(tmp_path)

    def test_file_of_another_library_is_refused(self, h5py: Any, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "tf_model.h5", "w") as file:
            file["layers/dense/vars/0"] = np.ones(2)
        with pytest.raises(CorruptCheckpointError, match="no `layer_names`"):
            load(tmp_path)


class TestDamagedFiles:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "checkpoint.lfs_pointer"),
            (b"<!DOCTYPE html><html>", "checkpoint.html"),
            (b"plain text", "checkpoint.hdf5_invalid"),
            (b"", "checkpoint.hdf5_invalid"),
        ],
    )
    def test_other_files_under_its_name(self, tmp_path: Path, content: bytes, code: str) -> None:
        (tmp_path / "tf_model.h5").write_bytes(content)
        with pytest.raises(CorruptCheckpointError) as caught:
            load(tmp_path)
        assert caught.value.code == code

    def test_folder_under_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "tf_model.h5").mkdir()
        with pytest.raises(UnsafeCheckpointError) as caught:
            load(tmp_path)
        assert caught.value.code == "checkpoint.not_regular_file"

    @pytest.mark.parametrize("keep", [8, 100, 0.5, 0.99])
    def test_file_cut_short(self, h5py: Any, tmp_path: Path, keep: float) -> None:
        path = tmp_path / "tf_model.h5"
        write_keras(h5py, path, {"x": {"m/x/kernel:0": np.ones((30, 40), np.float32)}})
        content = path.read_bytes()
        path.write_bytes(content[: int(keep if keep >= 1 else keep * len(content))])
        with pytest.raises(CorruptCheckpointError, match="HDF5 cannot read it|may be cut short"):
            load(tmp_path)

    def test_every_damage_is_read_or_refused(self, h5py: Any, tmp_path: Path) -> None:
        path = tmp_path / "tf_model.h5"
        write_keras(h5py, path, {"x": {"m/x/kernel:0": np.ones((2, 3), np.float32)}})
        content = path.read_bytes()
        chance = random.Random(0)
        refused = 0
        for _ in range(600):
            damaged = bytearray(content)
            place = chance.randrange(len(content))
            damaged[place : place + 8] = chance.choice([b"\xff" * 8, bytes(8), bytes([chance.randrange(256)])])
            path.write_bytes(damaged)
            with contextlib.suppress(PellucidError):
                load(tmp_path)
                refused -= 1
            refused += 1
        assert refused > 50
