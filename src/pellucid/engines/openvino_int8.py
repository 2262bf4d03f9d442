"""int8 on OpenVINO: linear maps of whole numbers, everything else in bfloat16 where the processor has it.

The input of each map is rounded to 256 steps, its weights to 255 steps for each output (Jacob et al., 2017,
arXiv:1712.05877, §2). The graph says so in `FakeQuantize` nodes and small constants, and OpenVINO compiles them into
products of int8.

Processors without AVX-512 VNNI, AVX-VNNI or AMX add two such products in 16 bits, where a sum above 32,767 becomes
32,767 (oneDNN's guide, "Nuances of int8 Computations"). There weights have 127 steps: two products are then
2 · 255 · 63 = 32,130 at most.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.engines.int8 import (
    FEW_WEIGHT_STEPS,
    INPUT_STEPS,
    WEIGHT_STEPS,
    Rounding,
    WeightSteps,
    quantized_weight,
)
from pellucid.engines.openvino_import import import_openvino

ov = import_openvino()
opset = ov.opset15

logger = logging.getLogger(__name__)

Node = Any

LEVELS = INPUT_STEPS + 1

FAR = 1e30
"""Farther from 0 than any activation."""

IN_A_PRODUCT = {"Gelu", "Relu", "Swish", "Mish", "Sigmoid", "Tanh", "Clamp"}
"""What the kernel of the product before computes as well; it can round, too."""


def quantized(x: Node, rounding: Rounding) -> Node:
    """Each channel divided by its scale, and rounded to 256 steps; the node does both at once.

    What is below the lowest step is cut before, as rounding would do: the compiler joins rounding to the node before,
    but not to a norm or a gathering of rows. Then it would compute it apart, in float32, five times as long.
    """
    low, high = np.float32(rounding.low), np.float32(rounding.high)
    scale = np.asarray(rounding.scale, np.float32)[None]
    before = opset.constant(low * scale), opset.constant(high * scale)
    if node_of(x).get_type_name() not in IN_A_PRODUCT:
        x = opset.maximum(x, before[0])
    return opset.fake_quantize(x, *before, opset.constant(low), opset.constant(high), LEVELS)


def scaled_here(product: Node) -> Node:
    """A product of whole numbers, made floating in its own kernel.

    The compiler would move the scales and biases of the outputs behind what is done next, such as the gathering of
    rows, and compute them apart. It cannot move them over a limit that is the same for all channels.
    """
    return opset.clamp(product, -FAR, FAR)


def node_of(x: Node) -> Node:
    """The node that makes a value, which may be one of several that it makes."""
    return x.get_node() if hasattr(x, "get_node") else x


def weight_node(weight: npt.NDArray[Any], rounding: Rounding, name: str) -> Node:
    """A weight as a node: whole numbers, made floating and scaled, which the compiler keeps as whole numbers."""
    numbers, step = quantized_weight(weight * rounding.scale, weight_steps())
    return opset.multiply(opset.convert(opset.constant(numbers), "f32"), opset.constant(step), name=name)


@cache
def weight_steps() -> WeightSteps:
    """In how many steps weights are told: 255, or 127, which is said, where this processor cannot multiply those."""
    if _largest_products_are_exact():
        return WEIGHT_STEPS
    logger.warning(
        "This processor adds up products of int8 in 16 bits, which larger numbers overflow: weights have %d steps here "
        "instead of %d, and int8 may be slower than float32. `pellucid quantize` and dtype='auto-fast' measure it.",
        FEW_WEIGHT_STEPS.number,
        WEIGHT_STEPS.number,
    )
    return FEW_WEIGHT_STEPS


def _largest_products_are_exact() -> bool:
    """Whether a row of the largest inputs times a row of the largest weights gives the number that it should."""
    channels = 64
    x = opset.parameter([-1, channels], np.float32)
    ends = opset.constant(np.float32(0)), opset.constant(np.float32(LEVELS - 1))
    weight = np.full((channels, channels), WEIGHT_STEPS.number // 2, np.int8)
    step = opset.constant(np.ones((channels, 1), np.float32))
    node = opset.multiply(opset.convert(opset.constant(weight), "f32"), step)
    model = ov.Model([opset.matmul(opset.fake_quantize(x, *ends, *ends, LEVELS), node, False, True)], [x], "probe")
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled([np.full((1, channels), LEVELS - 1, np.float32)])[0]
    return bool((found == channels * (LEVELS - 1) * (WEIGHT_STEPS.number // 2)).all())
