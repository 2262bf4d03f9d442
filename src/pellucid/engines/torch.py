"""The operations on PyTorch tensors: CPUs, and whatever other devices the installed PyTorch drives.

On these tensors attention needs no rectangle: micro-batches are sorted by length, so texts of one length lie next to
each other, and each such group is a batch without padding for the fused kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.nn import functional

from pellucid.engines.program import Forward, Program, Result
from pellucid.errors import EngineError
from pellucid.ops import Ops, activation_function
from pellucid.packing import Inputs, Packed
from pellucid.weights import Tensor, Weights

Array: TypeAlias = Any
"""A `torch.Tensor`."""


class TorchLayout:
    """The layout of a packed batch on a device; its index arrays are made when an operation needs them.

    Args:
        packed: the batch.
        device: where the tensors lie.
    """

    def __init__(self, packed: Packed, device: torch.device) -> None:
        self._packed = packed
        self._device = device

    @cached_property
    def row_of_cell(self) -> Array:
        """Int `[B, L]`, the packed row of each cell."""
        return on_device(self._packed.layout.row_of_cell, self._device)

    @cached_property
    def cell_of_row(self) -> Array:
        """Int `[T]`, the cell of each packed row."""
        return on_device(self._packed.layout.cell_of_row, self._device)

    @cached_property
    def is_token(self) -> Array:
        """Bool `[B, L]`, false where a cell is padding."""
        return torch.from_numpy(self._packed.layout.is_token).to(self._device)

    @cached_property
    def first_rows(self) -> Array:
        """Int `[B]`, the row of each sequence's first token."""
        return on_device(self._packed.starts, self._device)

    def groups(self) -> Iterator[tuple[slice, int, int]]:
        """Runs of sequences of one length: their rows, how many they are, and how long."""
        lengths = self._packed.lengths
        edges = np.flatnonzero(np.diff(lengths)) + 1
        starts = [0, *edges.tolist()]
        stops = [*edges.tolist(), len(lengths)]
        row = 0
        for start, stop in zip(starts, stops, strict=True):
            count, length = stop - start, int(lengths[start])
            yield slice(row, row + count * length), count, length
            row += count * length


def on_device(index: Any, device: torch.device) -> Array:
    """Index arrays as the whole numbers that PyTorch's own operations take."""
    return torch.from_numpy(np.ascontiguousarray(index)).to(device, torch.int64)


class TorchOps(Ops):
    """The operations on PyTorch tensors."""

    def embedding(self, table: Array, ids: Array) -> Array:
        return functional.embedding(ids, table)

    def linear(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        return functional.linear(x, weight, bias)

    def add(self, x: Array, y: Array) -> Array:
        return x + y

    def multiply(self, x: Array, y: Array) -> Array:
        return x * y

    def scale(self, x: Array, factor: float) -> Array:
        return x * factor

    def layer_norm(self, x: Array, weight: Array, bias: Array | None, eps: float) -> Array:
        return functional.layer_norm(x, x.shape[-1:], weight, bias, eps)

    def rms_norm(self, x: Array, weight: Array, eps: float) -> Array:
        return functional.rms_norm(x, x.shape[-1:], weight, eps)

    def activation(self, name: str, x: Array) -> Array:
        return FUNCTIONS[activation_function(name)](x)

    def rotary(self, x: Array, cos: Array, sin: Array, heads: int) -> Array:
        by_head = x.unflatten(-1, (heads, -1))
        first, second = by_head.chunk(2, dim=-1)
        turned = torch.cat([-second, first], dim=-1)
        return (by_head * cos[:, None] + turned * sin[:, None]).flatten(-2)

    def rows(self, x: Array, index: Array) -> Array:
        return x[index]

    def split(self, x: Array, sizes: Sequence[int]) -> list[Array]:
        return list(x.split(list(sizes), dim=-1))

    def concat(self, parts: Sequence[Array]) -> Array:
        return torch.cat(list(parts), dim=-1)

    def pad(self, x: Array, layout: Any, heads: int, repeat: int = 1) -> Array:
        by_head = x[layout.row_of_cell].unflatten(-1, (heads, -1)).transpose(1, 2)  # [B, A, L, D]
        return by_head if repeat == 1 else by_head.repeat_interleave(repeat, dim=1)

    def unpad(self, x: Array, layout: Any) -> Array:
        cells = x.transpose(1, 2).flatten(-2).flatten(0, 1)
        return cells[layout.cell_of_row]

    def matmul(self, x: Array, y: Array, transpose: bool = False) -> Array:
        return x @ (y.transpose(-1, -2) if transpose else y)

    def softmax(self, scores: Array, layout: Any, causal: bool = False, window: int | None = None) -> Array:
        visible = layout.is_token[:, None, None, :]
        near = _near(scores.shape[-1], causal, window, scores.device)
        if near is not None:
            visible = visible & near
        # The lowest finite number, applied once: a row that sees nothing is even, not NaN.
        return scores.masked_fill(~visible, torch.finfo(scores.dtype).min).softmax(dim=-1)

    def attention(
        self,
        query: Array,
        key: Array,
        value: Array,
        layout: Any,
        *,
        heads: int,
        kv_heads: int | None = None,
        scale: float,
        causal: bool = False,
        window: int | None = None,
        bias: Array | None = None,
    ) -> Array:
        """The fused kernel on groups of equal length, unless the probabilities or a bias are asked for."""
        if "attentions" in self.taps or bias is not None:
            return super().attention(
                query, key, value, layout, heads=heads, kv_heads=kv_heads, scale=scale,
                causal=causal, window=window, bias=bias,
            )  # fmt: skip
        kv_heads = kv_heads or heads
        mixed = []
        for rows, count, length in layout.groups():
            q, k, v = (
                x[rows].view(count, length, number, -1).transpose(1, 2)
                for x, number in ((query, heads), (key, kv_heads), (value, kv_heads))
            )
            by_head = functional.scaled_dot_product_attention(
                q, k, v, attn_mask=_near(length, causal, window, query.device), scale=scale,
                enable_gqa=kv_heads != heads,
            )  # fmt: skip
            mixed.append(by_head.transpose(1, 2).reshape(count * length, -1))
        return mixed[0] if len(mixed) == 1 else torch.cat(mixed)


def _near(length: int, causal: bool, window: int | None, device: torch.device) -> Array | None:
    """Which key each query may see by its place, bool `[L, L]`; None where it may see all."""
    if not causal and window is None:
        return None
    column = torch.arange(length, device=device)
    distance = column[:, None] - column[None, :]  # how far the key lies before the query
    near = distance >= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
    return near if window is None else near & (distance.abs() <= window)


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "gelu_erf": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "gelu_sigmoid": lambda x: x * torch.sigmoid(1.702 * x),
    "relu": functional.relu,
    "relu_squared": lambda x: functional.relu(x).square(),
    "relu6": functional.relu6,
    "leaky_relu": functional.leaky_relu,
    "silu": functional.silu,
    "mish": functional.mish,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "linear": lambda x: x,
}


class TorchProgram(Program):
    """Runs the forward function anew for every batch, without gradients."""

    def __init__(
        self, forward: Forward, parameters: Mapping[str, Tensor], dtype: str, taps: Collection[str], device: str
    ) -> None:
        self._forward = forward
        self._parameters = parameters
        self._dtype: torch.dtype = getattr(torch, dtype)
        self._taps = taps
        self._device = usable_device(device)
        self._tensors: dict[str, Array] = {}

    def _parameter(self, name: str, shape: tuple[int, ...]) -> Array:
        if name not in self._tensors:
            self._tensors[name] = tensor_of(self._parameters[name]).to(self._device, self._dtype)
        return self._tensors[name]

    def __call__(self, packed: Packed) -> Result:
        ops = TorchOps(self._taps)
        layout: Any = TorchLayout(packed, self._device)
        ids, positions, types = (on_device(x, self._device) for x in (packed.ids, packed.positions, packed.types))
        with torch.inference_mode():
            outputs = self._forward(ops, Weights(self._parameter), Inputs(ids, positions, types, layout))
            return Result(
                {name: _host(value) for name, value in outputs.items()},
                {name: [_host(value) for value in values] for name, values in ops.kept.items()},
            )


def tensor_of(tensor: Tensor) -> Array:
    """A stored tensor as PyTorch's, sharing its memory."""
    if tensor.dtype == "bfloat16":
        return torch.from_numpy(tensor.data.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(tensor.data if tensor.data.flags.aligned else tensor.data.copy())


def usable_device(device: str) -> torch.device:
    """The device of this name.

    Raises:
        EngineError: PyTorch knows no such device, or it is not there.
    """
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise EngineError(
            f"The device {device!r} cannot be used by the installed PyTorch {torch.__version__}: "
            f"{str(error).splitlines()[0]} Use device='cpu', or install a PyTorch for that device.",
            device=device,
        ) from error
    return found


def _host(value: Array) -> Any:
    """As a NumPy array; NumPy has no bfloat16, so half precision comes back as float32."""
    wide = value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
    return wide.cpu().numpy()


def build(
    forward: Forward,
    parameters: Mapping[str, Tensor],
    *,
    dtype: str = "float32",
    taps: Collection[str] = (),
    device: str = "cpu",
) -> Program:
    """Join a forward function to its weights.

    Args:
        forward: the architecture with its config and head.
        parameters: the checkpoint's tensors, by canonical name.
        dtype: the precision to compute in.
        taps: what else to keep: "hidden_states", "attentions".
        device: "cpu", or another device of the installed PyTorch, such as "cuda" or "mps".
    """
    return TorchProgram(forward, parameters, dtype, taps, device)
