"""The reference engine: each operation is its own definition, in NumPy, in float32 or float64.

In float64 it is the judge of the other engines.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.engines.int8 import Roundings
from pellucid.engines.program import Forward, Program, Result
from pellucid.ops import Ops, activation_function
from pellucid.packing import Inputs, Layout, Packed
from pellucid.weights import Tensor, Weights

Floats = npt.NDArray[np.floating[Any]]


class NumpyOps(Ops):
    """The operations on NumPy arrays."""

    def constant(self, array: npt.NDArray[Any], like: Floats) -> npt.NDArray[Any]:
        return array.astype(np.int32 if array.dtype.kind in "iu" else like.dtype, copy=False)

    def embedding(self, table: Floats, ids: npt.NDArray[np.integer[Any]]) -> Floats:
        return table[ids]

    def linear(self, x: Floats, weight: Floats, bias: Floats | None = None) -> Floats:
        product: Floats = x @ weight.T
        return product if bias is None else product + bias

    def add(self, x: Floats, y: Floats) -> Floats:
        return x + y

    def multiply(self, x: Floats, y: Floats) -> Floats:
        return x * y

    def scale(self, x: Floats, factor: float) -> Floats:
        return x * x.dtype.type(factor)

    def layer_norm(self, x: Floats, weight: Floats, bias: Floats | None, eps: float) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        normal = centred / np.sqrt(variance + x.dtype.type(eps)) * weight
        return normal if bias is None else normal + bias

    def rms_norm(self, x: Floats, weight: Floats, eps: float) -> Floats:
        mean_square = np.square(x).mean(axis=-1, keepdims=True)
        normal: Floats = x / np.sqrt(mean_square + x.dtype.type(eps)) * weight
        return normal

    def activation(self, name: str, x: Floats) -> Floats:
        result: Floats = FUNCTIONS[activation_function(name)](x)
        return result

    def rotary(self, x: Floats, cos: Floats, sin: Floats, heads: int) -> Floats:
        by_head = x.reshape(len(x), heads, -1)
        first, second = np.split(by_head, 2, axis=-1)
        turned = np.concatenate([-second, first], axis=-1)
        return (by_head * cos[:, None] + turned * sin[:, None]).reshape(x.shape)

    def rows(self, x: Floats, index: npt.NDArray[np.integer[Any]]) -> Floats:
        return x[index]

    def split(self, x: Floats, sizes: Sequence[int]) -> list[Floats]:
        return np.split(x, np.cumsum(sizes)[:-1], axis=-1)

    def concat(self, parts: Sequence[Floats]) -> Floats:
        return np.concatenate(parts, axis=-1)

    def pad(self, x: Floats, layout: Layout, heads: int, repeat: int = 1) -> Floats:
        rectangle = x[layout.row_of_cell]  # [B, L, A·D]
        by_head = rectangle.reshape(*rectangle.shape[:2], heads, -1).transpose(0, 2, 1, 3)
        return by_head if repeat == 1 else by_head.repeat(repeat, axis=1)

    def unpad(self, x: Floats, layout: Layout) -> Floats:
        batch, heads, length, dimension = x.shape
        cells = x.transpose(0, 2, 1, 3).reshape(batch * length, heads * dimension)
        return cells[layout.cell_of_row]

    def matmul(self, x: Floats, y: Floats, transpose: bool = False) -> Floats:
        product: Floats = x @ (y.swapaxes(-1, -2) if transpose else y)
        return product

    def by_distance(self, x: Floats, rows: npt.NDArray[Any], layout: Layout, *, of_key: bool = False) -> Floats:
        column = np.arange(layout.is_token.shape[1])
        furthest = len(rows) // 2
        distance = np.clip(column[:, None] - column[None, :], -furthest, furthest)
        owner = column[None, :] if of_key else column[:, None]
        return x[:, :, owner if x.shape[2] > 1 else 0, rows[distance + furthest]]

    def softmax(self, scores: Floats, layout: Layout, causal: bool = False, window: int | None = None) -> Floats:
        visible = layout.is_token[:, None, None, :]
        column = np.arange(scores.shape[-1])
        if causal:
            visible = visible & (column[None, :] <= column[:, None])
        if window is not None:
            visible = visible & (abs(column[None, :] - column[:, None]) <= window)
        lowest = np.finfo(scores.dtype).min
        highest = np.where(visible, scores, lowest).max(axis=-1, keepdims=True)
        exponentials = np.exp(np.where(visible, scores - highest, 0)) * visible
        total = exponentials.sum(axis=-1, keepdims=True)
        # A query of padding may see no key at all: its row is zeros, not NaN.
        return exponentials / np.maximum(total, np.finfo(scores.dtype).tiny)


@cache
def _erf_table() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    points = np.arange(ERF_END * ERF_STEPS + 1) / ERF_STEPS
    return np.array([math.erf(point) for point in points]), 2 / math.sqrt(math.pi) * np.exp(-(points**2))


ERF_END, ERF_STEPS = 6, 1024  # erf(6) is 1 in float64


def erf(x: Floats) -> Floats:
    """The error function, to 2e-14: the C library's values at 1,024 points per unit, and Taylor's series between them.

    With p the nearest point and d = x − p, erf(x) = erf(p) + erf′(p) · (d − p d² + (2p² − 1) d³/3 − …).
    """
    values, slopes = _erf_table()
    magnitude = np.minimum(np.abs(x), ERF_END).astype(np.float64)
    index = np.rint(magnitude * ERF_STEPS).astype(np.intp)
    point = index / ERF_STEPS
    d = magnitude - point
    between = d * (1 - d * (point - d * (2 * point * point - 1) / 3))
    return np.copysign(values[index] + slopes[index] * between, x).astype(x.dtype)


def gelu_erf(x: Floats) -> Floats:
    """X · Φ(x), with Φ the normal distribution (Hendrycks & Gimpel, 2016, arXiv:1606.08415)."""
    result: Floats = x * (1 + erf(x * x.dtype.type(math.sqrt(0.5)))) / 2
    return result


def gelu_tanh(x: Floats) -> Floats:
    """The approximation of x · Φ(x) by tanh, up to 5e-4 away from it (the same paper, §2)."""
    inner = x.dtype.type(math.sqrt(2 / math.pi)) * (x + x.dtype.type(0.044715) * x**3)
    result: Floats = x * (1 + np.tanh(inner)) / 2
    return result


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e⁻ˣ), without overflow for very negative x."""
    small = np.exp(-np.abs(x))
    result: Floats = np.where(x >= 0, 1, small) / (1 + small)
    return result


def mish(x: Floats) -> Floats:
    """X · tanh(log(1 + eˣ)) (Misra, 2019, arXiv:1908.08681)."""
    result: Floats = x * np.tanh(np.logaddexp(x, 0))
    return result


FUNCTIONS: dict[str, Any] = {
    "gelu_erf": gelu_erf,
    "gelu_tanh": gelu_tanh,
    "gelu_sigmoid": lambda x: x * sigmoid(x.dtype.type(1.702) * x),
    "relu": lambda x: np.maximum(x, 0),
    "relu_squared": lambda x: np.square(np.maximum(x, 0)),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x >= 0, x, x.dtype.type(0.01) * x),
    "silu": lambda x: x * sigmoid(x),
    "mish": mish,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "linear": lambda x: x,
}


def _cross_entropy(logits: Floats, labels: npt.NDArray[Any]) -> Floats:
    """The mean of −log softmax at each row's label; rows labelled −100 take no part."""
    labels = labels.ravel()
    counted = labels != -100
    shifted = logits[counted] - logits[counted].max(axis=-1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=-1))
    result: Floats = (log_total - shifted[np.arange(len(shifted)), labels[counted]]).mean()
    return result


def _binary_cross_entropy(logits: Floats, labels: npt.NDArray[Any]) -> Floats:
    """The mean over rows and labels of −log of the sigmoid's probability of what is true."""
    wanted = labels.reshape(logits.shape).astype(logits.dtype)
    result: Floats = (np.logaddexp(0, -np.abs(logits)) + np.maximum(logits, 0) - logits * wanted).mean()
    return result


def _squared_error(logits: Floats, labels: npt.NDArray[Any]) -> Floats:
    """The mean square of what the logits are away from the labels."""
    result: Floats = np.square(logits - labels.reshape(logits.shape).astype(logits.dtype)).mean()
    return result


LOSSES: dict[str, Any] = {
    "single_label_classification": _cross_entropy,
    "multi_label_classification": _binary_cross_entropy,
    "regression": _squared_error,
}
"""Logits and labels → one number, by the word of the config's `problem_type`."""


class NumpyProgram(Program):
    """Runs the forward function anew for every batch, operation by operation."""

    def __init__(self, forward: Forward, parameters: Mapping[str, Tensor], dtype: str, taps: Collection[str]) -> None:
        self._forward = forward
        self._parameters = parameters
        self._dtype = np.dtype(dtype)
        self._taps = taps
        self._arrays: dict[str, Floats] = {}

    def _parameter(self, name: str, shape: tuple[int, ...]) -> Floats:
        if name not in self._arrays:
            self._arrays[name] = self._parameters[name].array(self._dtype)
        return self._arrays[name]

    def __call__(self, packed: Packed) -> Result:
        ops = NumpyOps(self._taps)
        inputs = Inputs(packed.ids, packed.positions, packed.types, packed.chosen, packed.layout)
        outputs = self._forward(ops, Weights(self._parameter), inputs)
        return Result(outputs, ops.kept)


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
        device: "cpu".
        roundings: for int8, which this engine does not compute.
    """
    return NumpyProgram(forward, parameters, dtype, taps)
