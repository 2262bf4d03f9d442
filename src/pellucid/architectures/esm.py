"""ESM: a masked language model of proteins, whose tokens are amino acids.

Source: Rives et al., 2021, https://doi.org/10.1073/pnas.2016239118 (ESM-1b), and Lin et al., 2023,
https://doi.org/10.1126/science.ade2574 (ESM-2), which turns queries and keys by rotary positions (arXiv:2104.09864).
Checked against `transformers` in tests/parity/test_encoders.py and tests/parity/test_esm.py.

Where masks count as dropped tokens (`token_dropout`) the others are scaled up by what part of the text is left.
`transformers` 4.57 counts the padding of a batch to the text there, so its numbers for a text with masks depend on the
others. These are those of the text alone, as those of `transformers` 5 are (tests/parity/test_golden.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.architectures import head_kinds
from pellucid.architectures.bert import NAMES as BERT_NAMES
from pellucid.architectures.bert import POOLER, BertSettings, Dropout, impossible_sizes
from pellucid.architectures.family import Family
from pellucid.architectures.roberta import CLASSIFIER
from pellucid.architectures.roberta import NAMES as ROBERTA_NAMES
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.heads import vocabulary
from pellucid.layers import feed_forward, layer_norm, linear, turned_angles
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.positions import remembered
from pellucid.weights import Weights

ACTIVATION = "gelu"
LEFT_IN_TRAINING = 1 - 0.15 * 0.8
"""What part of the tokens no mask hid in training. No keys of the config: the reference fixes both."""


@dataclass(frozen=True)
class EsmSettings(BertSettings):
    """What the function needs to know besides; `place` may also be "rotary".

    Attributes:
        norms_embeddings: whether a norm stands behind the embeddings.
        dropped_id: the id of the token that counts as dropped, a mask; None where none does.
        theta: the base of the rotary angles.
    """

    norms_embeddings: bool = False
    dropped_id: int | None = None
    theta: float = 10000.0


def esm(ops: Ops, w: Weights, settings: EsmSettings, inputs: Inputs) -> Array:
    """Give each token a vector that knows its whole text: ids `[T]` → hidden states `[T, H]`.

    The data's way: token → scaled for masks → + position → norm → layers × (norm, attention, add, norm, feed-forward,
    add) → norm; positions and the first norm where the config has them.
    The embeddings and the output of each layer are tapped as "hidden_states", the last one behind the last norm.
    """
    s = settings
    x = _embeddings(ops, w / "embeddings", s, inputs)
    angles = None
    if s.place == "rotary":
        angles = turned_angles(ops, inputs.positions, s.positions, s.width // s.heads, s.theta, x)
    for n in range(s.layers):
        x = _layer(ops, w / f"layers.{n}", s, ops.tap("hidden_states", x), angles, inputs)
    for name, shape in (("weight", (1, s.layers * s.heads)), ("bias", (1,))):
        # What guesses from attention which tokens touch is not computed with, and stays with the checkpoint.
        (w / "contacts")(name, *shape)
    return ops.tap("hidden_states", layer_norm(ops, w / "norm", x, s.width, s.eps))


def _embeddings(ops: Ops, w: Weights, settings: EsmSettings, inputs: Inputs) -> Array:
    s = settings
    x = ops.embedding((w / "tokens")("weight", s.vocabulary, s.width), inputs.ids)
    if s.dropped_id is not None:
        x = ops.scale(without_dropped(ops, x, s.vocabulary, s.dropped_id, inputs), LEFT_IN_TRAINING)
    if s.place == "absolute":
        x = ops.add(x, ops.embedding((w / "positions")("weight", s.positions, s.width), inputs.positions))
    return layer_norm(ops, w / "norm", x, s.width, s.eps) if s.norms_embeddings else x


def without_dropped(ops: Ops, x: Array, vocabulary: int, dropped_id: int, inputs: Inputs) -> Array:
    """Zeros at the dropped tokens of a text; the others times n / (n − m), with n tokens of which m are dropped.

    Attention that hides the dropped tokens gives each other token the part 1 / (n − m). What one token gets from all n
    of its text is the factor that it is scaled by.

    Args:
        ops: operations.
        x: `[T, H]`.
        vocabulary: V.
        dropped_id: the id of a dropped token.
        inputs: the ids and their layout.
    """
    layout = inputs.layout
    ones, dropped = (
        ops.pad(ops.embedding(ops.constant(table, x), inputs.ids), layout, 1)
        for table in (of_ids(vocabulary), of_ids(vocabulary, dropped_id))
    )
    is_dropped = ops.matmul(ones, dropped, transpose=True)
    even = ops.scale(is_dropped, 0.0)
    parts = ops.softmax(ops.scale(is_dropped, -1e4), layout)
    # 1 at all tokens of the text, 0 at padding: the equal parts of attention, cut off at one number.
    tokens = ops.scale(ops.activation("relu6", ops.scale(ops.softmax(even, layout), 6e4)), 1 / 6)
    itself = ops.softmax(even, layout, window=0)
    factors = ops.multiply(itself, ops.matmul(tokens, parts))
    return ops.unpad(ops.matmul(factors, ops.pad(x, layout, 1)), layout)


@remembered
def of_ids(vocabulary: int, only: int | None = None) -> npt.NDArray[np.float32]:
    """1 for every id, or for one and 0 for the others: float32 `[V, 1]`."""
    ids = np.arange(vocabulary)
    is_marked = (ids >= 0) if only is None else (ids == only)
    return is_marked.astype(np.float32)[:, None]


def _layer(
    ops: Ops, w: Weights, settings: EsmSettings, x: Array, angles: tuple[Array, Array] | None, inputs: Inputs
) -> Array:
    """One layer: `[T, H] → [T, H]`."""
    s = settings
    normed = layer_norm(ops, w / "attention.norm", x, s.width, s.eps)
    maps = [w / f"attention.{name}" for name in ("query", "key", "value")]
    query, key, value = ops.linears(
        normed, [one("weight", s.width, s.width) for one in maps], [one("bias", s.width) for one in maps]
    )
    if angles is not None:
        query, key = (ops.rotary(one, *angles, s.heads) for one in (query, key))
    mixed = ops.attention(
        query, key, value, inputs.layout, heads=s.heads, scale=(s.width // s.heads) ** -0.5, dropout=s.dropout.attention
    )
    mixed = linear(ops, w / "attention.output", mixed, s.width, s.width)
    x = ops.add(x, ops.dropout(mixed, s.dropout.attention_output))
    normed = layer_norm(ops, w / "feed_forward.norm", x, s.width, s.eps)
    fed = feed_forward(ops, w / "feed_forward", normed, s.width, s.inner, s.activation)
    return ops.add(x, ops.dropout(fed, s.dropout.feed_forward))


class EsmConfig(Config):
    """The config of an ESM checkpoint; the defaults are those of `transformers`, and ESM-2's where it has none."""

    model_type = "esm"
    defaults = {
        "vocab_size": 33,
        "mask_token_id": 32,
        "pad_token_id": 1,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 1026,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "position_embedding_type": "absolute",
        "use_cache": True,
        "emb_layer_norm_before": None,
        "token_dropout": False,
        "is_folding_model": False,
        "esmfold_config": None,
        "vocab_list": None,
        "rope_theta": 10000.0,
    }
    # What a model that folds proteins has besides, which is refused.
    harmless = frozenset({"use_cache", "esmfold_config", "vocab_list"})
    optional = frozenset({"rope_theta"})  # of `transformers` 5
    supported = {"position_embedding_type": ("absolute", "rotary"), "is_folding_model": (False,)}

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        settings = read_esm_config(self)
        reasons = impossible_sizes(self, settings)
        is_absolute = self.position_embedding_type == "absolute"
        ids = (("pad_token_id", is_absolute), ("mask_token_id", self.token_dropout))
        reasons += [
            f"`{name}` is {getattr(self, name)!r}, and must be an id"
            for name, is_read in ids
            if is_read and (type(getattr(self, name)) is not int or getattr(self, name) < 0)
        ]
        if type(self.rope_theta) not in (int, float) or not self.rope_theta > 0:
            reasons.append(f"`rope_theta` is {self.rope_theta!r}, and must be a number above 0")
        if not reasons and not is_absolute and (settings.width // settings.heads) % 2:
            reasons.append(
                f"`hidden_size` {settings.width} makes heads of {settings.width // settings.heads} numbers, which "
                "rotary positions cannot turn in pairs"
            )
        return reasons


def read_esm_config(config: Any) -> EsmSettings:
    """Take from an ESM config what the function needs."""
    mask_id = config.mask_token_id
    return EsmSettings(
        width=config.hidden_size,
        inner=config.intermediate_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        vocabulary=config.vocab_size,
        positions=config.max_position_embeddings,
        types=0,
        activation=ACTIVATION,
        eps=config.layer_norm_eps,
        place=config.position_embedding_type,
        # Rotary positions are the columns.
        padding_id=config.pad_token_id if config.position_embedding_type == "absolute" else None,
        norms_embeddings=bool(config.emb_layer_norm_before),
        theta=config.rope_theta,
        dropped_id=mask_id if config.token_dropout else None,
        dropout=Dropout(
            attention=config.attention_probs_dropout_prob,
            attention_output=config.hidden_dropout_prob,
            feed_forward=config.hidden_dropout_prob,
            head=config.hidden_dropout_prob,
            tokens=config.hidden_dropout_prob,
        ),
    )


NAMES = NameTable(
    prefix="esm.",
    body={
        **{path: hub for path, hub in BERT_NAMES.body.items() if path != "embeddings.types"},
        "embeddings.norm": "embeddings.layer_norm",
        "layers.{n}.attention.norm": "encoder.layer.{n}.attention.LayerNorm",
        "layers.{n}.feed_forward.norm": "encoder.layer.{n}.LayerNorm",
        "norm": "encoder.emb_layer_norm_after",
        "contacts": "contact_head.regression",
    },
    heads=ROBERTA_NAMES.heads,
    ignored=(
        *BERT_NAMES.ignored,
        # The speeds of rotary positions, which follow from the size of a head.
        r"\.rotary_embeddings\.inv_freq$",
    ),
)

HEADS = {
    "base": head_kinds.base("BaseModelOutputWithPoolingAndCrossAttentions", POOLER, new=("pooler",)),
    "masked-language-model": head_kinds.masked_language_model(vocabulary(ACTIVATION), twice=(r"^lm_head\.decoder\.",)),
    "sequence-classification": head_kinds.sequence_classification(CLASSIFIER),
    "token-classification": head_kinds.token_classification(),
}

FAMILY = Family(
    model_type="esm",
    title="ESM",
    class_prefix="Esm",
    config=EsmConfig,
    read_config=read_esm_config,
    encode=esm,
    heads={name: replace(head, new=(*head.new, "contacts")) for name, head in HEADS.items()},
    names=NAMES,
    # The reference takes positions too, and does not look at them where they are rotary.
    inputs=(),
)
