"""Numbers that `transformers` 5 gave (`tools/make_golden.py`), on every engine: of families that only it has.

ESM is here too, for what 4.57 does otherwise: masks in a padded batch, and another base of the angles.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from parity.conftest import Note
from pellucid import AutoConfig
from pellucid.engines import ENGINES, installed
from pellucid.errors import UnsupportedConfigError
from support import golden

PREFIXES = {"nomic_bert": "NomicBert", "gte": "Gte", "esm": "Esm"}
FILES = tuple(PREFIXES)
SUFFIXES = ("Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification")
ENGINE_DTYPES = [(engine, dtype) for engine in installed() for dtype in ENGINES[engine].dtypes if "float" in dtype[:5]]

OWN_CODE = {
    "nomic_bert": {
        "model_type": "nomic_bert",
        "vocab_size": 32,
        "n_embd": 16,
        "n_head": 2,
        "n_inner": 24,
        "n_layer": 2,
        "n_positions": 32,
        "max_position_embeddings": 8,
        "type_vocab_size": 2,
        "layer_norm_epsilon": 1e-3,
        "activation_function": "swiglu",
        "rotary_emb_base": 1000,
        "rotary_emb_fraction": 1.0,
        "rotary_scaling_factor": None,
        "qkv_proj_bias": False,
        "mlp_fc2_bias": False,
        "resid_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
    },
    "gte": {
        "model_type": "new",
        "vocab_size": 32,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "max_position_embeddings": 32,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-3,
        "rope_theta": 500000,
        "rope_scaling": {"factor": 2.0, "type": "ntk"},
        "pack_qkv": True,
        "unpad_inputs": "true",
    },
}
"""The same configs as the checkpoints' own code writes them."""


def assert_golden(folder: Path, held: dict[str, Any], class_name: str, engine: str, dtype: str = "float32") -> float:
    """Compare the outputs at real tokens; the largest difference, as a part of what is allowed."""
    model, report = getattr(pellucid, class_name).from_pretrained(
        folder, engine=engine, dtype=dtype, output_loading_info=True
    )
    assert not report.unused
    assert not report.missing
    mask = np.array(golden.MASK)
    types = {"token_type_ids": np.array(golden.TYPES)} if "token_type_ids" in model.family.inputs else {}
    given = model(np.array(golden.IDS), mask, **types)[held["output"]]
    ours = np.asarray(given[mask.astype(bool)] if given.shape[:2] == mask.shape else given)
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype in ("float32", "float64") else {"rtol": 0.1, "atol": 0.15}
    theirs = np.array(held["values"])
    np.testing.assert_allclose(ours, theirs, **tolerance)
    return float((np.abs(ours - theirs) / (tolerance["atol"] + tolerance["rtol"] * np.abs(theirs))).max())


@pytest.mark.parametrize(("engine", "dtype"), ENGINE_DTYPES)
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("family", FILES)
def test_the_numbers_are_those_of_transformers_5(
    tmp_path: Path, family: str, suffix: str, engine: str, dtype: str, note: Note
) -> None:
    file = golden.read(family)
    held = file["classes"][suffix]
    golden.write_checkpoint(tmp_path, file["config"], held["tensors"])
    difference = assert_golden(tmp_path, held, PREFIXES[family] + suffix, engine, dtype)
    if dtype == "float32":
        note(family, suffix, engine, difference)


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("family", OWN_CODE)
def test_so_are_those_of_checkpoints_as_their_own_code_writes_them(
    tmp_path: Path, family: str, suffix: str, engine: str, note: Note
) -> None:
    """Other words in the config, the angles of "new" among them, and another prefix of the names."""
    held = golden.read(family)["classes"][suffix]
    golden.write_checkpoint(tmp_path, OWN_CODE[family], held["tensors"])
    with_prefix, own, prefix = {
        "nomic_bert": ("nomic_bert.", "bert.", "NomicBert"),
        "gte": ("gte.", "new.", "New"),
    }[family]
    rename(tmp_path, with_prefix, own)
    note("new" if family == "gte" else family, suffix, engine, assert_golden(tmp_path, held, prefix + suffix, engine))


def rename(folder: Path, old: str, new: str) -> None:
    from safetensors.numpy import load_file, save_file

    stored = load_file(folder / "model.safetensors")
    named = {new + name.removeprefix(old) if name.startswith(old) else name: one for name, one in stored.items()}
    save_file(named, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("engine", installed())
def test_the_words_of_nomics_own_code_have_no_biases(tmp_path: Path, engine: str) -> None:
    """Its config says so, and a bias of 0 gives the same numbers."""
    from safetensors.numpy import load_file, save_file

    held = golden.read("nomic_bert")["classes"]["ForMaskedLM"]
    biases = ("cls.predictions.bias", "cls.predictions.transform.dense.bias")
    logits = []
    for values in ({}, {"mlp_fc1_bias": False}):
        golden.write_checkpoint(tmp_path, {**OWN_CODE["nomic_bert"], **values}, held["tensors"])
        stored = load_file(tmp_path / "model.safetensors")
        for name in biases:
            stored[name][:] = 0
        kept = {name: one for name, one in stored.items() if not values or name not in biases}
        save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
        model, report = pellucid.NomicBertForMaskedLM.from_pretrained(tmp_path, engine=engine, output_loading_info=True)
        assert not report.missing
        logits.append(model(np.array(golden.IDS), np.array(golden.MASK)).logits)
    np.testing.assert_allclose(logits[0], logits[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", OWN_CODE)
def test_what_is_saved_has_the_same_names_and_numbers(tmp_path: Path, family: str) -> None:
    file = golden.read(family)
    held = file["classes"]["ForSequenceClassification"]
    golden.write_checkpoint(tmp_path / "theirs", file["config"], held["tensors"])
    class_name = PREFIXES[family] + "ForSequenceClassification"
    getattr(pellucid, class_name).from_pretrained(tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    theirs, ours = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("theirs", "ours"))
    assert theirs == ours
    written = json.loads((tmp_path / "ours" / "config.json").read_text(encoding="utf-8"))
    assert {key: written[key] for key in written if "rope" in key} == {
        key: value for key, value in file["config"].items() if "rope" in key
    }
    assert_golden(tmp_path / "ours", held, class_name, "numpy")


@pytest.mark.parametrize("family", OWN_CODE)
def test_a_type_vocabulary_of_none_is_no_table(tmp_path: Path, family: str) -> None:
    file = golden.read(family)
    tensors = {name: shape for name, shape in file["classes"]["Model"]["tensors"].items() if "token_type" not in name}
    golden.write_checkpoint(tmp_path, {**file["config"], "type_vocab_size": 0}, tensors)
    model, report = pellucid.AutoModel.from_pretrained(tmp_path, engine="numpy", output_loading_info=True)
    assert not report.missing
    assert model(np.array(golden.IDS)).last_hidden_state.shape == (3, 7, 16)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"model_type": "nomic_bert", "activation_function": "gelu"}, "`activation_function` is 'gelu'"),
        ({"model_type": "nomic_bert", "qkv_proj_bias": True}, "`qkv_proj_bias` is True"),
        ({"model_type": "nomic_bert", "rotary_scaling_factor": 2}, "`rotary_scaling_factor` is 2"),
        ({"model_type": "nomic_bert", "moe_every_n_layers": 2}, "`moe_every_n_layers` is 2"),
        ({"model_type": "nomic_bert", "head_dim": 32}, "`head_dim` is 32"),
        ({"model_type": "nomic_bert", "rotary_emb_base": 0}, "the base of the rotary angles is 0"),
        ({"model_type": "nomic_bert", "rope_parameters": {"rope_type": "yarn"}}, "is 'yarn'"),
        ({"model_type": "nomic_bert", "rope_parameters": {"partial_rotary_factor": 0.5}}, "has partial_rotary_factor"),
        ({"model_type": "nomic_bert", "rope_parameters": 7}, "`rope_parameters` is 7"),
        ({"model_type": "gte", "rope_parameters": {"rope_type": "linear", "factor": 0}}, "the factor of their scaling"),
        ({"model_type": "gte", "hidden_size": 9, "num_attention_heads": 3}, "heads of 3 numbers"),
        ({"model_type": "new", "rope_scaling": {"type": "dynamic", "factor": 2.0}}, "`rope_scaling` is"),
        ({"model_type": "new", "rope_scaling": {"type": "ntk", "factor": 2.0, "mixed_b": 0.6}}, "`rope_scaling` is"),
        ({"model_type": "new", "rope_scaling": "ntk"}, "`rope_scaling` is 'ntk'"),
        ({"model_type": "new", "pack_qkv": False}, "`pack_qkv` is False"),
        ({"model_type": "new", "num_attention_heads": 0}, "`num_attention_heads` is 0"),
    ],
    ids=str,
)
def test_what_is_not_computed_is_refused(tmp_path: Path, values: dict[str, Any], told: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UnsupportedConfigError) as refusal:
        AutoConfig.from_pretrained(tmp_path).check()
    assert told in str(refusal.value)
