"""int8 on OpenVINO: linear maps of whole numbers, everything else in bfloat16 where the processor has it.

The input of each map is rounded to 256 steps, its weights to 255 steps for each output (Jacob et al., 2017,
arXiv:1712.05877, §2). The graph says so in `FakeQuantize` nodes and small constants, and OpenVINO compiles them into
products of int8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.engines.int8 import Rounding, quantized_weight
from pellucid.engines.openvino_import import import_openvino

ov = import_openvino()
opset = ov.opset15

Node = Any

LEVELS = 256


def quantized(x: Node, rounding: Rounding) -> Node:
    """Each channel divided by its scale, and rounded to 256 steps; the node does both at once."""
    low, high = np.float32(rounding.low), np.float32(rounding.high)
    scale = np.asarray(rounding.scale, np.float32)[None]
    before = opset.constant(low * scale), opset.constant(high * scale)
    return opset.fake_quantize(x, *before, opset.constant(low), opset.constant(high), LEVELS)


def weight_node(weight: npt.NDArray[Any], rounding: Rounding, name: str) -> Node:
    """A weight as a node: whole numbers, made floating and scaled, which the compiler keeps as whole numbers."""
    numbers, step = quantized_weight(weight * rounding.scale)
    return opset.multiply(opset.convert(opset.constant(numbers), "f32"), opset.constant(step), name=name)
