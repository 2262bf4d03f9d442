"""Gradients with respect to the vectors of words, on PyTorch: the architecture's own function, but for the look-up.

The vectors that the function would look up in the table of words are handed in, so that they can be moved and
differentiated; nothing of the architectures knows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from pellucid.engines.program import Forward
from pellucid.engines.torch import TorchOps, host, inputs_of, usable_device
from pellucid.engines.torch_weights import tensor_of
from pellucid.packing import Packed
from pellucid.weights import Weights

Array: TypeAlias = Any
"""A `torch.Tensor`."""

Floats = npt.NDArray[np.floating[Any]]

Pullback: TypeAlias = Callable[[Mapping[str, Floats]], Floats]
"""From the gradient of a number with respect to each output, to that with respect to the words' vectors `[T, E]`."""

TABLE = "embeddings.tokens.weight"
"""The table of words, by the canonical name that all families have for it."""


class _WordOps(TorchOps):
    """The operations, but that a look-up in the table of words gives these vectors.

    Args:
        table: the table of words.
        vectors: `[T, E]`.
    """

    def __init__(self, table: Array, vectors: Array) -> None:
        super().__init__()
        self._table, self._vectors = table, vectors

    def embedding(self, table: Array, ids: Array) -> Array:
        return self._vectors if table is self._table else super().embedding(table, ids)


class WordGradients:
    """An architecture joined to its weights, as a function of the vectors of words. Nothing is dropped out.

    Args:
        forward: the architecture with its config and head.
        parameters: by canonical name: a module's own, as they are when they are used, or a checkpoint's.
        dtype: the precision to compute in.
        device: where to compute.
    """

    def __init__(self, forward: Forward, parameters: Mapping[str, Any], *, dtype: str, device: str) -> None:
        self._forward, self._parameters = forward, parameters
        self._dtype: torch.dtype = getattr(torch, dtype)
        self._device = usable_device(device)

    def _parameter(self, name: str) -> Array:
        given = self._parameters[name]
        if isinstance(given, torch.Tensor):
            # What a module learns is not asked for: without it most of a layer's numbers need not be kept.
            return given.detach()
        return tensor_of(given).to(self._device, self._dtype)

    def vectors(self, ids: npt.NDArray[np.integer[Any]]) -> Floats:
        """The rows of the table of words: `[T] → [T, E]`."""
        index = torch.from_numpy(ids.astype(np.int64)).to(self._device)
        vectors: Floats = host(self._parameter(TABLE)[index])
        return vectors

    def linearized(self, packed: Packed, vectors: Floats) -> tuple[dict[str, Floats], Pullback]:
        """The outputs where words have these vectors, and what leads back from their gradients.

        Args:
            packed: the batch; of its ids only what is not looked up counts, such as positions.
            vectors: `[T, E]`.
        """
        with torch.inference_mode(mode=False), torch.enable_grad():
            moved = torch.from_numpy(vectors).to(self._device, self._dtype).requires_grad_(True)
            table = self._parameter(TABLE)

            def get(name: str, shape: tuple[int, ...]) -> Array:
                return table if name == TABLE else self._parameter(name)

            outputs = self._forward(_WordOps(table, moved), Weights(get), inputs_of(packed, self._device))

        def pullback(gradients: Mapping[str, Floats]) -> Floats:
            given = [torch.from_numpy(value).to(outputs[name]) for name, value in gradients.items()]
            (found,) = torch.autograd.grad([outputs[name] for name in gradients], moved, given)
            back: Floats = host(found)
            return back

        return {name: host(value) for name, value in outputs.items()}, pullback
