"""How the configs of DeBERTa and DeBERTa-v2 are read, and the names that their checkpoints share."""

from __future__ import annotations

from typing import Any

from pellucid.architectures.bert import Dropout, impossible_sizes
from pellucid.architectures.disentangled import DebertaSettings, Pooler, Relative
from pellucid.config import Config
from pellucid.ops import ACTIVATIONS

ANY_LENGTH = 2**31 - 1
"""How many tokens a text may have where no table of places in the text limits it."""

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

OPTIONAL = frozenset({"cls_dropout", "embedding_size"})
"""Those of them that the reference's own configs do not have."""


def write_out(config: Any) -> None:
    """Give the keys that follow from others their values, as the reference writes them."""
    if isinstance(config.pos_att_type, str):
        config.pos_att_type = [word.strip() for word in config.pos_att_type.lower().split("|")]
    if config.pooler_hidden_size is None:
        config.pooler_hidden_size = config.hidden_size


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
        embedding_width=config.hidden_size if config.embedding_size is None else config.embedding_size,
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
            tokens=hidden_dropout,
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
