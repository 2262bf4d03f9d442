"""The operations on PyTorch tensors: CPUs, and whatever other devices the installed PyTorch drives.

On these tensors attention needs no whole rectangle: micro-batches are sorted by length, so texts of near-equal lengths
lie next to each other, and each such group is a batch with little or no padding for the fused kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy.typing as npt
import torch
from torch.nn import functional

from pellucid.engines.int8 import Roundings
from pellucid.engines.program import Forward, Program, Result
from pellucid.engines.torch_attention import attention_of_groups, attention_of_rows, takes_rows, within_reach
from pellucid.engines.torch_layout import PackedLayout, on_device
from pellucid.engines.torch_weights import constant_like, is_plain, joined, tensor_of
from pellucid.errors import EngineError
from pellucid.ops import Ops, activation_function
from pellucid.packing import Inputs, Packed
from pellucid.weights import Tensor, Weights

Array: TypeAlias = Any
"""A `torch.Tensor`."""


class TorchOps(Ops):
    """The operations on PyTorch tensors.

    Args:
        taps: what to keep.
        is_training: whether anything is dropped out.
        modules: the modules that own weights, by the weights' `id`. A module that is more than its weights, because it
            has hooks or was put in another's place, is called.
    """

    def __init__(
        self,
        taps: Collection[str] = (),
        *,
        is_training: bool = False,
        modules: Mapping[int, torch.nn.Module] | None = None,
    ) -> None:
        super().__init__(taps)
        self._is_training = is_training
        self._modules = {} if modules is None else modules

    def _module(self, weight: Array) -> Any:
        """The module to call in place of an operation on its weights; None where that would be the same."""
        module = self._modules.get(id(weight))
        return None if module is None or is_plain(module) else module

    def constant(self, array: npt.NDArray[Any], like: Array) -> Array:
        return constant_like(array, like)

    def embedding(self, table: Array, ids: Array) -> Array:
        module = self._modules.get(id(table))
        if module is None:
            return functional.embedding(ids, table)
        if is_plain(module):
            # The row of padding takes part, and learns nothing.
            return functional.embedding(ids, table, module.padding_idx)
        return module(ids)

    def linear(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        module = self._module(weight)
        return functional.linear(x, weight, bias) if module is None else module(x)

    def linears(self, x: Array, weights: Sequence[Array], biases: Sequence[Array]) -> list[Array]:
        """One product, where the weights lie side by side and no gradient is asked for."""
        weight, bias = joined(weights), joined(biases)
        if weight is None or bias is None or any(self._module(one) is not None for one in weights):
            return super().linears(x, weights, biases)
        return list(functional.linear(x, weight, bias).split([len(one) for one in weights], dim=-1))

    def add(self, x: Array, y: Array) -> Array:
        return x + y

    def multiply(self, x: Array, y: Array) -> Array:
        return x * y

    def scale(self, x: Array, factor: float) -> Array:
        return x * factor

    def dropout(self, x: Array, probability: float) -> Array:
        return functional.dropout(x, probability) if self._is_training and probability else x

    def layer_norm(self, x: Array, weight: Array, bias: Array | None, eps: float) -> Array:
        module = self._module(weight)
        if module is not None:
            return module(x)
        return functional.layer_norm(x, x.shape[-1:], weight, bias, eps)

    def rms_norm(self, x: Array, weight: Array, eps: float) -> Array:
        module = self._module(weight)
        return module(x) if module is not None else functional.rms_norm(x, x.shape[-1:], weight, eps)

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
        batch, length = layout.row_of_cell.shape
        # Without padding the rows are the cells, in their order. (Sizes of `len` would be fixed while PyTorch traces.)
        cells = x if x.shape[0] == batch * length else x.index_select(0, layout.row_of_cell.flatten())
        by_head = cells.unflatten(-1, (heads, -1)).unflatten(0, (batch, length)).transpose(1, 2)  # [B, A, L, D]
        return by_head if repeat == 1 else by_head.repeat_interleave(repeat, dim=1)

    def unpad(self, x: Array, layout: Any) -> Array:
        cells = x.transpose(1, 2).flatten(-2).flatten(0, 1)
        return cells if cells.shape[0] == layout.cell_of_row.shape[0] else cells.index_select(0, layout.cell_of_row)

    def matmul(self, x: Array, y: Array, transpose: bool = False) -> Array:
        y = y.transpose(-1, -2) if transpose else y
        if y.shape[0] != 1 or x.shape[0] == 1 or y.shape[1] != x.shape[1]:
            return x @ y
        # One operand for all sequences: their rows side by side, where PyTorch would copy it for each of them.
        rows = x.transpose(0, 1).flatten(1, 2) @ y[0]
        return rows.unflatten(1, (x.shape[0], x.shape[2])).transpose(0, 1)

    def by_distance(self, x: Array, rows: npt.NDArray[Any], layout: Any, *, of_key: bool = False) -> Array:
        length = layout.is_token.shape[1]
        column = torch.arange(length, device=x.device)
        furthest = len(rows) // 2
        distance = (column[:, None] - column[None, :]).clamp(-furthest, furthest)
        index = self.constant(rows, x)[distance + furthest].long()
        # By owner first: [owner, other], whichever of them is the query.
        by_owner = (index.T if of_key else index).expand(*x.shape[:2], length, length)
        chosen = x.expand(-1, -1, length, -1).gather(3, by_owner)
        return chosen.transpose(2, 3) if of_key else chosen

    def in_reach(
        self, vectors: Array, rows: npt.NDArray[Any], count: int, layout: Any
    ) -> tuple[Array, npt.NDArray[Any], int]:
        """The rows between the least and the greatest one of the distances below L."""
        length, furthest = layout.is_token.shape[1], len(rows) // 2
        # In a graph L is a number of later.
        if torch.compiler.is_compiling() or length > furthest:
            return vectors, rows, count
        near = rows[furthest - length + 1 : furthest + length]
        first, stop = int(near.min()), int(near.max()) + 1
        return vectors[first:stop], near - first, stop - first

    def softmax(self, scores: Array, layout: Any, causal: bool = False, window: int | None = None) -> Array:
        visible = layout.is_token[:, None, None, :]
        near = within_reach(scores.shape[-1], causal, window, scores.device)
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
        dropout: float = 0.0,
    ) -> Array:
        """The fused kernel, unless the probabilities are asked for."""
        if "attentions" in self.taps:
            return super().attention(
                query, key, value, layout, heads=heads, kv_heads=kv_heads, scale=scale,
                causal=causal, window=window, bias=bias, dropout=dropout,
            )  # fmt: skip
        kv_heads = kv_heads or heads
        dropped = dropout if self._is_training else 0.0
        if not dropped and bias is None and takes_rows(query, layout):
            return attention_of_rows(query, key, value, layout, heads, kv_heads, scale, causal, window)
        return attention_of_groups(query, key, value, layout, heads, kv_heads, scale, causal, window, bias, dropped)


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


LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "single_label_classification": lambda logits, labels: functional.cross_entropy(logits, labels.flatten().long()),
    "multi_label_classification": lambda logits, labels: functional.binary_cross_entropy_with_logits(
        logits, labels.view_as(logits).to(logits.dtype)
    ),
    "regression": lambda logits, labels: functional.mse_loss(logits, labels.view_as(logits).to(logits.dtype)),
}
"""Logits and labels → one number, by the word of the config's `problem_type`."""


class TorchProgram(Program):
    """Runs the forward function anew for every batch, without gradients and without dropout.

    Parameters that are PyTorch's own tensors belong to a module, which may change or move them between two runs; others
    are read once.
    """

    def __init__(
        self, forward: Forward, parameters: Mapping[str, Any], dtype: str, taps: Collection[str], device: str
    ) -> None:
        self._forward = forward
        self._parameters = parameters
        self._dtype: torch.dtype = getattr(torch, dtype)
        self._taps = taps
        self._device = usable_device(device)
        self._tensors: dict[str, Array] = {}

    def _parameter(self, name: str, shape: tuple[int, ...]) -> Array:
        if name in self._tensors:
            return self._tensors[name]
        given = self._parameters[name]
        if isinstance(given, torch.Tensor):
            return given
        return self._tensors.setdefault(name, tensor_of(given).to(self._device, self._dtype))

    def __call__(self, packed: Packed) -> Result:
        ops = TorchOps(self._taps)
        with torch.inference_mode():
            outputs = self._forward(ops, Weights(self._parameter), inputs_of(packed, self._device))
            return Result(
                {name: host(value) for name, value in outputs.items()},
                {name: [host(value) for value in values] for name, values in ops.kept.items()},
            )


def inputs_of(packed: Packed, device: torch.device) -> Inputs:
    """A packed batch as tensors on a device."""
    layout: Any = PackedLayout(packed, device)
    rows = (packed.ids, packed.positions, packed.types, packed.chosen)
    ids, positions, types, chosen = (on_device(x, device) for x in rows)
    return Inputs(ids, positions, types, chosen, layout)


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


def gpu() -> str | None:
    """The device of a GPU; None where PyTorch sees none."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def host(value: Array) -> Any:
    """As a NumPy array; NumPy has no bfloat16, so half precision comes back as float32."""
    tensor = value.detach().cpu()
    return (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy()


def build(
    forward: Forward,
    parameters: Mapping[str, Tensor],
    *,
    dtype: str = "float32",
    taps: Collection[str] = (),
    device: str = "cpu",
    roundings: Roundings | None = None,
) -> Program:
    """Join a forward function to its weights.

    Args:
        forward: the architecture with its config and head.
        parameters: the checkpoint's tensors, by canonical name.
        dtype: the precision to compute in.
        taps: what else to keep: "hidden_states", "attentions".
        device: "cpu", or another device of the installed PyTorch, such as "cuda" or "mps".
        roundings: for int8, which this engine does not compute.
    """
    return TorchProgram(forward, parameters, dtype, taps, device)
