"""The heads of DeBERTa and DeBERTa-v2.

Source: He et al., 2020, https://arxiv.org/abs/2006.03654, and `transformers`, whose names they have.
"""

from __future__ import annotations

from pellucid import heads
from pellucid.architectures import head_kinds
from pellucid.architectures.disentangled import DebertaSettings
from pellucid.architectures.family import Head
from pellucid.config import Config
from pellucid.layers import layer_norm, linear
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights


def context_pooler(ops: Ops, w: Weights, settings: DebertaSettings, hidden: Array, inputs: Inputs) -> Array:
    """The first token of each text through a linear layer and the config's activation: `[T, H] → [B, H]`."""
    pooler = settings.pooler
    first = ops.dropout(ops.rows(hidden, inputs.layout.first_rows), pooler.dropout)
    vectors = ops.activation(pooler.activation, linear(ops, w / "head.pooler", first, pooler.width, pooler.width))
    return ops.dropout(vectors, settings.dropout.head)


def vocabulary(
    ops: Ops, w: Weights, settings: DebertaSettings, config: Config, hidden: Array, inputs: Inputs
) -> dict[str, Array]:
    """The word at each chosen token: logits `[N, V]`.

    Checkpoints of the first release in `transformers` have BERT's head; the others ("legacy" is false in their config)
    have one of their own, which always goes by the tokens' table.
    """
    s = settings
    if s.is_legacy:
        return heads.vocabulary()(ops, w, settings, config, hidden, inputs)
    x = linear(ops, w / "head.own_transform", ops.rows(hidden, inputs.chosen), s.width, s.width)
    x = layer_norm(ops, w / "head.own_norm", ops.activation(s.activation, x), s.width, s.eps)
    table = (w / "embeddings.tokens")("weight", s.vocabulary, s.embedding_width)
    return {"logits": ops.linear(x, table, (w / "head.own_vocabulary")("bias", s.vocabulary))}


HEADS: dict[str, Head] = {
    "base": head_kinds.base(),
    "masked-language-model": head_kinds.masked_language_model(vocabulary, twice=(r"^cls\.predictions\.decoder\.",)),
    "sequence-classification": head_kinds.sequence_classification(context_pooler),
    "token-classification": head_kinds.token_classification(),
    "question-answering": head_kinds.question_answering(),
}

HEAD_NAMES = {
    "head.pooler": "pooler.dense",
    "head.labels": "classifier",
    "head.choice": "classifier",
    "head.token_labels": "classifier",
    "head.span": "qa_outputs",
    "head.transform": "cls.predictions.transform.dense",
    "head.transform_norm": "cls.predictions.transform.LayerNorm",
    "head.decoder": "cls.predictions.decoder",
    "head.vocabulary": "cls.predictions",
    "head.own_transform": "lm_predictions.lm_head.dense",
    "head.own_norm": "lm_predictions.lm_head.LayerNorm",
    "head.own_vocabulary": "lm_predictions.lm_head",
}
