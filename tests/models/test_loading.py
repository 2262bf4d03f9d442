"""What is found in a checkpoint, what is new, what is refused; saved and loaded again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pellucid import (
    AutoModel,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    DistilBertForSequenceClassification,
    LoadingReport,
)
from pellucid.checkpoints.names import folded
from pellucid.engines import dtype_name
from pellucid.errors import (
    CheckpointMismatchError,
    CheckpointNotFoundError,
    ConfigError,
    InputError,
    InputTypeError,
    UnknownEngineError,
    UnsupportedConfigError,
    UnsupportedDtypeError,
)
from support.tiny import SIZES, SUFFIXES

IDS = [[2, 5, 6, 7, 3]]


@pytest.fixture
def folder(classifier: Path, tmp_path: Path) -> Path:
    """A copy of the classifier, to be damaged."""
    shutil.copytree(classifier, tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def change(folder: Path, **tensors: Any) -> None:
    """Replace tensors by name, dots as double underscores; None removes one."""
    stored = load_file(folder / "model.safetensors")
    for name, array in tensors.items():
        stored.pop(name.replace("__", "."), None)
        if array is not None:
            stored[name.replace("__", ".")] = array
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_complete_checkpoint_loads_without_a_word(classifier: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, report = BertForSequenceClassification.from_pretrained(classifier, output_loading_info=True)
    assert isinstance(report, LoadingReport)
    assert dict(report) == {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": [], "error_msgs": []}
    assert not caplog.text
    assert "Every weight" in str(report)
    assert model(IDS).logits.shape == (1, 2)


def test_the_head_of_a_classifier_is_unused_by_the_encoder(classifier: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, report = AutoModel.from_pretrained(classifier, output_loading_info=True)
    assert sorted(report.unused) == ["classifier.bias", "classifier.weight"]
    assert "were not used when initializing BertModel: ['classifier.bias', 'classifier.weight']" in caplog.text
    assert json.loads(report.to_json())["unused"] == ["classifier.bias", "classifier.weight"]


def test_a_missing_head_is_new_and_told_and_the_same_every_time(
    encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, report = AutoModelForSequenceClassification.from_pretrained(encoder, output_loading_info=True)
    assert report["missing_keys"] == ["classifier.weight", "classifier.bias"]
    assert "newly initialized: ['classifier.weight', 'classifier.bias']" in caplog.text
    assert "You should probably TRAIN this model" in caplog.text
    again = BertForSequenceClassification.from_pretrained(encoder)
    other = BertForSequenceClassification.from_pretrained(encoder, seed=1)
    np.testing.assert_array_equal(first(IDS).logits, again(IDS).logits)
    assert np.abs(first(IDS).logits - other(IDS).logits).max() > 0


def test_more_labels_than_the_checkpoint_has(classifier: Path) -> None:
    with pytest.raises(CheckpointMismatchError, match=r"classifier.weight: \(2, 24\) in the checkpoint, \(5, 24\)"):
        AutoModelForSequenceClassification.from_pretrained(classifier, num_labels=5)
    model, report = AutoModelForSequenceClassification.from_pretrained(
        classifier, num_labels=5, ignore_mismatched_sizes=True, output_loading_info=True
    )
    assert model(IDS).logits.shape == (1, 5)
    assert [name for name, _, _ in report["mismatched_keys"]] == ["classifier.weight", "classifier.bias"]
    assert "(2, 24) in the checkpoint, (5, 24) by the config" in report.words()


@pytest.mark.parametrize(
    "missing", ["bert__encoder__layer__1__output__dense__bias", "bert__embeddings__LayerNorm__weight"]
)
def test_a_missing_weight_of_the_encoder_is_refused(folder: Path, missing: str) -> None:
    change(folder, **{missing: None})
    with pytest.raises(CheckpointMismatchError, match="1 tensors are missing") as caught:
        BertForSequenceClassification.from_pretrained(folder)
    assert caught.value.missing == [missing.replace("__", ".")]


def test_all_that_does_not_fit_is_told_at_once(folder: Path) -> None:
    change(
        folder,
        bert__encoder__layer__0__output__dense__bias=None,
        bert__encoder__layer__1__output__dense__bias=None,
        bert__encoder__layer__2__output__dense__bias=np.zeros(7, np.float32),
        bert__pooler__dense__bias=np.zeros(24, np.int64),
        something__else=np.zeros(3, np.float32),
    )
    with pytest.raises(CheckpointMismatchError) as caught:
        BertForSequenceClassification.from_pretrained(folder)
    message = str(caught.value)
    assert "bert.encoder.layer.{0…1}.output.dense.bias" in message
    assert "bert.encoder.layer.2.output.dense.bias: (7,) in the checkpoint, (24,) by the config" in message
    assert "bert.pooler.dense.bias: int64" in message
    assert "something.else" in message


def test_a_tensor_under_two_names_is_refused(folder: Path) -> None:
    change(folder, bert__embeddings__LayerNorm__gamma=np.ones(24, np.float32))
    with pytest.raises(CheckpointMismatchError, match="one tensor under two names"):
        BertForSequenceClassification.from_pretrained(folder)


def test_truncated_weights_are_refused(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(OSError, match=r"model\.safetensors"):
        BertForSequenceClassification.from_pretrained(folder)


def test_a_folder_without_weights_or_config_names_what_is_missing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointNotFoundError, match=r"model\.safetensors"):
        AutoModel.from_pretrained(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointNotFoundError, match=r"config\.json"):
        AutoModel.from_pretrained(folder)


def test_a_class_of_another_family_is_refused(classifier: Path) -> None:
    with pytest.raises(ConfigError, match="DistilBertForSequenceClassification cannot load .* of the family 'bert'"):
        DistilBertForSequenceClassification.from_pretrained(classifier)
    with pytest.raises(ConfigError, match="needs a BertConfig, and was given a str"):
        BertModel("bert-base-cased")  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["from_pt", "from_tf"])
def test_where_weights_come_from_need_not_be_said_and_may_be(classifier: Path, word: str) -> None:
    assert AutoModelForSequenceClassification.from_pretrained(classifier, **{word: True})(IDS).logits.shape == (1, 2)


def test_arguments_that_are_not_known_are_refused(classifier: Path) -> None:
    with pytest.raises(InputTypeError, match="does not know the arguments hiden_size"):
        AutoModel.from_pretrained(classifier, hiden_size=3)
    with pytest.raises(
        UnknownEngineError, match="There is no engine 'onyx'. Engines: openvino, torch, tensorflow, numpy"
    ):
        AutoModel.from_pretrained(classifier, engine="onyx")
    with pytest.raises(
        UnsupportedDtypeError, match="does not compute in 'float16'. Precisions of the engines: openvino: float32, bfl"
    ):
        AutoModel.from_pretrained(classifier, dtype="float16", engine="numpy")
    with pytest.raises(ValueError, match="'numpy' computes on cpu, and not on 'cuda'. .* engine='torch'"):
        AutoModel.from_pretrained(classifier, device="cuda", engine="numpy")


def test_values_that_cannot_be_computed_are_refused_before_the_weights_are_read(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"never read")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_act": "gelo", "num_attention_heads": 7}))
    with pytest.raises(UnsupportedConfigError, match=r"cannot be divided.*'gelo'"):
        AutoModel.from_pretrained(folder)


@pytest.mark.parametrize("word", ["float32", "fp32", np.float32, np.dtype("float32"), "auto"])
def test_precisions_go_by_many_names(classifier: Path, word: Any) -> None:
    assert dtype_name(AutoModel.from_pretrained(classifier, dtype=word).dtype) == "float32"
    assert dtype_name(AutoModel.from_pretrained(classifier, torch_dtype=word).dtype) == "float32"


def test_random_weights_are_made_from_a_seed_as_the_reference_makes_them() -> None:
    config = BertConfig(**SIZES["bert"])
    weights = BertModel(config, engine="numpy").state_dict()
    again = BertForSequenceClassification(config, engine="numpy").state_dict()
    for name, array in weights.items():
        np.testing.assert_array_equal(array, again[f"bert.{name}"], err_msg="two classes agree on what they share")
    words = weights["embeddings.word_embeddings.weight"]
    assert (words[0] == 0).all(), "padding has no vector"
    assert abs(words[1:].std() - 0.02) < 0.001
    assert (weights["embeddings.LayerNorm.weight"] == 1).all()
    assert (weights["encoder.layer.0.output.dense.bias"] == 0).all()
    other = BertModel(config, seed=1, engine="numpy").state_dict()
    assert np.abs(other["pooler.dense.weight"] - weights["pooler.dense.weight"]).max() > 0


def test_a_saved_model_gives_the_same_bytes_and_the_same_numbers(classifier: Path, tmp_path: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier)
    assert model.save_pretrained(tmp_path / "saved") is None
    for name in ("model.safetensors", "config.json"):
        assert (tmp_path / "saved" / name).read_bytes() == (classifier / name).read_bytes()
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved")
    np.testing.assert_allclose(model(IDS).logits, again(IDS).logits, rtol=1e-6)


def test_a_model_can_be_saved_over_the_files_that_it_has_mapped(folder: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    before = (folder / "model.safetensors").read_bytes()
    model.save_pretrained(folder)
    assert (folder / "model.safetensors").read_bytes() == before
    assert model(IDS).logits.shape == (1, 2)


def test_shards_are_written_and_read(classifier: Path, tmp_path: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier)
    model.save_pretrained(tmp_path, max_shard_size=20_000)
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    # Not to the last bit: products take other ways through memory that is aligned in another way.
    np.testing.assert_allclose(model(IDS).logits, again(IDS).logits, rtol=1e-6)


def test_pickles_are_not_written(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="runs code when it is read"):
        AutoModel.from_pretrained(classifier).save_pretrained(tmp_path, safe_serialization=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.reference
# Of the reference's own DeBERTa.
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize(("family", "suffix"), [(family, suffix) for family in SIZES for suffix in SUFFIXES[family]])
def test_what_the_reference_saves_is_saved_again_to_the_byte_and_the_other_way_round(
    tmp_path: Path, family: str, suffix: str
) -> None:
    transformers = pytest.importorskip("transformers")
    from safetensors.numpy import load_file, save_file

    import pellucid
    from support.tiny import reference_model

    reference = reference_model(family, suffix)
    reference.save_pretrained(tmp_path / "theirs")
    name = type(reference).__name__
    ours = getattr(pellucid, name).from_pretrained(tmp_path / "theirs")
    ours.save_pretrained(tmp_path / "ours")
    if family == "esm":
        # Its reference also stores the speeds of rotary positions, which it computes anew where they are missing.
        stored = load_file(tmp_path / "theirs" / "model.safetensors")
        kept = {key: array for key, array in stored.items() if not key.endswith("inv_freq")}
        assert len(stored) - len(kept) == reference.config.num_hidden_layers
        save_file(kept, tmp_path / "theirs" / "model.safetensors", metadata={"format": "pt"})
    for file in ("model.safetensors", "config.json"):
        assert (tmp_path / "ours" / file).read_bytes() == (tmp_path / "theirs" / file).read_bytes(), file
    reread, info = getattr(transformers, name).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(key for told in info.values() for key in told if not key.endswith("inv_freq"))
    for parameter, array in reread.named_parameters():
        np.testing.assert_array_equal(array.detach().numpy(), ours.state_dict()[parameter])
    assert reread.num_parameters() == ours.num_parameters()


@pytest.mark.reference
def test_pytorch_files_load_when_pytorch_is_there(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from support.tiny import reference_model

    reference = reference_model("bert", "ForSequenceClassification")
    reference.config.save_pretrained(tmp_path)
    torch.save(reference.state_dict(), tmp_path / "pytorch_model.bin")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    with torch.no_grad():
        expected = reference(torch.tensor(IDS)).logits.numpy()
    np.testing.assert_allclose(model(IDS).logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.reference
def test_a_pretraining_checkpoint_loses_its_heads_as_in_the_reference(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from support.tiny import reference_model

    reference_model("bert", "ForPreTraining").save_pretrained(tmp_path)
    _, ours = AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    _, theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert set(ours["missing_keys"]) == set(theirs["missing_keys"])
    assert set(ours["unexpected_keys"]) == set(theirs["unexpected_keys"])


def test_names_that_differ_by_their_layer_are_folded() -> None:
    names = [f"encoder.layer.{n}.output.dense.bias" for n in (0, 1, 2, 4)]
    assert folded([*names, "pooler.dense.bias", "encoder.layer.3.x"]) == [
        "encoder.layer.{0…2, 4}.output.dense.bias",
        "pooler.dense.bias",
        "encoder.layer.3.x",
    ]
