"""What DeBERTa and DeBERTa-v2 share: attention that tells what tokens say from where they stand ("disentangled").

Source: He et al., 2020, https://arxiv.org/abs/2006.03654, §3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from pellucid.architectures.bert import Dropout
from pellucid.layers import feed_forward, layer_norm, linear, relative_rows, rows_by_heads
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs, Layout
from pellucid.positions import Ints
from pellucid.weights import Weights


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
        padding_id: always None; positions begin at 0.
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
    padding_id: int | None = None

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
    distances = _distances(ops, w / "relative", s, x, inputs.layout)
    for n in range(s.layers):
        layer = w / f"layers.{n}"
        attention = layer / "attention"
        query, key, value = content(ops, attention, s, x)
        bias = None
        if distances is not None:
            bias = _bias(ops, attention, s, query, key, distances, inputs.layout, places)
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


@dataclass(frozen=True)
class Distances:
    """The relative rows of a batch.

    Attributes:
        vectors: `[R, H]`.
        rows: int `[2P − 1]`, the relative row of each distance.
        count: R.
        met_by: what of a token meets which role of a distance: "query" and "key", "key" and "query".
    """

    vectors: Array
    rows: Ints
    count: int
    met_by: tuple[tuple[str, str], ...]


def _distances(ops: Ops, w: Weights, settings: DebertaSettings, like: Array, layout: Layout) -> Distances | None:
    s, relative = settings, settings.relative
    if relative is None or not (relative.from_content or relative.from_position):
        return None
    vectors = relative_rows(ops, w / "rows", relative.count, s.width, like)
    vectors, rows, count = ops.in_reach(vectors, relative.rows, relative.count, layout)
    if relative.has_norm:
        vectors = layer_norm(ops, w / "norm", vectors, s.width, s.eps)
    roles = ((relative.from_content, ("query", "key")), (relative.from_position, ("key", "query")))
    return Distances(vectors, rows, count, tuple(pair for is_met, pair in roles if is_met))


def _bias(
    ops: Ops, w: Weights, settings: DebertaSettings, query: Array, key: Array, distances: Distances, layout: Layout,
    places: Places,
) -> Array:  # fmt: skip
    """What distances add to the scores, scaled: `[B, A, L, L]`."""
    s, content = settings, {"query": query, "key": key}
    relative = ops.dropout(distances.vectors, s.dropout.embeddings)
    parts = []
    for token, distance in distances.met_by:
        vectors = rows_by_heads(ops, places(ops, w, s, relative, distance), distances.count, s.heads)
        products = ops.matmul(ops.pad(content[token], layout, s.heads), vectors, transpose=True)  # [B, A, L, R]
        parts.append(ops.by_distance(products, distances.rows, layout, of_key=token == "key"))
    return ops.scale(parts[0] if len(parts) == 1 else ops.add(*parts), s.scale)
