"""BERT with rotary positions and gated feed-forward layers: what the families `nomic_bert` and `new` have in common.

Source: Devlin et al., 2018, https://arxiv.org/abs/1810.04805; Su et al., 2021, https://arxiv.org/abs/2104.09864;
Shazeer, 2020, https://arxiv.org/abs/2002.05202. `transformers` 4 has neither family; they are checked against numbers
of `transformers` 5 in tests/parity/test_golden.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pellucid.architectures.bert import BertSettings, bert_embeddings, impossible_sizes
from pellucid.architectures.family import Encode
from pellucid.config import Config
from pellucid.layers import layer_norm, linear, turned_angles
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights


@dataclass(frozen=True)
class RotaryBertSettings(BertSettings):
    """What the function needs to know besides; `place` is "rotary".

    Attributes:
        theta: the base of the rotary angles.
        slower: how many times slower all of them turn.
        stretch: how many times longer than those that it learned from texts may be, by "ntk" scaling.
        has_biases: whether the linear maps of attention have one, and the one that narrows again.
        opened_dropout: of what the gate lets through, while a model is trained.
        has_head_biases: whether the linear maps of the head that finds words have one.
    """

    theta: float = 10000.0
    slower: float = 1.0
    stretch: float = 1.0
    has_biases: bool = True
    opened_dropout: float = 0.0
    has_head_biases: bool = True


Widen: TypeAlias = Callable[[Ops, Weights, RotaryBertSettings, Array], tuple[Array, Array]]
"""Operations, weights of a feed-forward layer, settings, `[T, H]` → what bends, and its factor, `[T, I]` each."""


def rotary_bert(widen: Widen) -> Encode:
    """The function of a family.

    Args:
        widen: how its feed-forward layers widen.
    """

    def encode(ops: Ops, w: Weights, settings: RotaryBertSettings, inputs: Inputs) -> Array:
        """Give each token a vector that knows its whole text: ids `[T]` → hidden states `[T, H]`.

        The data's way: token + type → norm → layers × (attention, add, norm, gated feed-forward, add, norm).
        The embeddings and the output of each layer are tapped as "hidden_states".
        """
        s = settings
        x = bert_embeddings(ops, w / "embeddings", s, inputs)
        dimension = s.width // s.heads
        theta, slower = s.theta * s.stretch, s.slower * s.stretch ** (2 / dimension)
        angles = turned_angles(ops, inputs.positions, s.positions, dimension, theta, x, slower)
        x = ops.tap("hidden_states", x)
        for n in range(s.layers):
            layer = w / f"layers.{n}"
            attended = ops.dropout(
                _attention(ops, layer / "attention", s, x, angles, inputs), s.dropout.attention_output
            )
            x = layer_norm(ops, layer / "attention.norm", ops.add(x, attended), s.width, s.eps)
            stage = layer / "feed_forward"
            bent, value = widen(ops, stage, s, x)
            opened = ops.dropout(ops.multiply(ops.activation(s.activation, bent), value), s.opened_dropout)
            fed = linear(ops, stage / "outer", opened, s.inner, s.width, bias=s.has_biases)
            fed = ops.dropout(fed, s.dropout.feed_forward)
            x = ops.tap("hidden_states", layer_norm(ops, stage / "norm", ops.add(x, fed), s.width, s.eps))
        return x

    return encode


def _attention(
    ops: Ops, w: Weights, settings: RotaryBertSettings, x: Array, angles: tuple[Array, Array], inputs: Inputs
) -> Array:
    """Attention whose queries and keys are turned by their positions: `[T, H] → [T, H]`."""
    s = settings
    joined = linear(ops, w / "query_key_value", x, s.width, 3 * s.width, bias=s.has_biases)
    query, key, value = ops.split(joined, [s.width] * 3)
    query, key = (ops.rotary(one, *angles, s.heads) for one in (query, key))
    mixed = ops.attention(
        query, key, value, inputs.layout, heads=s.heads, scale=(s.width // s.heads) ** -0.5, dropout=s.dropout.attention
    )
    return linear(ops, w / "output", mixed, s.width, s.width, bias=s.has_biases)


def impossible_turning(config: Config, settings: RotaryBertSettings) -> list[str]:
    """Sizes and angles that no such encoder can have, in words.

    Args:
        config: its `head_dim`, where it has one, must be that of its sizes.
        settings: what was read from it.
    """
    reasons = impossible_sizes(config, settings)
    if reasons:
        return reasons
    dimension = settings.width // settings.heads
    if dimension % 2:
        reasons.append(
            f"`hidden_size` {settings.width} makes heads of {dimension} numbers, which rotary positions cannot turn in "
            "pairs"
        )
    for name, value in (("base of the rotary angles", settings.theta), ("factor of their scaling", settings.slower)):
        if type(value) not in (int, float) or not value > 0:
            reasons.append(f"the {name} is {value!r}, and must be a number above 0")
    own = getattr(config, "head_dim", None)
    if own not in (None, dimension):
        reasons.append(
            f"`head_dim` is {own!r}, and only `hidden_size` / `num_attention_heads`, {dimension}, is computed"
        )
    return reasons


def rope_parameters(config: Any, usual_theta: Any) -> tuple[Any, Any]:
    """The base of the rotary angles, and how many times slower they turn, as `transformers` 5 writes them.

    Args:
        config: its `rope_parameters` may be None.
        usual_theta: the base where it says none.
    """
    given = config.rope_parameters or {}
    return given.get("rope_theta", usual_theta), given.get("factor", 1.0)


def impossible_rope_parameters(config: Any) -> list[str]:
    """What of `rope_parameters` is not computed, in words."""
    given = config.rope_parameters
    if given is None:
        return []
    if not isinstance(given, dict):
        return [f"`rope_parameters` is {given!r}, and must be a dictionary"]
    kind = given.get("rope_type", "default")
    known = {"default": {"rope_type", "rope_theta"}, "linear": {"rope_type", "rope_theta", "factor"}}
    if kind not in known:
        return [f"`rope_type` in `rope_parameters` is {kind!r}, and only 'default' and 'linear' are computed"]
    other = sorted(set(given) - known[kind])
    return [f"`rope_parameters` of the type {kind!r} has {', '.join(other)}, which is not computed"] if other else []
