"""`tf_model.h5`, in the form that the TensorFlow models of `transformers` 4 were saved in."""

from __future__ import annotations

import builtins
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import pellucid
from pellucid import inspect_checkpoint
from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.reading import read_tensors, tensor_headers
from pellucid.checkpoints.tensorflow_names import hub_name_of
from pellucid.engines import ENGINES
from pellucid.errors import (
    CheckpointNotFoundError,
    CorruptCheckpointError,
    EngineNotInstalledError,
    UnsafeCheckpointError,
)
from support.keras_files import SCOPE, copy_as, layers_of, with_random_weights, write_keras, write_shard
from support.tiny import CLASS_PREFIX

IDS = [[2, 7, 9, 3], [2, 8, 3, 5]]
# Which came after the TensorFlow models of `transformers`.
NEWER = ("gte", "modernbert", "new", "nomic_bert")

MODELS = [
    (family, suffix)
    for family in CLASS_PREFIX
    for suffix in ("Model", "ForSequenceClassification")
    if family not in NEWER
]


@pytest.fixture
def h5py() -> Any:
    return pytest.importorskip("h5py")


def load(folder: Path) -> dict[str, Any]:
    return read_tensors(locate(folder))


@pytest.fixture(params=MODELS, ids=lambda model: "-".join(model))
def pair(request: pytest.FixtureRequest, tmp_path: Path, h5py: Any) -> tuple[str, Path, Path]:
    """The name of a class; its checkpoint as safetensors, and the same as HDF5."""
    family, suffix = request.param
    with_random_weights(tmp_path / "safe", family, suffix)
    weights = copy_as(tmp_path / "safe", tmp_path / "keras", family)
    write_keras(h5py, tmp_path / "keras" / "tf_model.h5", layers_of(weights))
    return CLASS_PREFIX[family] + suffix, tmp_path / "safe", tmp_path / "keras"


class TestModels:
    def test_numbers_are_those_of_the_safetensors_checkpoint(self, pair: tuple[str, Path, Path]) -> None:
        name, safe, keras = pair
        classes: dict[str, dict[str, str]] = {name: {"engine": "numpy"}}
        if importlib.util.find_spec("tensorflow"):
            classes[f"TF{name}"] = {}
        for model_class, arguments in classes.items():
            made = getattr(pellucid, model_class)
            model, report = made.from_pretrained(keras, output_loading_info=True, **arguments)
            assert not report["missing_keys"]
            assert not report["unexpected_keys"]
            expected = made.from_pretrained(safe, **arguments)(np.array(IDS))
            for key, value in model(np.array(IDS)).items():
                np.testing.assert_array_equal(np.asarray(value), np.asarray(expected[key]), err_msg=key)

    @pytest.mark.parametrize("engine", list(ENGINES))
    def test_every_engine_runs_them(self, h5py: Any, tmp_path: Path, engine: str) -> None:
        pytest.importorskip(engine)
        with_random_weights(tmp_path / "safe", "bert", "ForSequenceClassification")
        weights = copy_as(tmp_path / "safe", tmp_path / "keras", "bert")
        write_keras(h5py, tmp_path / "keras" / "tf_model.h5", layers_of(weights))
        logits = [
            np.asarray(
                pellucid.AutoModelForSequenceClassification.from_pretrained(folder, engine=engine)(np.array(IDS)).logits
            )
            for folder in (tmp_path / "safe", tmp_path / "keras")
        ]
        np.testing.assert_array_equal(*logits)

    def test_inspection_reads_the_same_from_the_headers(self, pair: tuple[str, Path, Path]) -> None:
        _, safe, keras = pair
        ours, theirs = inspect_checkpoint(keras), inspect_checkpoint(safe)
        assert (ours.parameters, ours.size, ours.dtypes) == (theirs.parameters, theirs.size, theirs.dtypes)
        read = load(keras)
        headers = tensor_headers(locate(keras))
        assert {key: (header.dtype, header.shape) for key, header in headers.items()} == {
            key: (tensor.dtype, tensor.shape) for key, tensor in read.items()
        }

    def test_a_part_of_the_weights_is_a_header_and_its_place(self, h5py: Any, tmp_path: Path) -> None:
        array = np.arange(6, dtype=np.float32).reshape(2, 3)
        path = tmp_path / "tf_model.h5"
        write_keras(h5py, path, {"dense": {"m/dense/kernel:0": array}})
        header: Any = tensor_headers(locate(tmp_path))["dense.weight"]
        assert header.shape == (3, 2)
        assert path.read_bytes()[header.begin : header.end] == array.tobytes()


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("tf_bert_model/bert/embeddings/word_embeddings/weight:0", "bert.embeddings.word_embeddings.weight"),
            ("m_2/bert/embeddings/position_embeddings/embeddings:0", "bert.embeddings.position_embeddings.weight"),
            ("m/bert/encoder/layer_._11/output/LayerNorm/gamma:0", "bert.encoder.layer.11.output.LayerNorm.weight"),
            ("m/bert/encoder/layer_._0/output/LayerNorm/beta:0", "bert.encoder.layer.0.output.LayerNorm.bias"),
            ("m/distilbert/transformer/layer_._3/ffn/lin1/kernel:0", "distilbert.transformer.layer.3.ffn.lin1.weight"),
            ("m/nsp___cls/seq_relationship/kernel:0", "cls.seq_relationship.weight"),
            ("m/mlm___cls/predictions/bias:0", "cls.predictions.bias"),
            ("m/classifier/bias:0", "classifier.bias"),
            ("logit_scale:0", "logit_scale"),
        ],
    )
    def test_are_those_of_the_hub(self, name: str, expected: str) -> None:
        assert hub_name_of(name, scoped=True) == expected
        assert hub_name_of(name.partition("/")[2] or name, scoped=False) == expected


class TestFiles:
    def test_lists_of_names_may_be_of_fixed_length_and_split(self, h5py: Any, tmp_path: Path) -> None:
        weights = {"dense": {"m/dense/bias:0": np.arange(3, dtype=np.float32)}}
        write_keras(h5py, tmp_path / "tf_model.h5", weights, names=lambda names: [name.encode() for name in names])
        assert list(load(tmp_path)) == ["dense.bias"]
        with h5py.File(tmp_path / "tf_model.h5", "r+") as file:
            for holder, name in ((file, "layer_names"), (file["dense"], "weight_names")):
                holder.attrs[f"{name}0"] = holder.attrs[name]
                del holder.attrs[name]
        assert list(load(tmp_path)) == ["dense.bias"]

    @pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f2", "<f8", "<i8", ">i4", "i1"])
    def test_numbers_of_each_type_are_read_unchanged(self, h5py: Any, tmp_path: Path, dtype: str) -> None:
        array = np.arange(6).reshape(2, 3).astype(dtype)
        write_keras(h5py, tmp_path / "tf_model.h5", {"x": {"m/x/weight:0": array, "m/x/kernel:0": array * 2}})
        with pytest.raises(CorruptCheckpointError, match="'x.weight' is given twice"):
            load(tmp_path)
        write_keras(h5py, tmp_path / "tf_model.h5", {"x": {"m/x/bias:0": array, "m/x/kernel:0": array * 2}})
        read = load(tmp_path)
        wanted = np.dtype(dtype).newbyteorder("=")
        assert read["x.bias"].dtype == read["x.weight"].dtype == wanted.name
        np.testing.assert_array_equal(read["x.bias"].array(wanted), array)
        np.testing.assert_array_equal(read["x.weight"].array(wanted), array.T * 2)
        assert bytes(read["x.weight"].raw()) == np.ascontiguousarray(array.T * 2).astype(wanted).tobytes()

    def test_single_numbers_and_empty_tensors(self, h5py: Any, tmp_path: Path) -> None:
        weights = {"m/x/scale:0": np.float32(2.5), "m/x/bias:0": np.zeros((0, 3), np.float32)}
        write_keras(h5py, tmp_path / "tf_model.h5", {"x": weights})
        read = load(tmp_path)
        assert read["x.scale"].array(np.float32) == 2.5
        assert (read["x.scale"].shape, read["x.bias"].shape) == ((), (0, 3))

    def test_copies_of_a_shared_weight_must_agree(self, h5py: Any, tmp_path: Path) -> None:
        shared = {"m/bert/word_embeddings/weight:0": np.ones((2, 3), np.float32)}
        layers = {"bert": shared, "mlm___cls": {"m/mlm___cls/predictions/bias:0": np.ones(2, np.float32), **shared}}
        write_keras(h5py, tmp_path / "tf_model.h5", layers)
        assert sorted(load(tmp_path)) == ["bert.word_embeddings.weight", "cls.predictions.bias"]
        for other in (np.zeros((2, 3), np.float32), np.ones((3, 2), np.float32)):
            layers["bert"] = {"m/bert/word_embeddings/weight:0": other}
            write_keras(h5py, tmp_path / "tf_model.h5", layers)
            with pytest.raises(CorruptCheckpointError, match="is given twice, with other numbers") as caught:
                load(tmp_path)
            assert caught.value.code == "checkpoint.duplicate_key"

    def test_comes_last(self, h5py: Any, tmp_path: Path) -> None:
        write_keras(h5py, tmp_path / "tf_model.h5", {"x": {"m/x/bias:0": np.ones(1, np.float32)}})
        save_file({"a": np.ones(2, np.float32)}, tmp_path / "model.safetensors")
        assert list(load(tmp_path)) == ["a"]
        assert list(read_tensors(locate(tmp_path), use_safetensors=False)) == ["x.bias"]
        (tmp_path / "model.safetensors").unlink()
        assert list(load(tmp_path)) == ["x.bias"]

    def test_arguments_that_leave_it_alone_are_named(self, h5py: Any, tmp_path: Path) -> None:
        write_keras(h5py, tmp_path / "tf_model.h5", {"x": {"m/x/bias:0": np.ones(1, np.float32)}})
        with pytest.raises(CheckpointNotFoundError, match=r"tf_model\.h5, which use_safetensors=True leaves alone"):
            read_tensors(locate(tmp_path), use_safetensors=True)
        with pytest.raises(CheckpointNotFoundError, match=r"tf_model\.h5 without a variant"):
            read_tensors(locate(tmp_path), variant="fp16")


class TestShards:
    @pytest.fixture
    def folder(self, h5py: Any, tmp_path: Path) -> Path:
        with_random_weights(tmp_path / "safe", "bert", "ForSequenceClassification")
        folder = tmp_path / "keras"
        weights = copy_as(tmp_path / "safe", folder, "bert")
        names = list(weights)
        weight_map = {}
        for number, part in enumerate((names[:20], names[20:]), 1):
            shard = f"tf_model-0000{number}-of-00002.h5"
            write_shard(h5py, folder / shard, {name: weights[name] for name in part})
            weight_map |= {f"{SCOPE}/{name}": shard for name in part}
        (folder / "tf_model.h5.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
        return folder

    def test_are_read_together(self, folder: Path) -> None:
        read, expected = load(folder), load(folder.parent / "safe")
        assert sorted(read) == sorted(expected)
        for name, tensor in expected.items():
            np.testing.assert_array_equal(read[name].array(np.float32), tensor.array(np.float32), err_msg=name)
        assert set(tensor_headers(locate(folder))) == set(expected)

    def test_missing_shard_is_named(self, folder: Path) -> None:
        (folder / "tf_model-00002-of-00002.h5").unlink()
        with pytest.raises(CheckpointNotFoundError, match=r"tf_model-00002-of-00002\.h5"):
            load(folder)

    def test_index_may_not_lead_to_another_format(self, folder: Path) -> None:
        index = folder / "tf_model.h5.index.json"
        index.write_text(index.read_text().replace("-00002-of-00002.h5", "-00002-of-00002.bin"))
        with pytest.raises(UnsafeCheckpointError, match=r"ends in \.h5"):
            load(folder)


class TestH5pyItself:
    def test_missing_h5py_is_named_with_its_extra(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "tf_model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
        imported = builtins.__import__

        def without_h5py(name: str, *arguments: Any, **keywords: Any) -> Any:
            if name == "h5py":
                raise ImportError(name)
            return imported(name, *arguments, **keywords)

        monkeypatch.setattr(builtins, "__import__", without_h5py)
        with pytest.raises(EngineNotInstalledError, match=r"pellucid\[hdf5\]"):
            load(tmp_path)


@pytest.mark.parametrize("has_pytorch", [True, False])
def test_where_pytorch_is_missing_its_pickles_are_looked_for_last(
    tmp_path: Path, has_pytorch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("config.json", "pytorch_model.bin", "tf_model.h5"):
        (tmp_path / name).write_bytes(b"{}")
    monkeypatch.setattr("pellucid.checkpoints.reading.find_spec", lambda name: has_pytorch or None)
    monkeypatch.setattr("pellucid.checkpoints.pickled.read_pickled", lambda path: {"by": path.name})
    monkeypatch.setattr("pellucid.checkpoints.hdf5.read_hdf5", lambda path: {"by": path.name})
    expected = "pytorch_model.bin" if has_pytorch else "tf_model.h5"
    assert read_tensors(locate(tmp_path)) == {"by": expected}
