"""From the hidden states of a text to its one vector, as the files of sentence-transformers beside a checkpoint say.

modules.json lists the steps: the encoder, a pooling, perhaps a linear layer, perhaps a normalisation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.errors import ConfigError, UnsupportedConfigError
from pellucid.tasks.task import Context, Floats, sigmoid

MODES = ("cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
"""How hidden states become one vector, by the words of 1_Pooling/config.json."""

ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "Tanh": np.tanh,
    "Identity": lambda x: x,
    "ReLU": lambda x: np.maximum(x, 0),
    "Sigmoid": sigmoid,
}


@dataclass(frozen=True)
class Dense:
    """A linear layer and an activation on pooled vectors.

    Attributes:
        weight: `[O, I]`.
        bias: `[O]`, or None.
        activation: a function.
    """

    weight: Floats
    bias: Floats | None
    activation: Callable[[Floats], Floats]

    def __call__(self, vector: Floats) -> Floats:
        """`[I] → [O]`."""
        product = self.weight @ vector
        return self.activation(product if self.bias is None else product + self.bias)


@dataclass(frozen=True)
class Recipe:
    """How a checkpoint makes vectors of texts.

    Attributes:
        modes: of `MODES`; the vectors of several are joined.
        dense: layers behind the pooling.
        normalises: whether vectors have the length 1.
        includes_prompt: whether the tokens of a prompt are pooled with the text's.
        max_length: tokens of a text; None for what the model takes.
        prompts: what is put before texts, by name.
        default_prompt: the name of the one that is put there where none is named.
        similarity: how vectors are compared: "cosine", "dot", "euclidean", "manhattan".
    """

    modes: tuple[str, ...] = ("mean",)
    dense: tuple[Dense, ...] = ()
    normalises: bool = False
    includes_prompt: bool = True
    max_length: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    similarity: str = "cosine"


def recipe_of(context: Context) -> Recipe:
    """What the checkpoint's own files say; mean pooling, as in sentence-transformers, where it has none.

    Raises:
        UnsupportedConfigError: a step that is not computed.
        ConfigError: damaged files.
    """
    modules = context.json_file("modules.json")
    general = _dictionary(context, "config_sentence_transformers.json")
    encoder = _dictionary(context, "sentence_bert_config.json")
    steps: dict[str, Any] = {}
    dense: list[Dense] = []
    for module in modules if isinstance(modules, list) else []:
        kind, path = str(module.get("type", "")).rpartition(".")[2], str(module.get("path", ""))
        if kind == "Pooling":
            told = _dictionary(context, f"{path}/config.json")
            steps["modes"] = _modes_of(told)
            steps["includes_prompt"] = bool(told.get("include_prompt", True))
        elif kind == "Dense":
            dense.append(_dense_of(context, path))
        elif kind == "Normalize":
            steps["normalises"] = True
        elif kind not in ("Transformer", "Dropout"):
            raise UnsupportedConfigError(
                f"modules.json of {context.name!r} has a step {module.get('type')!r}, and only Transformer, Pooling, "
                "Dense, Dropout and Normalize are computed."
            )
    if encoder.get("do_lower_case"):
        raise UnsupportedConfigError(
            f"sentence_bert_config.json of {context.name!r} has `do_lower_case` true, which is left to the tokenizer. "
            "Write the texts small, and set it to false."
        )
    return Recipe(
        dense=tuple(dense),
        max_length=encoder.get("max_seq_length"),
        prompts=general.get("prompts") or {},
        default_prompt=general.get("default_prompt_name"),
        similarity=general.get("similarity_fn_name") or "cosine",
        **steps,
    )


def _dictionary(context: Context, filename: str) -> dict[str, Any]:
    found = context.json_file(filename)
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"{filename} of {context.name!r} holds a {type(found).__name__}; it must be a dictionary.")
    return found or {}


def _modes_of(told: Mapping[str, Any]) -> tuple[str, ...]:
    keys = {
        "cls": "pooling_mode_cls_token",
        "max": "pooling_mode_max_tokens",
        "mean": "pooling_mode_mean_tokens",
        "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
        "weightedmean": "pooling_mode_weightedmean_tokens",
        "lasttoken": "pooling_mode_lasttoken",
    }
    named = told.get("pooling_mode")
    if named:
        modes = (named,) if isinstance(named, str) else tuple(named)
    else:
        modes = tuple(mode for mode, key in keys.items() if told.get(key))
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or not modes:
        raise UnsupportedConfigError(
            f"The pooling {', '.join(unknown) or 'is not named'}; only {', '.join(MODES)} are computed."
        )
    return modes


def _dense_of(context: Context, path: str) -> Dense:
    told = _dictionary(context, f"{path}/config.json")
    word = str(told.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")[2]
    if word not in ACTIVATIONS:
        raise UnsupportedConfigError(
            f"{path}/config.json of {context.name!r} asks for the activation {word!r}, and only "
            f"{', '.join(ACTIVATIONS)} are computed."
        )
    tensors = context.tensors(path)
    return Dense(tensors["linear.weight"], tensors.get("linear.bias"), ACTIVATIONS[word])


def pooled(hidden: Floats, mode: str, place: int = 0) -> Floats:
    """One vector of hidden states: `[L, H] → [H]`.

    Args:
        hidden: `[L, H]`.
        mode: one of `MODES`.
        place: of the first of them in its text, which a prompt may stand before.
    """
    if mode == "cls":
        return hidden[0]
    if mode == "lasttoken":
        return hidden[-1]
    if mode == "max":
        return hidden.max(axis=0)
    if mode == "weightedmean":
        weights = np.arange(place + 1, place + len(hidden) + 1, dtype=hidden.dtype)
        return weights @ hidden / weights.sum()
    mean = hidden.mean(axis=0)
    return mean * hidden.dtype.type(np.sqrt(len(hidden))) if mode == "mean_sqrt_len_tokens" else mean


def normalised(vector: Floats) -> Floats:
    """The same direction, with the length 1."""
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
