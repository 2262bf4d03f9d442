from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file
from tokenizers import Tokenizer

FOLDER = Path(str(files("pellucid"))) / "builtin"
CONFIG = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
TOKENIZER = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


def test_checkpoint_has_its_files_and_fits_in_28_megabytes() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(sizes) == {
        "README.md",
        "config.json",
        "model.safetensors",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    }
    assert sum(sizes.values()) <= 28_000_000


def test_files_can_be_read_by_every_user() -> None:
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in FOLDER.iterdir())


def test_config_describes_a_two_label_bert() -> None:
    assert CONFIG["model_type"] == "bert"
    assert CONFIG["architectures"] == ["BertForSequenceClassification"]
    assert CONFIG["problem_type"] == "single_label_classification"
    assert CONFIG["id2label"] == {"0": "NEGATIVE", "1": "POSITIVE"}
    assert CONFIG["label2id"] == {"NEGATIVE": 0, "POSITIVE": 1}


def test_vocabulary_files_and_config_agree_on_contiguous_ids() -> None:
    pieces = (FOLDER / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert len(pieces) == CONFIG["vocab_size"]
    assert TOKENIZER.get_vocab() == {piece: index for index, piece in enumerate(pieces)}
    assert pieces[CONFIG["pad_token_id"]] == "[PAD]"


def test_weights_are_finite_float16_of_the_shapes_in_config() -> None:
    weights = load_file(FOLDER / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {np.dtype(np.float16)}
    assert all(np.isfinite(tensor).all() for tensor in weights.values())
    hidden = CONFIG["hidden_size"]
    assert weights["bert.embeddings.word_embeddings.weight"].shape == (CONFIG["vocab_size"], hidden)
    assert weights["classifier.weight"].shape == (2, hidden)
    layers = {name.split(".")[3] for name in weights if name.startswith("bert.encoder.layer.")}
    assert layers == {str(layer) for layer in range(CONFIG["num_hidden_layers"])}


def test_tokenizer_file_neither_pads_nor_truncates() -> None:
    assert TOKENIZER.padding is None
    assert TOKENIZER.truncation is None
    assert len(TOKENIZER.encode("word " * 1000).ids) == 1002


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80))
def test_every_ascii_text_can_be_spelled_without_unknown_pieces(text: str) -> None:
    assert TOKENIZER.token_to_id("[UNK]") not in TOKENIZER.encode(text.replace("[UNK]", "")).ids


def test_card_has_its_figures_filled_in_and_no_paths_of_a_machine() -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card
    assert "${" not in card
    assert not any(root in card for root in ("/tmp", "/home", "/work", "/usr", "/root"))


@pytest.mark.reference
@pytest.mark.parametrize(
    ("text", "label"), [("I love to learn about LLMs!", "POSITIVE"), ("I hate this so much!", "NEGATIVE")]
)
def test_transformers_loads_every_weight_and_is_sure_of_plain_sentences(text: str, label: str) -> None:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    model, loading = transformers.AutoModelForSequenceClassification.from_pretrained(
        FOLDER, dtype=torch.float32, output_loading_info=True
    )
    assert not any(loading.values())
    with torch.inference_mode():
        probabilities = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0]
    assert probabilities[model.config.label2id[label]] > 0.9
