"""ModernBERT: norms before the parts, rotary positions, gated feed-forward layers, and attention in a window.

Source: Warner et al., 2024, https://arxiv.org/abs/2412.13663, §2.1; where the paper and the checkpoints on the Hub
disagree, the checkpoints are right. Checked against `transformers` in tests/parity/test_modernbert.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pellucid.architectures.bert import Dropout, impossible_sizes
from pellucid.architectures.family import Family
from pellucid.architectures.modernbert_heads import HEAD_NAMES, HEADS
from pellucid.architectures.modernbert_layers import (
    FULL,
    impossible_newer_keys,
    layer_types,
    translate_newer_keys,
)
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.layers import gated_feed_forward, layer_norm, linear, turned_angles
from pellucid.ops import ACTIVATIONS, Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights


@dataclass(frozen=True)
class Reach:
    """How far a layer's attention sees.

    Attributes:
        window: tokens in either direction; None for all.
        theta: the base of the rotary angles.
    """

    window: int | None
    theta: float


@dataclass(frozen=True)
class ModernBertSettings:
    """What the function needs to know.

    Attributes:
        width: size of the hidden states, H.
        inner: size of one half of the feed-forward layer.
        reaches: how far each layer sees.
        heads: how many attention heads, A.
        vocabulary: how many token ids, V.
        positions: how many tokens a text may have.
        activation: the config's word.
        eps: of every layer norm.
        norm_bias: whether norms have a bias.
        attention_bias: whether the linear maps of attention have one.
        feed_forward_bias: whether those of the feed-forward layers have one.
        dropout: what is dropped out in training; `feed_forward` inside of the feed-forward layer.
        head: what its heads are.
        types: always 0; no kinds of text are told apart.
        padding_id: always None; positions begin at 0.
    """

    width: int
    inner: int
    reaches: tuple[Reach, ...]
    heads: int
    vocabulary: int
    positions: int
    activation: str
    eps: float
    norm_bias: bool
    attention_bias: bool
    feed_forward_bias: bool
    dropout: Dropout
    head: HeadSettings
    types: int = 0
    padding_id: int | None = None

    @property
    def layers(self) -> int:
        """How many layers."""
        return len(self.reaches)


@dataclass(frozen=True)
class HeadSettings:
    """What the heads need to know.

    Attributes:
        pooling: "cls" or "mean", where a text is labelled.
        activation: the config's word.
        bias: whether the head's linear map has a bias.
        decoder_bias: whether the map to the vocabulary has one.
    """

    pooling: str
    activation: str
    bias: bool
    decoder_bias: bool


def modernbert(ops: Ops, w: Weights, settings: ModernBertSettings, inputs: Inputs) -> Array:
    """Give each token a vector that knows its whole text: ids `[T]` → hidden states `[T, H]`.

    The data's way: token → norm → layers × (norm, attention, add, norm, feed-forward, add) → norm.
    The embeddings and the output of each layer are tapped as "hidden_states", without the last norm.
    """
    s = settings
    x = ops.embedding((w / "embeddings.tokens")("weight", s.vocabulary, s.width), inputs.ids)
    x = ops.dropout(_norm(ops, w / "embeddings.norm", s, x), s.dropout.embeddings)
    angles = {
        theta: turned_angles(ops, inputs.positions, s.positions, s.width // s.heads, theta, x)
        for theta in dict.fromkeys(reach.theta for reach in s.reaches)
    }
    x = ops.tap("hidden_states", x)
    for n, reach in enumerate(s.reaches):
        layer = w / f"layers.{n}"
        # The first layer's input is normed by the embeddings.
        normed = _norm(ops, layer / "attention.norm", s, x) if n else x
        x = ops.add(x, _attention(ops, layer / "attention", s, reach, normed, angles[reach.theta], inputs))
        normed = _norm(ops, layer / "feed_forward.norm", s, x)
        fed = gated_feed_forward(
            ops, layer / "feed_forward", normed, s.width, s.inner, s.activation,
            bias=s.feed_forward_bias, dropout=s.dropout.feed_forward,
        )  # fmt: skip
        x = ops.tap("hidden_states", ops.add(x, fed))
    return _norm(ops, w / "norm", s, x)


def _norm(ops: Ops, w: Weights, settings: ModernBertSettings, x: Array) -> Array:
    return layer_norm(ops, w, x, settings.width, settings.eps, bias=settings.norm_bias)


def _attention(
    ops: Ops,
    w: Weights,
    settings: ModernBertSettings,
    reach: Reach,
    x: Array,
    angles: tuple[Array, Array],
    inputs: Inputs,
) -> Array:
    """Attention whose queries and keys are turned by their positions: `[T, H] → [T, H]`."""
    s = settings
    joined = linear(ops, w / "query_key_value", x, s.width, 3 * s.width, bias=s.attention_bias)
    query, key, value = ops.split(joined, [s.width] * 3)
    query, key = (ops.rotary(one, *angles, s.heads) for one in (query, key))
    mixed = ops.attention(
        query, key, value, inputs.layout, heads=s.heads, scale=(s.width // s.heads) ** -0.5,
        window=reach.window, dropout=s.dropout.attention,
    )  # fmt: skip
    mixed = linear(ops, w / "output", mixed, s.width, s.width, bias=s.attention_bias)
    return ops.dropout(mixed, s.dropout.attention_output)


class ModernBertConfig(Config):
    """The config of a ModernBERT checkpoint; the defaults are those of ModernBERT-base."""

    model_type = "modernbert"
    defaults = {
        "vocab_size": 50368,
        "hidden_size": 768,
        "intermediate_size": 1152,
        "num_hidden_layers": 22,
        "num_attention_heads": 12,
        "hidden_activation": "gelu",
        "max_position_embeddings": 8192,
        "initializer_range": 0.02,
        "initializer_cutoff_factor": 2.0,
        "norm_eps": 1e-5,
        "norm_bias": False,
        "pad_token_id": 50283,
        "eos_token_id": 50282,
        "bos_token_id": 50281,
        "cls_token_id": 50281,
        "sep_token_id": 50282,
        "global_rope_theta": 160000.0,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "global_attn_every_n_layers": 3,
        "local_attention": 128,
        "local_rope_theta": 10000.0,
        "embedding_dropout": 0.0,
        "mlp_bias": False,
        "mlp_dropout": 0.0,
        "decoder_bias": True,
        "classifier_pooling": "cls",
        "classifier_dropout": 0.0,
        "classifier_bias": False,
        "classifier_activation": "gelu",
        "deterministic_flash_attn": False,
        "sparse_prediction": False,
        "sparse_pred_ignore_index": -100,
        "reference_compile": None,
        "repad_logits_with_grad": False,
        "rope_scaling": None,
    }
    # How new weights are cut off, kernels, and which logits are left out in training; other tokens' ids.
    harmless = frozenset({
        "initializer_cutoff_factor", "deterministic_flash_attn", "reference_compile", "repad_logits_with_grad",
        "sparse_pred_ignore_index", "eos_token_id", "bos_token_id", "cls_token_id", "sep_token_id",
    })  # fmt: skip
    optional = frozenset({"reference_compile", "rope_scaling"})
    supported = {"sparse_prediction": (False,), "rope_scaling": (None,)}
    attribute_map = {"rope_theta": "global_rope_theta"}
    newer = frozenset({"layer_types", "rope_parameters"})

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        translate_newer_keys(self)

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        reasons = [
            f"`{name}` is {getattr(self, name)!r}, and must be a whole number, at least {least}"
            for name, least in (("num_hidden_layers", 0), ("global_attn_every_n_layers", 1), ("local_attention", 0))
            if type(getattr(self, name)) is not int or getattr(self, name) < least
        ]
        reasons += impossible_newer_keys(self)
        if reasons:
            return reasons
        settings: Any = read_modernbert_config(self)
        own = {"`layer_norm_eps`": "`norm_eps`", "`hidden_act`": "`hidden_activation`"}
        for reason in impossible_sizes(self, settings):
            common = next((name for name in own if reason.startswith(name)), "")
            reasons.append(own.get(common, "") + reason.removeprefix(common))
        if not reasons and (settings.width // settings.heads) % 2:
            reasons.append(
                f"`hidden_size` {settings.width} makes heads of {settings.width // settings.heads} numbers, which "
                "rotary positions cannot turn in pairs"
            )
        for name in ("global_rope_theta", "local_rope_theta"):
            theta = getattr(self, name)
            is_left_out = theta is None and name == "local_rope_theta"
            if not is_left_out and (type(theta) not in (int, float) or not theta > 0):
                reasons.append(f"`{name}` is {theta!r}, and must be a number above 0")
        if settings.head.pooling not in ("cls", "mean"):
            reasons.append(f"`classifier_pooling` is {settings.head.pooling!r}, and must be 'cls' or 'mean'")
        if settings.head.activation not in ACTIVATIONS:
            reasons.append(
                f"`classifier_activation` is {settings.head.activation!r}, and must be one of "
                f"{', '.join(sorted(ACTIVATIONS))}"
            )
        return reasons


def read_modernbert_config(config: Any) -> ModernBertSettings:
    """Take from a ModernBERT config what the function needs."""
    everywhere = Reach(None, config.global_rope_theta)
    own_theta = config.local_rope_theta is not None
    nearby = Reach(config.local_attention // 2, config.local_rope_theta if own_theta else config.global_rope_theta)
    return ModernBertSettings(
        width=config.hidden_size,
        inner=config.intermediate_size,
        reaches=tuple(everywhere if kind == FULL else nearby for kind in layer_types(config)),
        heads=config.num_attention_heads,
        vocabulary=config.vocab_size,
        positions=config.max_position_embeddings,
        activation=config.hidden_activation,
        eps=config.norm_eps,
        norm_bias=bool(config.norm_bias),
        attention_bias=bool(config.attention_bias),
        feed_forward_bias=bool(config.mlp_bias),
        dropout=Dropout(
            embeddings=config.embedding_dropout,
            attention=config.attention_dropout,
            attention_output=config.attention_dropout,
            feed_forward=config.mlp_dropout,
            head=config.classifier_dropout,
            tokens=config.classifier_dropout,
            span=config.classifier_dropout,
        ),
        head=HeadSettings(
            pooling=config.classifier_pooling,
            activation=config.classifier_activation,
            bias=bool(config.classifier_bias),
            decoder_bias=bool(config.decoder_bias),
        ),
    )


NAMES = NameTable(
    prefix="model.",
    body={
        "embeddings.tokens": "embeddings.tok_embeddings",
        "embeddings.norm": "embeddings.norm",
        "layers.{n}.attention.norm": "layers.{n}.attn_norm",
        "layers.{n}.attention.query_key_value": "layers.{n}.attn.Wqkv",
        "layers.{n}.attention.output": "layers.{n}.attn.Wo",
        "layers.{n}.feed_forward.norm": "layers.{n}.mlp_norm",
        "layers.{n}.feed_forward.inner": "layers.{n}.mlp.Wi",
        "layers.{n}.feed_forward.outer": "layers.{n}.mlp.Wo",
        "norm": "final_norm",
    },
    heads=HEAD_NAMES,
)

FAMILY = Family(
    model_type="modernbert",
    title="ModernBERT",
    class_prefix="ModernBert",
    config=ModernBertConfig,
    read_config=read_modernbert_config,
    encode=modernbert,
    heads=HEADS,
    names=NAMES,
    inputs=("position_ids",),
)
