"""The heads of ModernBERT: each sends its hidden states through a linear layer, an activation and a norm first.

Source: Warner et al., 2024, https://arxiv.org/abs/2412.13663, and `transformers`, whose names they have.
"""

from __future__ import annotations

from typing import Any

from pellucid import heads
from pellucid.architectures import head_kinds
from pellucid.architectures.family import Head
from pellucid.config import Config
from pellucid.heads import mean_of_tokens
from pellucid.layers import layer_norm, linear
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights


def _transformed(ops: Ops, w: Weights, settings: Any, x: Array) -> Array:
    s = settings
    x = ops.activation(s.head.activation, linear(ops, w / "head.dense", x, s.width, s.width, bias=s.head.bias))
    return layer_norm(ops, w / "head.norm", x, s.width, s.eps, bias=s.norm_bias)


def summary(ops: Ops, w: Weights, settings: Any, hidden: Array, inputs: Inputs) -> Array:
    """The first token of each text, or the mean of its tokens, as the config says: `[T, H] → [B, H]`."""
    is_mean = settings.head.pooling == "mean"
    x = mean_of_tokens(ops, hidden, inputs) if is_mean else ops.rows(hidden, inputs.layout.first_rows)
    return ops.dropout(_transformed(ops, w, settings, x), settings.dropout.head)


def vocabulary(ops: Ops, w: Weights, settings: Any, config: Config, hidden: Array, inputs: Inputs) -> dict[str, Array]:
    """The word at each chosen token: logits `[N, V]`."""
    s = settings
    x = _transformed(ops, w, s, ops.rows(hidden, inputs.chosen))
    table = w / ("embeddings.tokens" if config.tie_word_embeddings else "head.decoder")
    bias = (w / "head.vocabulary")("bias", s.vocabulary) if s.head.decoder_bias else None
    return {"logits": ops.linear(x, table("weight", s.vocabulary, s.width), bias)}


def token_labels(
    ops: Ops, w: Weights, settings: Any, config: Config, hidden: Array, inputs: Inputs
) -> dict[str, Array]:
    """Labels of each token: logits `[T, C]`."""
    return heads.token_labels(ops, w, settings, config, _transformed(ops, w, settings, hidden), inputs)


def answer_span(ops: Ops, w: Weights, settings: Any, config: Config, hidden: Array, inputs: Inputs) -> dict[str, Array]:
    """Where an answer begins and ends: start and end logits `[T, 1]` each."""
    return heads.answer_span(ops, w, settings, config, _transformed(ops, w, settings, hidden), inputs)


HEADS: dict[str, Head] = {
    "base": head_kinds.base(),
    "masked-language-model": head_kinds.masked_language_model(vocabulary, twice=(r"^decoder\.weight$",)),
    "sequence-classification": head_kinds.sequence_classification(summary),
    "multiple-choice": head_kinds.multiple_choice(summary),
    "token-classification": head_kinds.token_classification(token_labels),
    "question-answering": head_kinds.question_answering(answer_span),
}

HEAD_NAMES = {
    "head.dense": "head.dense",
    "head.norm": "head.norm",
    "head.labels": "classifier",
    "head.choice": "classifier",
    "head.token_labels": "classifier",
    "head.span": "classifier",
    "head.decoder": "decoder",
    "head.vocabulary": "decoder",
}
