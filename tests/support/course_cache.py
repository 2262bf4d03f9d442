"""A Hub cache with the course's two checkpoints: real configs and vocabularies, random weights of the real shapes.

What a page shows must be true of the real checkpoints, so names of tensors and files are theirs, old names of norms
too. The weights are float16, half as many bytes to write; they are the same on every machine.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from pellucid.architectures import FAMILIES
from pellucid.models.loading import parameters_of

BERT = "bert-base-cased"
SST2 = "distilbert-base-uncased-finetuned-sst-2-english"

CONFIGS: dict[str, dict[str, Any]] = {
    BERT: {
        "architectures": ["BertForMaskedLM"],
        "attention_probs_dropout_prob": 0.1,
        "gradient_checkpointing": False,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 768,
        "initializer_range": 0.02,
        "intermediate_size": 3072,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 512,
        "model_type": "bert",
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "transformers_version": "4.6.0.dev0",
        "type_vocab_size": 2,
        "use_cache": True,
        "vocab_size": 28996,
    },
    SST2: {
        "activation": "gelu",
        "architectures": ["DistilBertForSequenceClassification"],
        "attention_dropout": 0.1,
        "dim": 768,
        "dropout": 0.1,
        "finetuning_task": "sst-2",
        "hidden_dim": 3072,
        "id2label": {"0": "NEGATIVE", "1": "POSITIVE"},
        "initializer_range": 0.02,
        "label2id": {"NEGATIVE": 0, "POSITIVE": 1},
        "max_position_embeddings": 512,
        "model_type": "distilbert",
        "n_heads": 12,
        "n_layers": 6,
        "output_past": True,
        "pad_token_id": 0,
        "qa_dropout": 0.1,
        "seq_classif_dropout": 0.2,
        "sinusoidal_pos_embds": False,
        "tie_weights_": True,
        "vocab_size": 30522,
    },
}

TOKENIZER_CONFIGS = {
    BERT: {"do_lower_case": False, "model_max_length": 512},
    SST2: {"do_lower_case": True, "model_max_length": 512},
}

HEADS = {BERT: "base", SST2: "sequence-classification"}

# What bert-base-cased holds besides the encoder: the heads that it was trained with.
PRETRAINING_HEADS = {
    "cls.predictions.bias": (28996,),
    "cls.predictions.transform.LayerNorm.bias": (768,),
    "cls.predictions.transform.LayerNorm.weight": (768,),
    "cls.predictions.transform.dense.bias": (768,),
    "cls.predictions.transform.dense.weight": (768, 768),
    "cls.seq_relationship.bias": (2,),
    "cls.seq_relationship.weight": (2, 768),
}

SPREAD = 0.05
"""Standard deviation: large enough for one token of padding to be seen in the logits, small enough for float16."""


def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    """The tensors of a checkpoint, under the names that they have in its file."""
    config_dict = CONFIGS[name]
    family = FAMILIES[config_dict["model_type"]]
    config = family.config.from_dict(config_dict)
    shapes = {family.names.hub_name(key): shape for key, shape in parameters_of(family, config, HEADS[name]).items()}
    if name != BERT:
        return shapes
    return {as_first_written(key): shape for key, shape in {**shapes, **PRETRAINING_HEADS}.items()}


def as_first_written(name: str) -> str:
    """Norms were called so when bert-base-cased was saved, and still are in its file."""
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def random_tensor(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float16]:
    """Depends on the name alone; around 1 for the weights of norms, around 0 for all else."""
    values = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape, np.float32)
    values *= SPREAD
    values += len(shape) == 1 and name.endswith(("weight", "gamma"))
    return values.astype(np.float16)


def write_repository(cache: Path, name: str, vocabulary: Path) -> None:
    """Put one checkpoint into a cache, as `huggingface_hub` lays it out: a snapshot of links to blobs."""
    folder = cache / f"models--{name}"
    commit = hashlib.sha1(name.encode()).hexdigest()
    snapshot, blobs = folder / "snapshots" / commit, folder / "blobs"
    for made in (snapshot, blobs, folder / "refs"):
        made.mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit, encoding="ascii")

    def blob(filename: str) -> Path:
        # A blob is found by its link alone: any name of the right form will do.
        path = blobs / hashlib.sha256(filename.encode()).hexdigest()
        (snapshot / filename).symlink_to(Path("..", "..", "blobs", path.name))
        return path

    blob("config.json").write_text(json.dumps(CONFIGS[name]), encoding="utf-8")
    blob("tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIGS[name]), encoding="utf-8")
    blob("vocab.txt").write_bytes(vocabulary.read_bytes())
    tensors = {key: random_tensor(key, shape) for key, shape in shapes_of(name).items()}
    save_file(tensors, blob("model.safetensors"), {"format": "pt"})


def use_cache(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Look for checkpoints in this cache and nowhere else, here and in commands that are started."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for variable in ("TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE"):
        monkeypatch.delenv(variable, raising=False)
