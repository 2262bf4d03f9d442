"""Files of weights in the form that the TensorFlow models of `transformers` 4 were saved in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from pellucid.architectures import FAMILIES
from support.tiny import pellucid_checkpoint

SCOPE = "tf_bert_model"


def keras_name(name: str) -> str:
    """The name without its scope under which `transformers` kept a weight: the Hub's name, written by hand."""
    path, _, suffix = name.rpartition(".")
    path = re.sub(r"/layer/(\d+)/", r"/layer_._\1/", path.replace(".", "/"))
    if path.endswith("word_embeddings"):
        suffix = "weight"
    elif path.endswith("_embeddings"):
        suffix = "embeddings"
    elif "norm" in path.lower().rpartition("/")[2]:
        suffix = {"weight": "gamma", "bias": "beta"}[suffix]
    elif suffix == "weight":
        suffix = "kernel"
    return f"{path}/{suffix}:0"


def write_keras(h5py: Any, path: Path, layers: dict[str, dict[str, np.ndarray]], *, names: Any = list) -> None:
    """A file as Keras writes it: for each layer a group, which lists its weights and holds them by whole names."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = names(layers)
        file.attrs["backend"] = "tensorflow"
        file.attrs["keras_version"] = "2.21.0"
        for layer, weights in {**layers, "top_level_model_weights": {}}.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = names(weights)
            for name, array in weights.items():
                group.create_dataset(name, data=array)


def write_shard(h5py: Any, path: Path, weights: dict[str, np.ndarray]) -> None:
    """A shard as `transformers` writes it: the weights by their names without the scope."""
    with h5py.File(path, "w") as file:
        for name, array in weights.items():
            file.create_dataset(name, array.shape, dtype=array.dtype)[:] = array
        file.attrs["layer_names"] = [name.encode() for name in weights]


def with_random_weights(folder: Path, family: str, suffix: str) -> dict[str, np.ndarray]:
    """A checkpoint whose every tensor differs from the others, so that none can stand for another."""
    pellucid_checkpoint(folder, family, suffix)
    generator = np.random.default_rng(0)
    tensors = {
        name: (generator.standard_normal(array.shape) * 0.3 + ("orm.weight" in name)).astype(np.float32)
        for name, array in load_file(folder / "model.safetensors").items()
    }
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return tensors


def as_keras(tensors: dict[str, np.ndarray], family: str) -> dict[str, np.ndarray]:
    """The same tensors by their names without the scope, kernels the other way round."""
    encoder = FAMILIES[family].names.prefix.replace(".", "/")
    kept = {}
    parts = ["embeddings/", "embeddings_project/", "encoder/", "transformer/", "contact_head/"]
    parts += ["pooler/"] if "pooler" in FAMILIES[family].names.body else []
    for name, array in tensors.items():
        new = keras_name(name)
        if new.startswith(tuple(parts)):
            new = encoder + new  # Keras' models have the encoder as a layer even where they are nothing else
        kept[new] = np.ascontiguousarray(array.T) if new.endswith("kernel:0") else array
    return kept


def copy_as(folder: Path, target: Path, family: str) -> dict[str, np.ndarray]:
    """The checkpoint's config and tokenizer in another folder; its weights by Keras' names."""
    target.mkdir()
    for name in ("config.json", "vocab.txt"):
        (target / name).write_bytes((folder / name).read_bytes())
    return as_keras(load_file(folder / "model.safetensors"), family)


def layers_of(weights: dict[str, np.ndarray], scope: str = SCOPE) -> dict[str, dict[str, np.ndarray]]:
    layers: dict[str, dict[str, np.ndarray]] = {"dropout_37": {}}
    for name, array in weights.items():
        layers.setdefault(name.split("/")[0], {})[f"{scope}/{name}"] = array
    return layers
