"""Stage 5: hidden states become logits.

A head is a function from the hidden states of all tokens to named outputs. Most families have the same ones, which
stand here; what differs, the vector that a whole text is judged by and the words for weights, they hand in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pellucid.layers import layer_norm, linear
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights

HeadForward: TypeAlias = Callable[[Ops, Weights, Any, Any, Array, Inputs], dict[str, Array]]
"""Operations, weights at the root, settings, config, hidden states `[T, H]`, inputs → named outputs."""

Summary: TypeAlias = Callable[[Ops, Weights, Any, Array, Inputs], Array]
"""Operations, weights at the root, settings, hidden states `[T, H]`, inputs → one vector for each text `[B, H]`."""


def rows_at(ops: Ops, hidden: Array, index: Array, inputs: Inputs) -> Array:
    """Some rows of the hidden states; if the last layer was computed for these alone, they are all there are."""
    return hidden if inputs.wanted is index else ops.rows(hidden, index)


def first_token(
    path: str = "pooler", activation: str = "tanh", *, dropout_before: bool = False, dropout_after: bool = True
) -> Summary:
    """The first token of each text, [CLS] or <s>, sent through a linear layer and an activation.

    Args:
        path: where the layer's weights are.
        activation: by the words of configs.
        dropout_before: whether the first token is dropped out in training, before the layer.
        dropout_after: whether the vector is.

    Source: the pooler of BERT, Devlin et al., 2018, arXiv:1810.04805, and the classification heads after it.
    """

    def summary(ops: Ops, w: Weights, settings: Any, hidden: Array, inputs: Inputs) -> Array:
        first = rows_at(ops, hidden, inputs.layout.first_rows, inputs)
        if dropout_before:
            first = ops.dropout(first, settings.dropout.head)
        vectors = ops.activation(activation, linear(ops, w / path, first, settings.width, settings.width))
        return ops.dropout(vectors, settings.dropout.head) if dropout_after else vectors

    return summary


def mean_of_tokens(ops: Ops, hidden: Array, inputs: Inputs) -> Array:
    """The mean of each text's hidden states: `[T, H] → [B, H]`.

    Attention whose scores are all 0 gives each token an equal part.
    """
    layout = inputs.layout
    cells = ops.pad(hidden, layout, 1)
    parts = ops.softmax(ops.scale(ops.matmul(cells, cells, transpose=True), 0.0), layout)
    return ops.rows(ops.unpad(ops.matmul(parts, cells), layout), layout.first_rows)


def hidden_states(ops: Ops, w: Weights, settings: Any, config: Any, hidden: Array, inputs: Inputs) -> dict[str, Array]:
    """No head: one vector for each token."""
    return {"last_hidden_state": hidden}


def pooled(summary: Summary) -> HeadForward:
    """No head, but also one vector for each text."""

    def forward(ops: Ops, w: Weights, settings: Any, config: Any, hidden: Array, inputs: Inputs) -> dict[str, Array]:
        return {"last_hidden_state": hidden, "pooler_output": summary(ops, w, settings, hidden, inputs)}

    return forward


def sequence_labels(summary: Summary) -> HeadForward:
    """Labels of whole texts: logits `[B, C]`."""

    def forward(ops: Ops, w: Weights, settings: Any, config: Any, hidden: Array, inputs: Inputs) -> dict[str, Array]:
        vectors = summary(ops, w, settings, hidden, inputs)
        return {"logits": linear(ops, w / "head.labels", vectors, settings.width, config.num_labels)}

    return forward


def choices(summary: Summary) -> HeadForward:
    """One number for each text, by which the best of several is chosen: logits `[B, 1]`."""

    def forward(ops: Ops, w: Weights, settings: Any, config: Any, hidden: Array, inputs: Inputs) -> dict[str, Array]:
        vectors = summary(ops, w, settings, hidden, inputs)
        return {"logits": linear(ops, w / "head.choice", vectors, settings.width, 1)}

    return forward


def next_sentence(summary: Summary) -> HeadForward:
    """Whether the second text follows the first: logits `[B, 2]`, of "it does" and of "it is a random one"."""

    def forward(ops: Ops, w: Weights, settings: Any, config: Any, hidden: Array, inputs: Inputs) -> dict[str, Array]:
        vectors = summary(ops, w, settings, hidden, inputs)
        return {"logits": linear(ops, w / "head.next_sentence", vectors, settings.width, 2)}

    return forward


def token_labels(ops: Ops, w: Weights, settings: Any, config: Any, hidden: Array, inputs: Inputs) -> dict[str, Array]:
    """Labels of each token: logits `[T, C]`."""
    hidden = ops.dropout(hidden, settings.dropout.tokens)
    return {"logits": linear(ops, w / "head.token_labels", hidden, settings.width, config.num_labels)}


def answer_span(ops: Ops, w: Weights, settings: Any, config: Any, hidden: Array, inputs: Inputs) -> dict[str, Array]:
    """Where an answer begins and ends: start and end logits `[T, 1]` each."""
    hidden = ops.dropout(hidden, settings.dropout.span)
    start, end = ops.split(linear(ops, w / "head.span", hidden, settings.width, 2), [1, 1])
    return {"start_logits": start, "end_logits": end}


def vocabulary(activation: str | None = None) -> HeadForward:
    """The word at each token: logits `[N, V]` of the chosen tokens, by the table that the tokens came from.

    Args:
        activation: of the layer before it, by the words of configs; the config's own where left out.
    """

    def forward(ops: Ops, w: Weights, settings: Any, config: Any, hidden: Array, inputs: Inputs) -> dict[str, Array]:
        s = settings
        x = linear(ops, w / "head.transform", rows_at(ops, hidden, inputs.chosen, inputs), s.width, s.embedding_width)
        x = ops.activation(activation or s.activation, x)
        x = layer_norm(ops, w / "head.transform_norm", x, s.embedding_width, s.eps)
        return {"logits": vocabulary_logits(ops, w, s, config, x)}

    return forward


def vocabulary_logits(ops: Ops, w: Weights, settings: Any, config: Any, x: Array) -> Array:
    """`[N, E] → [N, V]`, by the tokens' own table unless the config unties the two (Press & Wolf, 2016)."""
    table = w / ("embeddings.tokens" if config.tie_word_embeddings else "head.decoder")
    bias = (w / "head.vocabulary")("bias", settings.vocabulary)
    return ops.linear(x, table("weight", settings.vocabulary, settings.embedding_width), bias)


def replaced_tokens(
    ops: Ops, w: Weights, settings: Any, config: Any, hidden: Array, inputs: Inputs
) -> dict[str, Array]:
    """Whether each token was put in place of another: logits `[T, 1]` (Clark et al., 2020, arXiv:2003.10555)."""
    x = linear(ops, w / "head.dense", hidden, settings.width, settings.width)
    x = ops.activation(settings.activation, x)
    return {"logits": linear(ops, w / "head.replaced", x, settings.width, 1)}
