"""Weights as PyTorch's tensors: shared with the checkpoint's memory, side by side, and owned by modules."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from pellucid.weights import Tensor

Array: TypeAlias = Any
"""A `torch.Tensor`."""

PLAIN = (torch.nn.Embedding, torch.nn.Linear, torch.nn.LayerNorm, torch.nn.RMSNorm)


def is_plain(module: torch.nn.Module) -> bool:
    """Whether calling a module is the same as the operation on its weights."""
    return type(module) in PLAIN and not (
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )


def joined(tensors: Sequence[Array]) -> Array | None:
    """Tensors that lie side by side in one memory, as one along their first axis; None where they do not.

    The one tensor is a view, which no gradient goes through to the parts.
    """
    first = tensors[0]
    if torch.compiler.is_compiling() or (torch.is_grad_enabled() and any(one.requires_grad for one in tensors)):
        return None
    storage, end = first.untyped_storage().data_ptr(), first.data_ptr()
    for one in tensors:
        is_alike = one.dtype == first.dtype and one.shape[1:] == first.shape[1:] and one.is_contiguous()
        if not is_alike or one.data_ptr() != end or one.untyped_storage().data_ptr() != storage:
            return None
        end += one.nbytes
    return first.as_strided((sum(len(one) for one in tensors), *first.shape[1:]), first.stride())


def laid_side_by_side(tensors: Sequence[Array]) -> list[Array]:
    """Copies of tensors in one memory, so that `joined` finds them."""
    return list(torch.cat([one.detach() for one in tensors]).split([len(one) for one in tensors]))


def tensor_of(tensor: Tensor) -> Array:
    """A stored tensor as PyTorch's, sharing its memory."""
    if tensor.dtype == "bfloat16":
        return torch.from_numpy(tensor.data.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(tensor.data if tensor.data.flags.aligned else tensor.data.copy())


_CONSTANTS: dict[tuple[int, torch.device, torch.dtype], Array] = {}
"""Constants that are not the host's own memory, by the `id` of their array, where they lie, and their precision."""


def constant_like(array: npt.NDArray[Any], like: Array) -> Array:
    """An array of the host where another tensor lies, in its precision; whole numbers stay whole, int32.

    It shares the array's memory where that can be. Else it is made once, and forgotten with the array.
    """
    shared = torch.from_numpy(array)
    dtype = like.dtype if shared.is_floating_point() else torch.int32
    # While PyTorch traces, tensors are not there yet, and must not be kept.
    if torch.compiler.is_compiling() or (shared.dtype == dtype and like.device.type == "cpu"):
        return shared.to(like.device, dtype)
    key = (id(array), like.device, dtype)
    if key not in _CONSTANTS:
        # A tensor of inference mode could not take part in training later.
        with torch.inference_mode(mode=False):
            _CONSTANTS[key] = shared.to(like.device, dtype)
        weakref.finalize(array, _CONSTANTS.pop, key, None)
    return _CONSTANTS[key]
