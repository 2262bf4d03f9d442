"""Between the caller's arguments and TensorFlow's rectangles, outside of graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pellucid.engines.tensorflow import host
from pellucid.models.arrays import unpack
from pellucid.models.losses import IGNORED
from pellucid.outputs import ModelOutput
from pellucid.packing import Packed
from pellucid.tensors import Kind, is_array


def arguments_of(first: Any, names: Sequence[str]) -> dict[str, Any] | None:
    """The arguments that stand in the first one: a dictionary of them, or a list of arrays in the order of the names.

    Returns:
        The arguments by name; None where the first one is token ids.
    """
    if isinstance(first, Mapping):
        return dict(first)
    if isinstance(first, list | tuple) and first and all(is_array(one) and len(one.shape) == 2 for one in first):
        return dict(zip(names, first, strict=False))
    return None


def in_cells(packed: Packed, is_token: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """A packed batch that was checked, as the rectangles that the graph takes."""
    rectangles = {"input_ids": packed.ids, "token_type_ids": packed.types, "position_ids": packed.positions}
    made = {name: tf.constant(unpack(rows, is_token)) for name, rows in rectangles.items()}
    return {**made, "attention_mask": tf.constant(is_token.astype(np.int32))}


def in_graphs(value: Any) -> Any:
    """A tensor as it is, also Keras' of a graph of layers; lists and arrays as constants of the graph."""
    if isinstance(value, tuple):
        return tuple(in_graphs(one) for one in value)
    return value if keras.utils.is_keras_tensor(value) else tf.convert_to_tensor(value)


def beyond_ignored(columns: Any, length: Any) -> Any:
    """Columns beyond the last one take no part in the loss."""
    columns = tf.reshape(columns, [-1])
    return tf.where(columns < tf.cast(length, columns.dtype), columns, IGNORED)


def given_back(output: Any, kind: Kind, like: Any) -> Any:
    """An output in the caller's kind of array; NumPy's and PyTorch's carry no gradients.

    Args:
        output: a `ModelOutput`, or a tuple of what it holds.
        kind: the caller's.
        like: one of the caller's arrays, which tells the device.
    """
    if kind.name == "tf":
        return output
    if isinstance(output, ModelOutput):
        return type(output)(**{name: kind.give(_host(value), like) for name, value in output.items()})
    return tuple(kind.give(_host(value), like) for value in output)


def _host(value: Any) -> Any:
    """As NumPy's array; half precision becomes float32."""
    if isinstance(value, tuple):
        return tuple(_host(one) for one in value)
    return host(value)
