"""The heads of MobileBERT: those of BERT, and words found by a table that is as wide as the hidden states.

Source: Sun et al., 2020, https://arxiv.org/abs/2004.02984, and `transformers`, whose names they have.
"""

from __future__ import annotations

from typing import Any

from pellucid.architectures import head_kinds
from pellucid.architectures.bert import NAMES as BERT_NAMES
from pellucid.architectures.family import Head
from pellucid.config import Config
from pellucid.heads import Summary, first_token, vocabulary_logits
from pellucid.layers import layer_norm, linear
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights


def first_token_as_configured(*, dropout_after: bool) -> Summary:
    """The first token of each text, sent through a linear layer and tanh if the config says so."""
    with_layer = first_token("pooler", "tanh", dropout_after=dropout_after)

    def summary(ops: Ops, w: Weights, settings: Any, hidden: Array, inputs: Inputs) -> Array:
        if settings.has_pooler_layer:
            return with_layer(ops, w, settings, hidden, inputs)
        first = ops.rows(hidden, inputs.layout.first_rows)
        return ops.dropout(first, settings.dropout.head) if dropout_after else first

    return summary


def vocabulary(ops: Ops, w: Weights, settings: Any, config: Config, hidden: Array, inputs: Inputs) -> dict[str, Array]:
    """The word at each chosen token: logits `[N, V]`.

    The tokens' own table is narrower than the hidden states; a second one, stored the other way round `[H − E, V]`,
    makes up the rest.
    """
    s = settings
    x = linear(ops, w / "head.transform", ops.rows(hidden, inputs.chosen), s.width, s.width)
    x = layer_norm(ops, w / "head.transform_norm", ops.activation(s.activation, x), s.width, s.eps)
    rest_width = s.width - s.embedding_width
    if not rest_width:
        return {"logits": vocabulary_logits(ops, w, s, config, x)}
    first, rest = ops.split(x, [s.embedding_width, rest_width])
    added = ops.matmul(rest, (w / "head.rest")("weight", rest_width, s.vocabulary))
    return {"logits": ops.add(vocabulary_logits(ops, w, s, config, first), added)}


POOLER = first_token_as_configured(dropout_after=False)
POOLED = first_token_as_configured(dropout_after=True)

HEADS: dict[str, Head] = {
    "base": head_kinds.base("BaseModelOutputWithPooling", POOLER, new=("pooler",)),
    "masked-language-model": head_kinds.masked_language_model(
        vocabulary, twice=(r"^cls\.predictions\.decoder\.", r"^cls\.predictions\.dense\.weight$")
    ),
    "next-sentence": head_kinds.next_sentence_prediction(POOLER, new=("pooler",)),
    "sequence-classification": head_kinds.sequence_classification(POOLED, new=("pooler",)),
    "multiple-choice": head_kinds.multiple_choice(POOLED, new=("pooler",)),
    "token-classification": head_kinds.token_classification(),
    "question-answering": head_kinds.question_answering(),
}

HEAD_NAMES = {**BERT_NAMES.heads, "head.rest": "cls.predictions.dense"}
