"""DeBERTa-v2 and v3: DeBERTa whose farther distances share buckets, and may share the maps of what tokens say.

Source: He et al., 2021, https://arxiv.org/abs/2111.09543, and the release of v2 by the authors of
https://arxiv.org/abs/2006.03654; where the papers and the checkpoints on the Hub disagree, the checkpoints are right.
Checked against `transformers` in tests/parity/test_deberta.py.
"""

from __future__ import annotations

from typing import Any

from pellucid.architectures import head_kinds
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
from pellucid.architectures.disentangled_heads import HEAD_NAMES, HEADS, context_pooler
from pellucid.architectures.family import Family
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.layers import linear
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.positions import own_rows, signed_log_rows
from pellucid.weights import Weights


def deberta_v2(ops: Ops, w: Weights, settings: DebertaSettings, inputs: Inputs) -> Array:
    """Give each token a vector that knows its whole text: ids `[T]` → hidden states `[T, H]`.

    The data's way: token (+ position) (+ type) → norm → layers × (attention by what and where, add, norm,
    feed-forward, add, norm). The embeddings and the output of each layer are tapped as "hidden_states".
    """
    return disentangled_encoder(ops, w, settings, inputs, _content, _places)


def _content(ops: Ops, w: Weights, settings: DebertaSettings, x: Array) -> tuple[Array, Array, Array]:
    width = settings.width
    maps = [w / name for name in ("query", "key", "value")]
    query, key, value = ops.linears(
        x, [one("weight", width, width) for one in maps], [one("bias", width) for one in maps]
    )
    return query, key, value


def _places(ops: Ops, w: Weights, settings: DebertaSettings, relative: Array, role: str) -> Array:
    is_shared = settings.relative is not None and settings.relative.shares_maps
    return linear(ops, w / (role if is_shared else f"position_{role}"), relative, settings.width, settings.width)


class DebertaV2Config(Config):
    """The config of a DeBERTa-v2 or v3 checkpoint; the defaults are those of `transformers`.

    There distances count for nothing. What deberta-v3-base has besides: `relative_attention`, `position_buckets` 256,
    `pos_att_type` "p2c|c2p", `share_att_key`, `norm_rel_ebd` "layer_norm", no `position_biased_input`.
    """

    model_type = "deberta-v2"
    defaults = {
        "vocab_size": 128100,
        **DEFAULTS,
        "hidden_size": 1536,
        "num_hidden_layers": 24,
        "num_attention_heads": 24,
        "intermediate_size": 6144,
        "attention_head_size": None,
        "position_buckets": -1,
        "share_att_key": False,
        "norm_rel_ebd": "none",
        "conv_kernel_size": 0,
        "conv_act": "tanh",
        "conv_groups": 1,
    }
    # Of a convolution that is refused.
    harmless = frozenset({"conv_act", "conv_groups"})
    optional = OPTIONAL | {"attention_head_size", "conv_act", "conv_groups", "conv_kernel_size"}
    supported = {"conv_kernel_size": (0,)}

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        write_out(self)

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        reasons = impossible_distances(self)
        buckets, norm = self.position_buckets, self.norm_rel_ebd
        if type(buckets) is not int or (buckets > 0 and (buckets < 4 or buckets % 2)):
            reasons.append(f"`position_buckets` is {buckets!r}, and must be an even number from 4 on, or -1 for none")
        elif not reasons and buckets > 0 and relative_span(self) <= buckets // 2 + 1:
            reasons.append(
                f"`max_relative_positions` {relative_span(self)} is not more than half of `position_buckets` {buckets}"
            )
        if not isinstance(norm, str):
            reasons.append(f"`norm_rel_ebd` is {norm!r}, and must be 'layer_norm' or 'none'")
        if reasons:
            return reasons
        reasons = impossible_values(self, read_deberta_v2_config(self))
        if not reasons and self.attention_head_size not in (None, even_head_size(self)):
            reasons.append(
                f"`attention_head_size` is {self.attention_head_size!r}, and only {even_head_size(self)}, the even "
                "share of `hidden_size`, is computed"
            )
        return reasons


def read_deberta_v2_config(config: Any) -> DebertaSettings:
    """Take from a DeBERTa-v2 config what the function needs."""
    relative = _relative(config)
    own = config.attention_head_size
    head_width = even_head_size(config) if own is None else own
    return deberta_settings(config, relative if config.relative_attention else None, head_width)


def _relative(config: Any) -> Relative:
    furthest, met = relative_span(config), config.pos_att_type or ()
    has_buckets = config.position_buckets > 0
    span = config.position_buckets if has_buckets else furthest
    return Relative(
        rows=signed_log_rows(span, furthest) if has_buckets else own_rows(span),
        count=2 * span,
        from_content="c2p" in met,
        from_position="p2c" in met,
        has_norm="layer_norm" in [word.strip() for word in config.norm_rel_ebd.lower().split("|")],
        shares_maps=bool(config.share_att_key),
    )


NAMES = NameTable(
    prefix="deberta.",
    body={
        **SHARED_NAMES,
        "layers.{n}.attention.query": "encoder.layer.{n}.attention.self.query_proj",
        "layers.{n}.attention.key": "encoder.layer.{n}.attention.self.key_proj",
        "layers.{n}.attention.value": "encoder.layer.{n}.attention.self.value_proj",
        "layers.{n}.attention.position_key": "encoder.layer.{n}.attention.self.pos_key_proj",
        "layers.{n}.attention.position_query": "encoder.layer.{n}.attention.self.pos_query_proj",
    },
    heads=HEAD_NAMES,
    ignored=UNREAD,
)

FAMILY = Family(
    model_type="deberta-v2",
    title="DeBERTa-v2",
    class_prefix="DebertaV2",
    config=DebertaV2Config,
    read_config=read_deberta_v2_config,
    encode=deberta_v2,
    heads={**HEADS, "multiple-choice": head_kinds.multiple_choice(context_pooler)},
    names=NAMES,
    inputs=("token_type_ids", "position_ids"),
)
