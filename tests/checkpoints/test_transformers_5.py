"""Checkpoints of `transformers` 5: other keys in config.json, fewer files of the tokenizer, one name more for a bias.

What 5.24 writes is kept in support/transformers_5.json; it is put beside weights and tokenizers that are made here.
Each of these checkpoints was also laid beside the numbers of 5.24 itself when that file was made.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import pellucid
from pellucid import AutoModelForMaskedLM, AutoTokenizer, ModernBertConfig, pipeline
from pellucid.architectures import FAMILIES
from pellucid.checkpoints.names import NameTable
from pellucid.errors import UnsupportedConfigError
from support.family_tokenizers import COUNTED_FROM_PADDING, TOKENIZER_CLASSES, write_family_tokenizer
from support.tiny import CLASS_PREFIX, SIZES, reference_model

FIVE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "support" / "transformers_5.json").read_text(encoding="utf-8")
)

# Each head, and how many labels it has beside the usual two.
HEADS = {
    "ForQuestionAnswering": {},
    "ForTokenClassification": {"num_labels": 3},
    "ForMaskedLM": {},
    "ForSequenceClassification": {"num_labels": 3},
}

QUESTION, CONTEXT = "who jumps over the dog?", "The quick brown fox jumps over the lazy dog, naïve café. " * 6


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def write_in_both_forms(folder: Path, family: str, suffix: str) -> tuple[Path, Path]:
    """One checkpoint as `transformers` 4.57 has it, and as 5.24 saves it."""
    four, five = folder / "four", folder / "five"
    prefix, labels = CLASS_PREFIX[family], HEADS[suffix]
    known = write_family_tokenizer(four, family)
    config = getattr(pellucid, f"{prefix}Config")(**{**SIZES[family], **known, **labels, "initializer_range": 0.5})
    getattr(pellucid, prefix + suffix)(config).save_pretrained(four)
    tokenizer = AutoTokenizer.from_pretrained(four)
    five.mkdir()
    (five / "model.safetensors").write_bytes((four / "model.safetensors").read_bytes())
    (five / "tokenizer.json").write_text(tokenizer.backend_tokenizer.to_str(), encoding="utf-8")
    names = {str(n): f"LABEL_{n}" for n in range(labels.get("num_labels", 2))} if labels else None
    told = {} if names is None else {"id2label": names, "label2id": {name: int(n) for n, name in names.items()}}
    changes = {"architectures": [prefix + suffix], "vocab_size": known["vocab_size"], "initializer_range": 0.5, **told}
    write_json(five / "config.json", {**FIVE[family]["config"], **changes})
    write_json(five / "tokenizer_config.json", FIVE[family]["tokenizer_config"])
    return four, five


def test_every_family_is_here() -> None:
    # The others are in parity/test_golden.py; they have no head that answers questions.
    assert set(FIVE) == set(FAMILIES) - {"esm", "gte", "new", "nomic_bert"} == set(TOKENIZER_CLASSES)


@pytest.mark.parametrize("suffix", HEADS)
@pytest.mark.parametrize("family", FIVE)
def test_both_forms_are_one_model(tmp_path: Path, family: str, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    folders = write_in_both_forms(tmp_path, family, suffix)
    auto = getattr(pellucid, f"AutoModel{suffix}")
    with caplog.at_level(logging.WARNING):
        (four, _), (five, report) = (
            auto.from_pretrained(one, engine="numpy", output_loading_info=True) for one in folders
        )
        tokenizers = [AutoTokenizer.from_pretrained(one) for one in folders]
    assert not caplog.text
    assert not report.missing
    assert not report.unused
    assert not five.config.unread
    # Besides ids that no model reads, and the number type of a zero.
    ours, theirs = five.config.to_dict(), four.config.to_dict()
    beside = {"bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id", "dtype", "_name_or_path"}
    assert {key for key in theirs if ours[key] != theirs[key]} <= beside | {"reference_compile"}
    inputs = [one("hello world", "naïve café", return_tensors="np") for one in tokenizers]
    for name, value in four(**inputs[0]).items():
        np.testing.assert_array_equal(five(**inputs[1])[name], value)


@pytest.mark.parametrize("family", FIVE)
def test_questions_are_answered_from_end_to_end(tmp_path: Path, family: str) -> None:
    folders = write_in_both_forms(tmp_path, family, "ForQuestionAnswering")
    # Their longest text is shorter there.
    length = 34 if family in COUNTED_FROM_PADDING else 40
    four, five = (
        pipeline("question-answering", str(one), engine="numpy")(
            question=QUESTION, context=CONTEXT, top_k=3, max_seq_len=length
        )
        for one in folders
    )
    assert four == five
    # Random weights may be sure of a single answer, which is no list.
    for answer in five if isinstance(five, list) else [five]:
        assert CONTEXT[answer["start"] : answer["end"]] == answer["answer"]
        assert answer["score"] > 0
    assert pipeline(model=str(folders[1])).task == "question-answering"


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", ["bert", "deberta-v2", "modernbert", "roberta"])
def test_the_numbers_are_those_of_the_reference(tmp_path: Path, family: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    known = write_family_tokenizer(tmp_path, family)
    reference = reference_model(family, "ForQuestionAnswering", **known)
    reference.save_pretrained(tmp_path)
    changes = {"architectures": [type(reference).__name__], "vocab_size": known["vocab_size"]}
    write_json(tmp_path / "config.json", {**FIVE[family]["config"], **changes})
    ids = AutoTokenizer.from_pretrained(tmp_path)("hello world, naïve café", return_tensors="np")
    with torch.no_grad():
        expected = reference(**{name: torch.tensor(value) for name, value in ids.items()}).start_logits.numpy()
    given = pellucid.AutoModelForQuestionAnswering.from_pretrained(tmp_path, engine="numpy")(**ids).start_logits
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-5)


# --- ModernBERT: the kinds of layers, and their angles ---------------------------------------------------------------

FULL, SLIDING = "full_attention", "sliding_attention"


def angles(everywhere: float, nearby: float) -> dict[str, Any]:
    parts = {FULL: everywhere, SLIDING: nearby}
    return {kind: {"rope_theta": theta, "rope_type": "default"} for kind, theta in parts.items()}


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"layer_types": [FULL, SLIDING, FULL, SLIDING]}, {"global_attn_every_n_layers": 2}),
        ({"layer_types": [FULL, SLIDING, SLIDING, FULL]}, {"global_attn_every_n_layers": 3}),
        ({"layer_types": [FULL] * 4}, {"global_attn_every_n_layers": 1}),
        ({"rope_parameters": angles(500.0, 50.0)}, {"global_rope_theta": 500.0, "local_rope_theta": 50.0}),
        ({"rope_parameters": {FULL: {"rope_theta": 7.0}, SLIDING: None}}, {"global_rope_theta": 7.0}),
        ({"layer_types": None, "rope_parameters": None}, {}),
    ],
    ids=str,
)
def test_newer_keys_of_modernbert_become_older_ones(newer: dict[str, Any], older: dict[str, Any]) -> None:
    sizes = SIZES["modernbert"]
    config = ModernBertConfig(**sizes, **newer)
    config.check()
    assert config == ModernBertConfig(**sizes, **older)
    assert not config.unread
    assert not {"layer_types", "rope_parameters"} & set(config.to_dict())


@pytest.mark.parametrize(
    ("newer", "message"),
    [
        ({"layer_types": ["round", FULL, FULL, FULL]}, "must be a list of 'full_attention' and 'sliding_attention'"),
        ({"layer_types": 3}, "`layer_types` is 3"),
        ({"layer_types": [SLIDING]}, "`layer_types` names 1 layers, and `num_hidden_layers` is 4"),
        ({"rope_parameters": {FULL: {"rope_type": "yarn", "rope_theta": 5.0}}}, "`rope_parameters` is .*yarn"),
        ({"rope_parameters": {"rope_theta": 5.0}}, "`rope_parameters` is"),
        ({"rope_parameters": 5}, "`rope_parameters` is 5"),
        ({"rope_parameters": angles(-1.0, 2.0)}, "`global_rope_theta` is -1.0"),
        ({"rope_parameters": angles("a", 2.0)}, "`global_rope_theta` is 'a'"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_newer_keys_that_are_not_computed_are_refused(newer: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedConfigError, match=message):
        ModernBertConfig(**SIZES["modernbert"], **newer).check()


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore")
def test_layers_may_turn_in_any_order(tmp_path: Path) -> None:
    """`transformers` 4.57 knows no such order; its layers are laid in it by hand."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    reference = reference_model("modernbert", "ForMaskedLM", global_attn_every_n_layers=2)
    first, second, *others = reference.model.layers
    # The first layer's input has been normed before.
    first.attn_norm, second.attn_norm = second.attn_norm, first.attn_norm
    reference.model.layers = torch.nn.ModuleList([second, first, *others])
    reference.save_pretrained(tmp_path)
    kinds = [SLIDING, FULL, FULL, SLIDING]
    write_json(tmp_path / "config.json", {**FIVE["modernbert"]["config"], "layer_types": kinds,
                                          "architectures": ["ModernBertForMaskedLM"],
                                          "vocab_size": SIZES["modernbert"]["vocab_size"]})  # fmt: skip
    ids = np.arange(4, 34)[None]
    with torch.no_grad():
        expected = reference(torch.tensor(ids)).logits.numpy()
    model = AutoModelForMaskedLM.from_pretrained(tmp_path, engine="numpy")
    np.testing.assert_allclose(model(ids).logits, expected, rtol=1e-4, atol=1e-4)
    model.save_pretrained(tmp_path / "again")
    again = AutoModelForMaskedLM.from_pretrained(tmp_path / "again", engine="numpy")
    assert again.config.layer_types == kinds
    np.testing.assert_array_equal(again(ids).logits, model(ids).logits)


# --- the map to the vocabulary, where it is not the embeddings' table -----------------------------------------------


@pytest.mark.parametrize("family", ["albert", "bert", "deberta", "deberta-v2", "mpnet", "roberta"])
def test_of_two_biases_the_one_that_is_added_counts(tmp_path: Path, family: str) -> None:
    """With `tie_word_embeddings` off, 5.24 saves the head's bias and the map's, and adds the map's alone."""
    prefix = CLASS_PREFIX[family]
    config = getattr(pellucid, f"{prefix}Config")(**SIZES[family], tie_word_embeddings=False)
    getattr(pellucid, f"{prefix}ForMaskedLM")(config).save_pretrained(tmp_path)
    model = AutoModelForMaskedLM.from_pretrained(tmp_path, engine="numpy")
    names: NameTable = FAMILIES[family].names
    own, of_the_map = names.hub_name("head.vocabulary.bias"), names.hub_name("head.decoder.bias")
    assert own != of_the_map
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    added = np.arange(len(tensors[own]), dtype=np.float32)
    ids = np.array([[5, 6, 7]])
    expected = model(ids).logits + added
    for stored in ({own: -added, of_the_map: added}, {of_the_map: added}):
        rest = {name: tensor for name, tensor in tensors.items() if name != own}
        save_file({**rest, **stored}, path, {"format": "pt"})
        loaded, report = AutoModelForMaskedLM.from_pretrained(tmp_path, engine="numpy", output_loading_info=True)
        assert not report.unused
        assert not report.missing
        np.testing.assert_allclose(loaded(ids).logits, expected, rtol=1e-5, atol=1e-5)
