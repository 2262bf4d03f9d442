"""MobileBERT: a deep and thin BERT, whose layers are narrow between two bottlenecks.

Source: Sun et al., 2020, https://arxiv.org/abs/2004.02984, §3; where the paper and the checkpoints on the Hub disagree,
the checkpoints are right. Checked against `transformers` in tests/parity/test_encoders.py and
tests/parity/test_mobilebert.py.

A token's vector is made of its own embedding and its two neighbours'. Behind the last token there is nothing, and its
neighbour is zeros, as in `transformers` where a text stands alone. In a batch `transformers` takes the embedding of
[PAD] there wherever a longer text makes room for one, so its numbers for a text depend on the others; these do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pellucid.architectures.bert import BertSettings, common_dropout, common_sizes, impossible_sizes
from pellucid.architectures.family import Family
from pellucid.architectures.mobilebert_heads import HEAD_NAMES, HEADS
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.layers import feed_forward, layer_norm, linear, neighbours, scale_and_shift
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights

USUAL_EPS = 1e-5
"""Of the norms of the embeddings and of the last feed-forward layer: no key of the config, PyTorch's own in the
reference."""

Norm: TypeAlias = Callable[[Ops, Weights, Array, int, float], Array]
"""Operations, weights, `[T, width]`, width, epsilon → `[T, width]`."""

NORMS: dict[str, Norm] = {
    "layer_norm": layer_norm,
    "no_norm": lambda ops, w, x, width, eps: scale_and_shift(ops, w, x, width),
}
"""By the words of configs."""


@dataclass(frozen=True)
class MobileBertSettings(BertSettings):
    """What the function needs to know besides.

    Attributes:
        narrow: size of the hidden states inside of a layer.
        trigrams: whether a token's neighbours are a part of it.
        has_bottlenecks: whether a layer is narrower than what goes in and comes out.
        narrows_value: whether attention sees nothing but the bottleneck's output.
        narrows_query: whether query and key have a bottleneck of their own, otherwise.
        feed_forwards: how many feed-forward layers stand one behind the other in a layer.
        norm: the config's word.
        has_pooler_layer: whether the first token is sent through a linear layer to stand for its text.
    """

    narrow: int = 0
    trigrams: bool = True
    has_bottlenecks: bool = True
    narrows_value: bool = False
    narrows_query: bool = True
    feed_forwards: int = 4
    norm: str = "no_norm"
    has_pooler_layer: bool = True


def mobilebert(ops: Ops, w: Weights, settings: MobileBertSettings, inputs: Inputs) -> Array:
    """Give each token a vector that knows its whole text: ids `[T]` → hidden states `[T, H]`.

    The data's way: token with its neighbours → linear → + position + type → norm → layers × (narrow, attention, add,
    norm, several × (feed-forward, add, norm), widen, add, norm).
    The embeddings and the output of each layer are tapped as "hidden_states".
    """
    s = settings
    x = ops.tap("hidden_states", _embeddings(ops, w / "embeddings", s, inputs))
    for n in range(s.layers):
        x = ops.tap("hidden_states", _layer(ops, w / f"layers.{n}", s, x, inputs))
    return x


def _norm(ops: Ops, w: Weights, settings: MobileBertSettings, x: Array, width: int, eps: float | None = None) -> Array:
    return NORMS[settings.norm](ops, w, x, width, settings.eps if eps is None else eps)


def _embeddings(ops: Ops, w: Weights, settings: MobileBertSettings, inputs: Inputs) -> Array:
    """What each token is before it has seen any but its neighbours: ids `[T]` → `[T, H]`."""
    s = settings
    x, width = ops.embedding((w / "tokens")("weight", s.vocabulary, s.embedding_width), inputs.ids), s.embedding_width
    if s.trigrams:
        before, behind = neighbours(ops, x, inputs.layout)
        x, width = ops.concat([behind, x, before]), 3 * width
    if width != s.width:
        x = linear(ops, w / "projection", x, width, s.width)
    x = ops.add(x, ops.embedding((w / "positions")("weight", s.positions, s.width), inputs.positions))
    x = ops.add(x, ops.embedding((w / "types")("weight", s.types, s.width), inputs.types))
    return ops.dropout(_norm(ops, w / "norm", s, x, s.width, USUAL_EPS), s.dropout.embeddings)


def _layer(ops: Ops, w: Weights, settings: MobileBertSettings, x: Array, inputs: Inputs) -> Array:
    """One layer: `[T, H] → [T, H]`."""
    s = settings
    # Where there are bottlenecks, it is behind the last one alone that anything is dropped out.
    attended_dropout = 0.0 if s.has_bottlenecks else s.dropout.attention_output
    fed_dropout = 0.0 if s.has_bottlenecks else s.dropout.feed_forward
    narrow = _bottleneck(ops, w / "narrowed", s, x) if s.has_bottlenecks else x
    attended = ops.dropout(_attention(ops, w, s, x, narrow, inputs), attended_dropout)
    y = _norm(ops, w / "attention.norm", s, ops.add(attended, narrow), s.narrow)
    for m in range(s.feed_forwards - 1):
        stage = w / f"feed_forwards.{m}"
        fed = feed_forward(ops, stage, y, s.narrow, s.inner, s.activation)
        y = _norm(ops, stage / "norm", s, ops.add(fed, y), s.narrow)
    fed = ops.dropout(feed_forward(ops, w / "feed_forward", y, s.narrow, s.inner, s.activation), fed_dropout)
    y = _norm(ops, w / "feed_forward.norm", s, ops.add(fed, y), s.narrow, USUAL_EPS)
    if not s.has_bottlenecks:
        return y
    widened = ops.dropout(linear(ops, w / "widened", y, s.narrow, s.width), s.dropout.feed_forward)
    return _norm(ops, w / "widened.norm", s, ops.add(widened, x), s.width)


def _bottleneck(ops: Ops, w: Weights, settings: MobileBertSettings, x: Array) -> Array:
    s = settings
    return _norm(ops, w / "norm", s, linear(ops, w, x, s.width, s.narrow), s.narrow)


def _attention(ops: Ops, w: Weights, settings: MobileBertSettings, x: Array, narrow: Array, inputs: Inputs) -> Array:
    """Attention over what the config lets it see, a layer's input or its bottlenecks': `[T, H] → [T, narrow]`."""
    s, seen = settings, x
    value, value_width = x, s.width
    if s.has_bottlenecks and s.narrows_value:
        seen = value = narrow
        value_width = s.narrow
    elif s.has_bottlenecks and s.narrows_query:
        seen = _bottleneck(ops, w / "narrowed_query", s, x)
    maps = w / "attention"
    shared = [maps / name for name in ("query", "key")]
    query, key = ops.linears(
        seen, [one("weight", s.narrow, s.narrow) for one in shared], [one("bias", s.narrow) for one in shared]
    )
    mixed = ops.attention(
        query, key, linear(ops, maps / "value", value, value_width, s.narrow), inputs.layout, heads=s.heads,
        scale=(s.narrow // s.heads) ** -0.5, dropout=s.dropout.attention,
    )  # fmt: skip
    return linear(ops, maps / "output", mixed, s.narrow, s.narrow)


class MobileBertConfig(Config):
    """The config of a MobileBERT checkpoint; the defaults are those of mobilebert-uncased."""

    model_type = "mobilebert"
    defaults = {
        "vocab_size": 30522,
        "hidden_size": 512,
        "num_hidden_layers": 24,
        "num_attention_heads": 4,
        "intermediate_size": 512,
        "hidden_act": "relu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "embedding_size": 128,
        "trigram_input": True,
        "use_bottleneck": True,
        "intra_bottleneck_size": 128,
        "use_bottleneck_attention": False,
        "key_query_shared_bottleneck": True,
        "num_feedforward_networks": 4,
        "normalization_type": "no_norm",
        "classifier_activation": True,
        "classifier_dropout": None,
        "true_hidden_size": None,
    }
    harmless = frozenset({"true_hidden_size"})  # which follows from the others
    supported = {"normalization_type": tuple(NORMS)}

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.true_hidden_size = self.intra_bottleneck_size if self.use_bottleneck else self.hidden_size

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        s = read_mobilebert_config(self)
        sizes = ("embedding_size", "intra_bottleneck_size", "num_feedforward_networks")
        reasons = impossible_sizes(self, s)
        reasons += [
            f"`{name}` is {getattr(self, name)!r}, and must be a whole number, at least 1"
            for name in sizes
            if type(getattr(self, name)) is not int or getattr(self, name) < 1
        ]
        if reasons:
            return reasons
        if s.narrow % s.heads:
            reasons.append(
                f"`intra_bottleneck_size` {s.narrow} cannot be divided among `num_attention_heads` {s.heads} heads"
            )
        if s.embedding_width > s.width:
            reasons.append(f"`embedding_size` {s.embedding_width} is above `hidden_size` {s.width}")
        if s.has_bottlenecks and not (s.narrows_value or s.narrows_query) and s.narrow != s.width:
            reasons.append(
                "neither `use_bottleneck_attention` nor `key_query_shared_bottleneck` is true, so `hidden_size` "
                f"{s.width} meets maps of `intra_bottleneck_size` {s.narrow}, and the two must be the same"
            )
        return reasons


def read_mobilebert_config(config: Any) -> MobileBertSettings:
    """Take from a MobileBERT config what the function needs."""
    return MobileBertSettings(
        **common_sizes(config),
        types=config.type_vocab_size,
        embedding_width=config.embedding_size,
        narrow=config.intra_bottleneck_size if config.use_bottleneck else config.hidden_size,
        trigrams=bool(config.trigram_input),
        has_bottlenecks=bool(config.use_bottleneck),
        narrows_value=bool(config.use_bottleneck_attention),
        narrows_query=bool(config.key_query_shared_bottleneck),
        feed_forwards=config.num_feedforward_networks,
        norm=config.normalization_type,
        has_pooler_layer=bool(config.classifier_activation),
        dropout=common_dropout(config),
    )


NAMES = NameTable(
    prefix="mobilebert.",
    body={
        "embeddings.tokens": "embeddings.word_embeddings",
        "embeddings.positions": "embeddings.position_embeddings",
        "embeddings.types": "embeddings.token_type_embeddings",
        "embeddings.projection": "embeddings.embedding_transformation",
        "embeddings.norm": "embeddings.LayerNorm",
        "layers.{n}.narrowed": "encoder.layer.{n}.bottleneck.input.dense",
        "layers.{n}.narrowed.norm": "encoder.layer.{n}.bottleneck.input.LayerNorm",
        "layers.{n}.narrowed_query": "encoder.layer.{n}.bottleneck.attention.dense",
        "layers.{n}.narrowed_query.norm": "encoder.layer.{n}.bottleneck.attention.LayerNorm",
        "layers.{n}.attention.query": "encoder.layer.{n}.attention.self.query",
        "layers.{n}.attention.key": "encoder.layer.{n}.attention.self.key",
        "layers.{n}.attention.value": "encoder.layer.{n}.attention.self.value",
        "layers.{n}.attention.output": "encoder.layer.{n}.attention.output.dense",
        "layers.{n}.attention.norm": "encoder.layer.{n}.attention.output.LayerNorm",
        "layers.{n}.feed_forwards.{m}.inner": "encoder.layer.{n}.ffn.{m}.intermediate.dense",
        "layers.{n}.feed_forwards.{m}.outer": "encoder.layer.{n}.ffn.{m}.output.dense",
        "layers.{n}.feed_forwards.{m}.norm": "encoder.layer.{n}.ffn.{m}.output.LayerNorm",
        "layers.{n}.feed_forward.inner": "encoder.layer.{n}.intermediate.dense",
        "layers.{n}.feed_forward.outer": "encoder.layer.{n}.output.dense",
        "layers.{n}.feed_forward.norm": "encoder.layer.{n}.output.LayerNorm",
        "layers.{n}.widened": "encoder.layer.{n}.output.bottleneck.dense",
        "layers.{n}.widened.norm": "encoder.layer.{n}.output.bottleneck.LayerNorm",
        "pooler": "pooler.dense",
    },
    heads=HEAD_NAMES,
    # What the reference makes and never reads, where the config leaves no use for it.
    ignored=(
        r"(^|\.)embeddings\.position_ids$",
        r"(^|\.)embeddings\.embedding_transformation\.",
        r"\.bottleneck\.attention\.",
    ),
)

FAMILY = Family(
    model_type="mobilebert",
    title="MobileBERT",
    class_prefix="MobileBert",
    config=MobileBertConfig,
    read_config=read_mobilebert_config,
    encode=mobilebert,
    heads=HEADS,
    names=NAMES,
    inputs=("token_type_ids", "position_ids"),
)
