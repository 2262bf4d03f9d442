"""The activations as nodes of an OpenVINO graph."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from pellucid.engines.openvino_import import import_openvino

opset = import_openvino().opset15

Node: TypeAlias = Any
"""A value of the graph."""


def _float(value: float) -> Node:
    return opset.constant(np.float32(value))


def _leaky_relu(x: Node) -> Node:
    return opset.prelu(x, _float(0.01))


def _gelu_sigmoid(x: Node) -> Node:
    return opset.multiply(x, opset.sigmoid(opset.multiply(x, _float(1.702))))


def _relu_squared(x: Node) -> Node:
    positive = opset.relu(x)
    return opset.multiply(positive, positive)


FUNCTIONS: dict[str, Any] = {
    "gelu_erf": lambda x: opset.gelu(x, "erf"),
    "gelu_tanh": lambda x: opset.gelu(x, "tanh"),
    "gelu_sigmoid": _gelu_sigmoid,
    "relu": opset.relu,
    "relu_squared": _relu_squared,
    "relu6": lambda x: opset.clamp(x, 0.0, 6.0),
    "leaky_relu": _leaky_relu,
    "silu": opset.swish,
    "mish": opset.mish,
    "sigmoid": opset.sigmoid,
    "tanh": opset.tanh,
    "linear": lambda x: x,
}
"""By the words of `ops.activation_function`."""
