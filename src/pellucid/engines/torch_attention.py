"""Attention on PyTorch tensors: by rectangles of near-equal lengths, or by the kernel for rows of unequal lengths."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch.nn import functional

from pellucid.engines.torch_layout import PackedLayout

try:
    from torch.nn.attention.varlen import varlen_attn
except ImportError:  # a PyTorch older than the kernel, or built without it
    varlen_attn = None

Array: TypeAlias = Any
"""A `torch.Tensor`."""

HAS_KERNEL_FOR_ROWS = varlen_attn is not None


def attention_of_groups(
    query: Array, key: Array, value: Array, layout: Any,
    heads: int, kv_heads: int, scale: float, causal: bool, window: int | None,
    bias: Array | None, dropout: float,
) -> Array:  # fmt: skip
    """Attention by the fused kernel, one rectangle of neighbouring sequences after the other."""
    mixed, first = [], 0
    for group in layout.groups():
        q, k, v = (
            group.rectangle(x).view(group.count, group.length, number, -1).transpose(1, 2)
            for x, number in ((query, heads), (key, kv_heads), (value, kv_heads))
        )
        visible = within_reach(group.length, causal, window, query.device)
        if group.is_token is not None:
            keys = group.is_token[:, None, None, :]
            visible = keys if visible is None else keys & visible
        mask = visible if bias is None else _scores_of_group(bias, visible, group, first)
        first += group.count
        by_head = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout, scale=scale, enable_gqa=kv_heads != heads
        )
        mixed.append(group.packed(by_head.transpose(1, 2).flatten(-2).flatten(0, 1)))
    return mixed[0] if len(mixed) == 1 else torch.cat(mixed)


def _scores_of_group(bias: Array, visible: Array | None, group: Any, first: int) -> Array:
    """What is added to the scores of one group, far below all others where a key is hidden: `[B, A, L, L]`."""
    length = group.length
    own = bias if bias.dim() < 4 or bias.shape[0] == 1 else bias[first : first + group.count]
    own = own[..., :length, :length]
    if visible is None:
        return own
    # Half of the lowest number: to add a score to the lowest itself would be minus infinity, and a row of them NaN.
    return torch.where(visible, own, torch.finfo(own.dtype).min / 2)


def takes_rows(query: Array, layout: Any) -> bool:
    """Whether PyTorch has a kernel for rows of unequal lengths here: on CUDA, in half precision, from 2.10 on."""
    return (
        query.is_cuda
        and query.dtype in (torch.float16, torch.bfloat16)
        and isinstance(layout, PackedLayout)
        and varlen_attn is not None
    )


def attention_of_rows(
    query: Array, key: Array, value: Array, layout: Any,
    heads: int, kv_heads: int, scale: float, causal: bool, window: int | None,
) -> Array:  # fmt: skip
    """Attention on the packed rows themselves, by the variable-length kernel (Dao, 2023, arXiv:2307.08691)."""
    q, k, v = (x.unflatten(-1, (n, -1)) for x, n in ((query, heads), (key, kv_heads), (value, kv_heads)))
    reach = -1 if window is None else window
    mixed = varlen_attn(
        q, k, v, layout.edges, layout.edges, layout.longest, layout.longest,
        scale=scale, window_size=(reach, 0 if causal else reach), enable_gqa=kv_heads != heads,
    )  # fmt: skip
    return mixed.flatten(-2)


def within_reach(length: int, causal: bool, window: int | None, device: torch.device) -> Array | None:
    """Which key each query may see by its place, bool `[L, L]`; None where it may see all."""
    if not causal and window is None:
        return None
    column = torch.arange(length, device=device)
    distance = column[:, None] - column[None, :]  # how far the key lies before the query
    near = distance >= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
    return near if window is None else near & (distance.abs() <= window)
