"""DeBERTa: BERT whose attention tells what tokens say from where they stand, each met by the other.

Source: He et al., 2020, https://arxiv.org/abs/2006.03654, §3.1; where the paper and the checkpoints on the Hub
disagree, the checkpoints are right. Checked against `transformers` in tests/parity/test_deberta.py.
"""

from __future__ import annotations

from typing import Any

from pellucid.architectures.disentangled import DebertaSettings, Relative, disentangled_encoder
from pellucid.architectures.disentangled_config import (
    DEFAULTS,
    OPTIONAL,
    SHARED_NAMES,
    UNREAD,
    deberta_settings,
    even_head_size,
    impossible_distances,
    impossible_values,
    relative_span,
    write_out,
)
from pellucid.architectures.disentangled_heads import HEAD_NAMES, HEADS
from pellucid.architectures.family import Family
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.layers import linear
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.positions import own_rows
from pellucid.weights import Weights


def deberta(ops: Ops, w: Weights, settings: DebertaSettings, inputs: Inputs) -> Array:
    """Give each token a vector that knows its whole text: ids `[T]` → hidden states `[T, H]`.

    The data's way: token (+ position) (+ type) → norm → layers × (attention by what and where, add, norm,
    feed-forward, add, norm). The embeddings and the output of each layer are tapped as "hidden_states".
    """
    return disentangled_encoder(ops, w, settings, inputs, _content, _places)


def _content(ops: Ops, w: Weights, settings: DebertaSettings, x: Array) -> tuple[Array, Array, Array]:
    """Query, key and value from one map, in which those of a head lie side by side; keys have no bias."""
    s = settings
    joined = linear(ops, w / "query_key_value", x, s.width, 3 * s.width, bias=False)
    by_head = ops.split(joined, [s.head_width] * (3 * s.heads))
    query, key, value = (ops.concat(by_head[part::3]) for part in range(3))
    return ops.add(query, w("query_bias", s.width)), key, ops.add(value, w("value_bias", s.width))


def _places(ops: Ops, w: Weights, settings: DebertaSettings, relative: Array, role: str) -> Array:
    return linear(ops, w / f"position_{role}", relative, settings.width, settings.width, bias=role == "query")


class DebertaConfig(Config):
    """The config of a DeBERTa checkpoint; the defaults are those of `transformers`, whose distances count for nothing.

    What deberta-base has besides: `relative_attention`, `pos_att_type` "c2p|p2c", no `position_biased_input`.
    """

    model_type = "deberta"
    defaults = {"vocab_size": 50265, **DEFAULTS, "talking_head": False}
    optional = OPTIONAL | {"talking_head"}
    supported = {"talking_head": (False,)}

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        write_out(self)

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        return impossible_distances(self) or impossible_values(self, read_deberta_config(self))


def read_deberta_config(config: Any) -> DebertaSettings:
    """Take from a DeBERTa config what the function needs."""
    span = relative_span(config)
    met = config.pos_att_type or ()
    relative = Relative(own_rows(span), 2 * span, "c2p" in met, "p2c" in met) if config.relative_attention else None
    return deberta_settings(config, relative, even_head_size(config))


NAMES = NameTable(
    prefix="deberta.",
    body={
        **SHARED_NAMES,
        "layers.{n}.attention.query_key_value": "encoder.layer.{n}.attention.self.in_proj",
        "layers.{n}.attention.position_key": "encoder.layer.{n}.attention.self.pos_proj",
        "layers.{n}.attention.position_query": "encoder.layer.{n}.attention.self.pos_q_proj",
    },
    heads=HEAD_NAMES,
    parameters={
        "layers.{n}.attention.query_bias": "encoder.layer.{n}.attention.self.q_bias",
        "layers.{n}.attention.value_bias": "encoder.layer.{n}.attention.self.v_bias",
    },
    ignored=UNREAD,
)

FAMILY = Family(
    model_type="deberta",
    title="DeBERTa",
    class_prefix="Deberta",
    config=DebertaConfig,
    read_config=read_deberta_config,
    encode=deberta,
    heads=HEADS,
    names=NAMES,
    inputs=("token_type_ids", "position_ids"),
)
