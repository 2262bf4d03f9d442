"""AdamW as `transformers` sets it up: which parameters decay, how fast each layer learns, and how the rate moves."""

from __future__ import annotations

import math
import re
from typing import Any, TypeAlias

import torch
from torch import nn

from pellucid.training.settings import Settings

Optimizer: TypeAlias = Any
"""A `torch.optim.AdamW`."""

_LAYER = re.compile(r"(?:^|\.)layers?\.(\d+)\.")


def adamw(model: Any, settings: Settings) -> Optimizer:
    """The optimizer (Loshchilov & Hutter, 2019, arXiv:1711.05101) of every parameter that learns.

    Biases and the weights of norms do not decay.

    Args:
        model: a model on PyTorch.
        settings: the recipe.
    """
    parameters = {name: one for name, one in model.named_parameters() if one.requires_grad}
    norms = {
        f"{path}.{leaf}"
        for path, module in model.named_modules()
        if isinstance(module, nn.LayerNorm | nn.RMSNorm)
        for leaf, _ in module.named_parameters(recurse=False)
    }
    heights = {name: _height(name) for name in parameters}
    top = 1 + max((height for height in heights.values() if height is not None), default=0)
    groups: dict[tuple[float, float], list[Any]] = {}
    for name, parameter in parameters.items():
        height = heights[name]
        rate = settings.learning_rate * settings.layer_decay ** (top - (top if height is None else height))
        decay = 0.0 if name in norms or name.endswith("bias") else settings.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": members, "lr": rate, "full_rate": rate, "weight_decay": decay}
            for (rate, decay), members in groups.items()
        ],
        fused=True,
    )


def _height(name: str) -> int | None:
    """The number of a parameter's layer, counted from 1; 0 for the embeddings, None for what stands above."""
    found = _LAYER.search(name)
    if found:
        return int(found[1]) + 1
    return 0 if "embeddings" in name else None


def factor(settings: Settings, step: int, steps: int) -> float:
    """The share of the full learning rate that a step is taken with.

    Args:
        settings: the recipe.
        step: counted from 0.
        steps: of the whole run.
    """
    warmup = math.ceil(settings.warmup * steps)
    if step < warmup:
        return step / max(1, warmup)
    if settings.schedule == "constant":
        return 1.0
    done = (step - warmup) / max(1, steps - warmup)
    return 1.0 - done if settings.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2


def set_rates(optimizer: Optimizer, share: float) -> None:
    """Give every group its share of its full learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["full_rate"] * share
