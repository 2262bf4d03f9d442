"""What DeBERTa and DeBERTa-v2 share: attention that tells what tokens say from where they stand ("disentangled").

Source: He et al., 2020, https://arxiv.org/abs/2006.03654, §3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from pellucid.architectures.bert import Dropout, impossible_sizes
from pellucid.config import Config
from pellucid.layers import feed_forward, layer_norm, linear, relative_rows, rows_by_heads
from pellucid.ops import ACTIVATIONS, Array, Ops
from pellucid.packing import Inputs, Layout
from pellucid.positions import Ints
from pellucid.weights import Weights

ANY_LENGTH = 2**31 - 1
"""How many tokens a text may have where no table of places in the text limits it."""


@dataclass(frozen=True, eq=False)
class Relative:
    """How far apart tokens stand, and what is made of it.

    Attributes:
        rows: int `[2P − 1]`, the relative row of each distance.
        count: how many relative rows there are.
        from_content: whether what the query says meets where the key stands ("c2p").
        from_position: whether where the query stands meets what the key says ("p2c").
        has_norm: whether the rows' vectors are normed.
        shares_maps: whether the linear maps of queries and keys serve the rows too.
    """

    rows: Ints
    count: int
    from_content: bool
    from_position: bool
    has_norm: bool = False
    shares_maps: bool = False


@dataclass(frozen=True)
class Pooler:
    """What the heads need to know of the pooler.

    Attributes:
        width: size of its vectors.
        activation: the config's word.
        dropout: of the first token's vector.
    """

    width: int
    activation: str
    dropout: float


@dataclass(frozen=True)
class DebertaSettings:
    """What the functions of DeBERTa, DeBERTa-v2 and DeBERTa-v3 need to know.

    Attributes:
        width: size of the hidden states, H.
        embedding_width: size of the embeddings.
        inner: size of the feed-forward layer.
        layers: how many layers.
        heads: how many attention heads, A.
        head_width: size of a head, D.
        vocabulary: how many token ids, V.
        positions: how many tokens a text may have.
        has_positions: whether a vector for the place in the text is added to the embeddings.
        types: how many kinds of text in a pair are told apart; 0 for none.
        relative: the distances; None where they count for nothing.
        terms: how many products the scores of attention are the sum of.
        activation: the config's word.
        eps: of every layer norm.
        dropout: what is dropped out in training; `embeddings` also of the relative rows.
        pooler: what the heads need to know of theirs.
        is_legacy: whether the head over the vocabulary is that of the first release.
    """

    width: int
    embedding_width: int
    inner: int
    layers: int
    heads: int
    head_width: int
    vocabulary: int
    positions: int
    has_positions: bool
    types: int
    relative: Relative | None
    terms: int
    activation: str
    eps: float
    dropout: Dropout
    pooler: Pooler
    is_legacy: bool

    @property
    def scale(self) -> float:
        """The factor on the scores of attention; its root is rounded to float32 as in the reference."""
        return 1 / float(np.sqrt(np.float32(self.head_width * self.terms)))


Content: TypeAlias = Callable[[Ops, Weights, DebertaSettings, Array], tuple[Array, Array, Array]]
"""Of attention: hidden states `[T, H]` → query, key and value, `[T, H]` each."""

Places: TypeAlias = Callable[[Ops, Weights, DebertaSettings, Array, str], Array]
"""Of attention: vectors of relative rows `[R, H]` and "key" or "query" → what they are as that, `[R, H]`."""


def disentangled_encoder(
    ops: Ops, w: Weights, settings: DebertaSettings, inputs: Inputs, content: Content, places: Places
) -> Array:
    """The encoder of every DeBERTa, with the maps of its attention filled in."""
    s = settings
    x = ops.tap("hidden_states", _embedded(ops, w / "embeddings", s, inputs))
    relative = None
    if s.relative and (s.relative.from_content or s.relative.from_position):
        relative = relative_rows(ops, w / "relative.rows", s.relative.count, s.width, x)
        if s.relative.has_norm:
            relative = layer_norm(ops, w / "relative.norm", relative, s.width, s.eps)
    for n in range(s.layers):
        layer = w / f"layers.{n}"
        attention = layer / "attention"
        query, key, value = content(ops, attention, s, x)
        bias = None
        if relative is not None:
            bias = _bias(ops, attention, s, query, key, relative, inputs.layout, places)
        mixed = ops.attention(
            query, key, value, inputs.layout, heads=s.heads, scale=s.scale, bias=bias, dropout=s.dropout.attention
        )
        mixed = ops.dropout(linear(ops, attention / "output", mixed, s.width, s.width), s.dropout.attention_output)
        x = layer_norm(ops, attention / "norm", ops.add(mixed, x), s.width, s.eps)
        fed = feed_forward(ops, layer / "feed_forward", x, s.width, s.inner, s.activation)
        fed = ops.dropout(fed, s.dropout.feed_forward)
        x = layer_norm(ops, layer / "feed_forward.norm", ops.add(fed, x), s.width, s.eps)
        x = ops.tap("hidden_states", x)
    return x


def _embedded(ops: Ops, w: Weights, settings: DebertaSettings, inputs: Inputs) -> Array:
    s = settings
    x = ops.embedding((w / "tokens")("weight", s.vocabulary, s.embedding_width), inputs.ids)
    if s.has_positions:
        x = ops.add(x, ops.embedding((w / "positions")("weight", s.positions, s.embedding_width), inputs.positions))
    if s.types:
        x = ops.add(x, ops.embedding((w / "types")("weight", s.types, s.embedding_width), inputs.types))
    if s.embedding_width != s.width:
        x = linear(ops, w / "projection", x, s.embedding_width, s.width, bias=False)
    return ops.dropout(layer_norm(ops, w / "norm", x, s.width, s.eps), s.dropout.embeddings)


def _bias(
    ops: Ops, w: Weights, settings: DebertaSettings, query: Array, key: Array, relative: Array, layout: Layout,
    places: Places,
) -> Array:  # fmt: skip
    """What distances add to the scores, scaled: `[B, A, L, L]`."""
    s, distances = settings, settings.relative
    assert distances is not None
    relative = ops.dropout(relative, s.dropout.embeddings)
    parts = []
    for is_met, content, place in (
        (distances.from_content, query, "key"),
        (distances.from_position, key, "query"),
    ):
        if is_met:
            vectors = rows_by_heads(ops, places(ops, w, s, relative, place), distances.count, s.heads)
            products = ops.matmul(ops.pad(content, layout, s.heads), vectors, transpose=True)  # [B, A, L, R]
            parts.append(ops.by_distance(products, distances.rows, layout, of_key=place == "query"))
    return ops.scale(parts[0] if len(parts) == 1 else ops.add(*parts), s.scale)


def hidden_alone(
    ops: Ops, w: Weights, settings: DebertaSettings, config: Config, hidden: Array, inputs: Inputs
) -> dict[str, Array]:
    """The encoder's own output."""
    return {"last_hidden_state": hidden}


DEFAULTS: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 0,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-7,
    "relative_attention": False,
    "max_relative_positions": -1,
    "pad_token_id": 0,
    "position_biased_input": True,
    "pos_att_type": None,
    "pooler_dropout": 0,
    "pooler_hidden_act": "gelu",
    "pooler_hidden_size": None,
    "legacy": True,
    "cls_dropout": None,
    "embedding_size": None,
}
"""The keys of both, as they are where config.json leaves them out: distances count for nothing."""


def write_out(config: Any) -> None:
    """Give the keys that follow from others their values, as the reference writes them."""
    if isinstance(config.pos_att_type, str):
        config.pos_att_type = [word.strip() for word in config.pos_att_type.lower().split("|")]
    for size in ("pooler_hidden_size", "embedding_size"):
        if getattr(config, size) is None:
            setattr(config, size, config.hidden_size)


def even_head_size(config: Any) -> int:
    """The width of the hidden states, shared evenly among the heads; 0 where it cannot be."""
    width, heads = config.hidden_size, config.num_attention_heads
    are_sizes = all(type(size) is int and size > 0 for size in (width, heads))
    return width // heads if are_sizes else 0


def impossible_distances(config: Any) -> list[str]:
    """Keys of relative positions that cannot be, in words."""
    reasons = []
    words = config.pos_att_type
    if not (words is None or (isinstance(words, list | tuple) and {"c2p", "p2c"} >= set(words) and _differ(words))):
        reasons.append(f"`pos_att_type` is {words!r}, and only 'c2p', 'p2c', or both are computed")
    for name in ("max_relative_positions", "max_position_embeddings"):
        if type(getattr(config, name)) is not int:
            reasons.append(f"`{name}` is {getattr(config, name)!r}, and must be a whole number")
    return reasons


def _differ(words: Any) -> bool:
    return len(set(words)) == len(words)


def impossible_values(config: Config, settings: Any) -> list[str]:
    """Values that no DeBERTa can have, in words."""
    reasons = impossible_sizes(config, settings)
    for name, size in (("embedding_size", settings.embedding_width), ("pooler_hidden_size", settings.pooler.width)):
        if type(size) is not int or size < 1:
            reasons.append(f"`{name}` is {size!r}, and must be a whole number, at least 1")
    if settings.pooler.activation not in ACTIVATIONS:
        known = ", ".join(sorted(ACTIVATIONS))
        reasons.append(f"`pooler_hidden_act` is {settings.pooler.activation!r}, and must be one of {known}")
    if type(settings.pooler.dropout) not in (int, float) or not 0 <= settings.pooler.dropout <= 1:
        reasons.append(f"`pooler_dropout` is {settings.pooler.dropout!r}, and must be a number from 0 to 1")
    return reasons


def relative_span(config: Any) -> int:
    """From this distance on all are one."""
    span = config.max_relative_positions
    return int(config.max_position_embeddings if span < 1 else span)


def deberta_settings(config: Any, relative: Relative | None, head_width: int) -> DebertaSettings:
    """The settings that both versions read in the same way, with the others filled in."""
    has_positions = bool(config.position_biased_input)
    hidden_dropout = config.hidden_dropout_prob
    return DebertaSettings(
        width=config.hidden_size,
        embedding_width=config.embedding_size,
        inner=config.intermediate_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        head_width=head_width,
        vocabulary=config.vocab_size,
        positions=config.max_position_embeddings if has_positions else ANY_LENGTH,
        has_positions=has_positions,
        types=config.type_vocab_size,
        relative=relative,
        terms=1 + len(config.pos_att_type or ()),
        activation=config.hidden_act,
        eps=config.layer_norm_eps,
        dropout=Dropout(
            embeddings=hidden_dropout,
            attention=config.attention_probs_dropout_prob,
            attention_output=hidden_dropout,
            feed_forward=hidden_dropout,
            head=hidden_dropout if config.cls_dropout is None else config.cls_dropout,
        ),
        pooler=Pooler(config.pooler_hidden_size, config.pooler_hidden_act, config.pooler_dropout),
        is_legacy=bool(config.legacy),
    )


SHARED_NAMES = {
    "embeddings.tokens": "embeddings.word_embeddings",
    "embeddings.positions": "embeddings.position_embeddings",
    "embeddings.types": "embeddings.token_type_embeddings",
    "embeddings.projection": "embeddings.embed_proj",
    "embeddings.norm": "embeddings.LayerNorm",
    "relative.rows": "encoder.rel_embeddings",
    "relative.norm": "encoder.LayerNorm",
    "layers.{n}.attention.output": "encoder.layer.{n}.attention.output.dense",
    "layers.{n}.attention.norm": "encoder.layer.{n}.attention.output.LayerNorm",
    "layers.{n}.feed_forward.inner": "encoder.layer.{n}.intermediate.dense",
    "layers.{n}.feed_forward.outer": "encoder.layer.{n}.output.dense",
    "layers.{n}.feed_forward.norm": "encoder.layer.{n}.output.LayerNorm",
}

# Checkpoints may hold a table of places that their config does not read.
UNREAD = (r"(^|\.)embeddings\.position_ids$", r"(^|\.)embeddings\.position_embeddings\.")
