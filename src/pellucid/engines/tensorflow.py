"""The operations on TensorFlow: the architecture is traced once into a graph, which then runs batches of any size."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pellucid.engines.int8 import Roundings
from pellucid.engines.program import Forward, Program, Result
from pellucid.ops import Ops, activation_function
from pellucid.packing import Inputs, Layout, Packed
from pellucid.weights import Tensor, Weights

Array: TypeAlias = Any
"""A `tf.Tensor`."""


class TensorflowOps(Ops):
    """The operations on TensorFlow tensors.

    Args:
        taps: what to keep.
        is_training: whether anything is dropped out.
    """

    def __init__(self, taps: Collection[str] = (), *, is_training: bool = False) -> None:
        super().__init__(taps)
        self._is_training = is_training

    def constant(self, array: npt.NDArray[Any], like: Array) -> Array:
        return tf.constant(array, tf.int32) if array.dtype.kind in "iu" else tf.cast(tf.constant(array), like.dtype)

    def embedding(self, table: Array, ids: Array) -> Array:
        return tf.gather(table, ids)

    def linear(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        product = tf.linalg.matmul(x, weight, transpose_b=True)
        return product if bias is None else product + bias

    def add(self, x: Array, y: Array) -> Array:
        return x + y

    def multiply(self, x: Array, y: Array) -> Array:
        return x * y

    def scale(self, x: Array, factor: float) -> Array:
        return x * _number(factor, x)

    def dropout(self, x: Array, probability: float) -> Array:
        if not self._is_training or not probability:
            return x
        # TensorFlow's own takes no 1.
        return tf.nn.dropout(x, probability) if probability < 1 else tf.zeros_like(x)

    def layer_norm(self, x: Array, weight: Array, bias: Array | None, eps: float) -> Array:
        centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        normal = centred * tf.math.rsqrt(variance + _number(eps, x)) * weight
        return normal if bias is None else normal + bias

    def rms_norm(self, x: Array, weight: Array, eps: float) -> Array:
        mean_square = tf.reduce_mean(tf.square(x), axis=-1, keepdims=True)
        return x * tf.math.rsqrt(mean_square + _number(eps, x)) * weight

    def activation(self, name: str, x: Array) -> Array:
        return FUNCTIONS[activation_function(name)](x)

    def rotary(self, x: Array, cos: Array, sin: Array, heads: int) -> Array:
        by_head = tf.reshape(x, [-1, heads, x.shape[-1] // heads])
        first, second = tf.split(by_head, 2, axis=-1)
        turned = tf.concat([-second, first], axis=-1)
        rotated = by_head * cos[:, tf.newaxis] + turned * sin[:, tf.newaxis]
        return tf.reshape(rotated, [-1, x.shape[-1]])

    def rows(self, x: Array, index: Array) -> Array:
        return tf.gather(x, index)

    def split(self, x: Array, sizes: Sequence[int]) -> list[Array]:
        return list(tf.split(x, list(sizes), axis=-1))

    def concat(self, parts: Sequence[Array]) -> Array:
        return tf.concat(list(parts), axis=-1)

    def pad(self, x: Array, layout: Layout, heads: int, repeat: int = 1) -> Array:
        rectangle = tf.gather(x, layout.row_of_cell)  # [B, L, A·D]
        batch, length = tf.unstack(tf.shape(layout.row_of_cell))
        by_head = tf.transpose(tf.reshape(rectangle, [batch, length, heads, x.shape[-1] // heads]), [0, 2, 1, 3])
        return by_head if repeat == 1 else tf.repeat(by_head, repeat, axis=1)

    def unpad(self, x: Array, layout: Layout) -> Array:
        cells = tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [-1, x.shape[1] * x.shape[3]])
        return tf.gather(cells, layout.cell_of_row)

    def matmul(self, x: Array, y: Array, transpose: bool = False) -> Array:
        return tf.linalg.matmul(x, y, transpose_b=transpose)

    def by_distance(self, x: Array, rows: npt.NDArray[Any], layout: Layout, *, of_key: bool = False) -> Array:
        column = tf.range(tf.shape(layout.is_token)[1])
        key, query = column[tf.newaxis, :], column[:, tf.newaxis]
        furthest = len(rows) // 2
        index = tf.gather(tf.constant(rows, tf.int32), tf.clip_by_value(query - key, -furthest, furthest) + furthest)
        # One index [L, L] into all numbers of a head serves every head and sequence.
        if x.shape[2] != 1:
            index += (key if of_key else query) * x.shape[3]
        batch = tf.shape(x)[0]
        return tf.gather(tf.reshape(x, [batch, x.shape[1], -1]), index, axis=2)

    def softmax(self, scores: Array, layout: Layout, causal: bool = False, window: int | None = None) -> Array:
        visible = layout.is_token[:, tf.newaxis, tf.newaxis, :]
        column = tf.range(tf.shape(scores)[-1])
        distance = column[:, tf.newaxis] - column[tf.newaxis, :]  # how far the key lies before the query
        if causal:
            visible = visible & (distance >= 0)
        if window is not None:
            visible = visible & (tf.abs(distance) <= window)
        # The lowest finite number, applied once: a row that sees nothing is even, not NaN.
        return tf.nn.softmax(tf.where(visible, scores, scores.dtype.min), axis=-1)


def _number(value: float, like: Array) -> Array:
    # `tf.cast` of a Python number, and TensorFlow's own gelu, go through float32 and lose half of a float64.
    return tf.constant(value, like.dtype)


def _gelu_erf(x: Array) -> Array:
    return x * _number(0.5, x) * (1 + tf.math.erf(x * _number(math.sqrt(0.5), x)))


def _gelu_tanh(x: Array) -> Array:
    inner = _number(math.sqrt(2 / math.pi), x) * (x + _number(0.044715, x) * x * x * x)
    return x * _number(0.5, x) * (1 + tf.math.tanh(inner))


def _mish(x: Array) -> Array:
    return x * tf.math.tanh(tf.math.softplus(x))


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "gelu_erf": _gelu_erf,
    "gelu_tanh": _gelu_tanh,
    "gelu_sigmoid": lambda x: x * tf.math.sigmoid(_number(1.702, x) * x),
    "relu": tf.nn.relu,
    "relu_squared": lambda x: tf.square(tf.nn.relu(x)),
    "relu6": tf.nn.relu6,
    "leaky_relu": partial(tf.nn.leaky_relu, alpha=0.01),
    "silu": tf.nn.silu,
    "mish": _mish,
    "sigmoid": tf.math.sigmoid,
    "tanh": tf.math.tanh,
    "linear": lambda x: x,
}


def _cross_entropy(logits: Array, labels: Array) -> Array:
    labels = tf.cast(tf.reshape(labels, [-1]), tf.int32)
    counts = labels != IGNORED
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(counts, labels, 0), logits)
    return tf.where(counts, losses, tf.zeros_like(losses))


def _binary_cross_entropy(logits: Array, labels: Array) -> Array:
    wanted = tf.cast(tf.reshape(labels, tf.shape(logits)), logits.dtype)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits), axis=-1)


def _squared_error(logits: Array, labels: Array) -> Array:
    wanted = tf.cast(tf.reshape(labels, tf.shape(logits)), logits.dtype)
    return tf.reduce_mean(tf.square(logits - wanted), axis=-1)


IGNORED = -100
"""A label that takes no part, as in PyTorch."""

LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "single_label_classification": _cross_entropy,
    "multi_label_classification": _binary_cross_entropy,
    "regression": _squared_error,
}
"""Logits and labels → one number for each text `[B]`, by the word of the config's `problem_type`."""

SIGNATURE = (
    *(tf.TensorSpec([None], tf.int32, name=name) for name in ("ids", "positions", "types", "chosen")),
    tf.TensorSpec([None, None], tf.int32, name="row_of_cell"),
    tf.TensorSpec([None], tf.int32, name="cell_of_row"),
    tf.TensorSpec([None, None], tf.bool, name="is_token"),
    tf.TensorSpec([None], tf.int32, name="first_rows"),
)


class TensorflowProgram(Program):
    """A traced graph, and the weights that it takes.

    Parameters that are TensorFlow's own variables belong to a model, which may change them between two runs; others are
    read once.
    """

    def __init__(
        self, forward: Forward, parameters: Mapping[str, Tensor], dtype: str, taps: Collection[str], device: str
    ) -> None:
        self._forward = forward
        self._parameters = parameters
        self._dtype = tf.as_dtype(dtype)
        self._taps = taps
        self._device = device
        with tf.device(device):
            self._graph = tf.function(self._trace, input_signature=SIGNATURE).get_concrete_function()

    def _trace(self, ids: Array, positions: Array, types: Array, chosen: Array, *layout: Array) -> tuple[Any, Any]:
        constants: dict[str, Array] = {}

        def parameter(name: str, shape: tuple[int, ...]) -> Array:
            if isinstance(self._parameters[name], tf.Variable):
                return tf.cast(self._parameters[name], self._dtype)
            if name not in constants:
                host = np.float64 if self._dtype == tf.float64 else np.float32
                # Outside the graph, which takes them as inputs: a graph itself holds 2 GB at most.
                with tf.init_scope():
                    constants[name] = tf.cast(tf.constant(self._parameters[name].array(host)), self._dtype)
            return constants[name]

        ops = TensorflowOps(self._taps)
        outputs = self._forward(ops, Weights(parameter), Inputs(ids, positions, types, chosen, Layout(*layout)))
        return outputs, ops.kept

    def __call__(self, packed: Packed) -> Result:
        layout = packed.layout
        arrays = (
            packed.ids, packed.positions, packed.types, packed.chosen,
            layout.row_of_cell, layout.cell_of_row, layout.is_token, layout.first_rows,
        )  # fmt: skip
        with tf.device(self._device):
            outputs, kept = self._graph(*(tf.constant(array) for array in arrays))
        return Result(
            {name: host(value) for name, value in outputs.items()},
            {name: [host(value) for value in values] for name, values in kept.items()},
        )


def host(value: Array) -> Any:
    """As a NumPy array; half precision comes back as float32."""
    array = value.numpy()
    return array.astype(np.float32) if array.dtype.itemsize == 2 else array


def build(
    forward: Forward,
    parameters: Mapping[str, Tensor],
    *,
    dtype: str = "float32",
    taps: Collection[str] = (),
    device: str = "cpu",
    roundings: Roundings | None = None,
) -> Program:
    """Join a forward function to its weights, and trace it.

    Args:
        forward: the architecture with its config and head.
        parameters: the checkpoint's tensors, by canonical name.
        dtype: the precision to compute in.
        taps: what else to keep: "hidden_states", "attentions".
        device: "cpu".
        roundings: for int8, which this engine does not compute.
    """
    return TensorflowProgram(forward, parameters, dtype, taps, device)
