"""Which layers of a ModernBERT see the whole text, and the bases of their angles, in the keys of two generations.

`transformers` 4 writes `global_attn_every_n_layers`, `global_rope_theta` and `local_rope_theta`; `transformers` 5
writes `layer_types`, the kind of each layer by name, and `rope_parameters`, the angles of each kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FULL = "full_attention"
SLIDING = "sliding_attention"
KINDS = (FULL, SLIDING)

ANGLES = {FULL: "global_rope_theta", SLIDING: "local_rope_theta"}
"""The key of `transformers` 4 for the base of the angles of each kind of layer."""


def translate_newer_keys(config: Any) -> None:
    """Say what the keys of `transformers` 5 say in those of 4.57, so that a config has one value for each fact.

    What the older keys have no words for stays: other turns of layers than every n-th, and angles that are refused.
    """
    kinds = getattr(config, "layer_types", None)
    every = _every(kinds, config.global_attn_every_n_layers) if isinstance(kinds, Sequence) else None
    if every is not None:
        config.global_attn_every_n_layers = every
    if every is not None or kinds is None:
        vars(config).pop("layer_types", None)
    angles = getattr(config, "rope_parameters", None)
    if angles is None or not impossible_angles(angles):
        for kind, key in ANGLES.items():
            theta = ((angles or {}).get(kind) or {}).get("rope_theta")
            if theta is not None:
                setattr(config, key, theta)
        vars(config).pop("rope_parameters", None)


def layer_types(config: Any) -> list[str]:
    """The kind of each layer."""
    kinds = getattr(config, "layer_types", None)
    if kinds is not None:
        return list(kinds)
    return _turns(config.num_hidden_layers, config.global_attn_every_n_layers)


def impossible_newer_keys(config: Any) -> list[str]:
    """What is wrong with the keys of `transformers` 5, in words."""
    reasons = []
    kinds = getattr(config, "layer_types", None)
    if kinds is not None:
        if not isinstance(kinds, list | tuple) or any(kind not in KINDS for kind in kinds):
            reasons.append(f"`layer_types` is {kinds!r}, and must be a list of {' and '.join(map(repr, KINDS))}")
        elif len(kinds) != config.num_hidden_layers:
            reasons.append(
                f"`layer_types` names {len(kinds)} layers, and `num_hidden_layers` is {config.num_hidden_layers!r}"
            )
    angles = getattr(config, "rope_parameters", None)
    if angles is not None and impossible_angles(angles):
        reasons.append(
            f"`rope_parameters` is {angles!r}, and only a `rope_theta` for each of {' and '.join(map(repr, KINDS))}, "
            "with the `rope_type` 'default', is computed"
        )
    return reasons


def impossible_angles(angles: Any) -> bool:
    """Whether the angles are others than those of one base for each kind of layer."""
    if not isinstance(angles, Mapping) or not set(angles) <= set(KINDS):
        return True
    return any(
        not isinstance(own, Mapping)
        or not set(own) <= {"rope_theta", "rope_type"}
        or own.get("rope_type", "default") != "default"
        for own in angles.values()
        if own is not None
    )


def _every(kinds: Sequence[Any], usual: Any) -> int | None:
    """The n of which every n-th layer sees the whole text, from the first on; None where the layers turn otherwise."""
    numbers = [usual] if type(usual) is int and usual > 0 else []
    fitting = (n for n in (*numbers, *range(1, len(kinds) + 1)) if list(kinds) == _turns(len(kinds), n))
    return next(fitting, None)


def _turns(layers: int, every: int) -> list[str]:
    return [SLIDING if n % every else FULL for n in range(layers)]
