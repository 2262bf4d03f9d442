"""The operations as nodes of an OpenVINO graph."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pellucid.engines.int8 import Rounding, Roundings
from pellucid.engines.openvino_activations import FUNCTIONS
from pellucid.engines.openvino_import import import_openvino
from pellucid.engines.openvino_int8 import node_of, quantized, scaled_here
from pellucid.ops import Ops, activation_function
from pellucid.packing import Layout

ov = import_openvino()
opset = ov.opset15

Node: TypeAlias = Any
"""A value of the graph."""

# Far below any score and far above the lowest number of float32 and bfloat16, so that adding to it cannot overflow.
HIDDEN_SCORE = -1e30


class OpenvinoOps(Ops):
    """The operations as nodes of a graph.

    Args:
        taps: what to keep.
        roundings: of the inputs of linear maps that are computed in int8.
    """

    def __init__(self, taps: Collection[str] = (), roundings: Roundings | None = None) -> None:
        super().__init__(taps)
        self._roundings = roundings or {}
        self._rounded: dict[Any, Node] = {}

    def constant(self, array: npt.NDArray[Any], like: Node) -> Node:
        return _ints(array) if array.dtype.kind in "iu" else opset.constant(array.astype(np.float32))

    def embedding(self, table: Node, ids: Node) -> Node:
        return opset.gather(table, ids, _ints(0))

    def linear(self, x: Node, weight: Node, bias: Node | None = None) -> Node:
        rounding = self._roundings.get(weight.get_friendly_name().removesuffix(".weight"))
        if rounding is not None:
            x = self._rounded_once(x, rounding)
        product = opset.matmul(x, weight, transpose_a=False, transpose_b=True)
        y = product if bias is None else opset.add(product, bias)
        return y if rounding is None else scaled_here(y)

    def _rounded_once(self, x: Node, rounding: Rounding) -> Node:
        """Query, key and value are maps of one input, which is rounded once."""
        key = id(rounding), node_of(x).get_friendly_name()
        if key not in self._rounded:
            self._rounded[key] = quantized(x, rounding)
        return self._rounded[key]

    def add(self, x: Node, y: Node) -> Node:
        return opset.add(x, y)

    def multiply(self, x: Node, y: Node) -> Node:
        return opset.multiply(x, y)

    def scale(self, x: Node, factor: float) -> Node:
        return opset.multiply(x, _float(factor))

    def layer_norm(self, x: Node, weight: Node, bias: Node | None, eps: float) -> Node:
        normal = opset.mvn(x, _ints([-1]), normalize_variance=True, eps=eps, eps_mode="inside_sqrt")
        scaled = opset.multiply(normal, weight)
        return scaled if bias is None else opset.add(scaled, bias)

    def rms_norm(self, x: Node, weight: Node, eps: float) -> Node:
        mean_square = opset.reduce_mean(opset.multiply(x, x), _ints([-1]), keep_dims=True)
        root = opset.sqrt(opset.add(mean_square, _float(eps)))
        return opset.multiply(opset.divide(x, root), weight)

    def activation(self, name: str, x: Node) -> Node:
        return FUNCTIONS[activation_function(name)](x)

    def rotary(self, x: Node, cos: Node, sin: Node, heads: int) -> Node:
        by_head = opset.reshape(x, _ints([0, heads, -1]), special_zero=True)
        first, second = opset.split(by_head, _ints(-1), 2).outputs()
        turned = opset.concat([opset.negative(second), first], -1)
        across_heads = _ints(1)
        rotated = opset.add(
            opset.multiply(by_head, opset.unsqueeze(cos, across_heads)),
            opset.multiply(turned, opset.unsqueeze(sin, across_heads)),
        )
        return opset.reshape(rotated, opset.shape_of(x), special_zero=False)

    def rows(self, x: Node, index: Node) -> Node:
        return opset.gather(x, index, _ints(0))

    def split(self, x: Node, sizes: Sequence[int]) -> list[Node]:
        return list(opset.variadic_split(x, _ints(-1), _ints(list(sizes))).outputs())

    def concat(self, parts: Sequence[Node]) -> Node:
        return opset.concat(list(parts), -1)

    def pad(self, x: Node, layout: Layout, heads: int, repeat: int = 1) -> Node:
        rectangle = opset.gather(x, layout.row_of_cell, _ints(0))  # [B, L, A·D]
        by_head = opset.reshape(rectangle, _ints([0, 0, heads, -1]), special_zero=True)
        if repeat > 1:
            index = np.repeat(np.arange(heads), repeat)
            by_head = opset.gather(by_head, _ints(index), _ints(2))
        return opset.transpose(by_head, _ints([0, 2, 1, 3]))

    def unpad(self, x: Node, layout: Layout) -> Node:
        dimension = x.get_output_partial_shape(0)[3].get_length()
        heads = x.get_output_partial_shape(0)[1].get_length()
        by_cell = opset.transpose(x, _ints([0, 2, 1, 3]))
        cells = opset.reshape(by_cell, _ints([-1, heads * dimension]), special_zero=False)
        return opset.gather(cells, layout.cell_of_row, _ints(0))

    def matmul(self, x: Node, y: Node, transpose: bool = False) -> Node:
        return opset.matmul(x, y, transpose_a=False, transpose_b=transpose)

    def by_distance(self, x: Node, rows: npt.NDArray[Any], layout: Layout, *, of_key: bool = False) -> Node:
        key, query = _columns(layout)
        furthest = len(rows) // 2
        distance = opset.minimum(opset.maximum(opset.subtract(query, key), _ints(-furthest)), _ints(furthest))
        index = opset.gather(_ints(rows), opset.add(distance, _ints(furthest)), _ints(0))
        _, _, owners, count = x.get_output_partial_shape(0)
        # One index [L, L] into all numbers of a head serves every head and sequence.
        if owners != ov.Dimension(1):
            index = opset.add(index, opset.multiply(key if of_key else query, _ints(count.get_length())))
        return opset.gather(opset.reshape(x, _ints([0, 0, -1]), special_zero=True), index, _ints(2))

    def softmax(self, scores: Node, layout: Layout, causal: bool = False, window: int | None = None) -> Node:
        visible = _visible(layout, causal, window)
        return opset.softmax(opset.select(visible, scores, _float(HIDDEN_SCORE)), axis=-1)


def _visible(layout: Layout, causal: bool, window: int | None) -> Node:
    """Which key each query may see, bool, broadcastable to `[B, A, L, L]`."""
    visible = opset.unsqueeze(layout.is_token, _ints([1, 2]))
    if not causal and window is None:
        return visible
    key, query = _columns(layout)
    if causal:
        visible = opset.logical_and(visible, opset.less_equal(key, query))
    if window is not None:
        near = opset.less_equal(opset.abs(opset.subtract(key, query)), _ints(window))
        visible = opset.logical_and(visible, near)
    return visible


def _columns(layout: Layout) -> tuple[Node, Node]:
    """The columns of the rectangle, as those of keys `[1, L]` and of queries `[L, 1]`."""
    length = opset.gather(opset.shape_of(layout.is_token, output_type="i32"), _ints(1), _ints(0))
    column = opset.range(_ints(0), length, _ints(1), "i32")
    return opset.unsqueeze(column, _ints(0)), opset.unsqueeze(column, _ints(1))


def _ints(value: Any) -> Node:
    return opset.constant(np.asarray(value, dtype=np.int32))


def _float(value: float) -> Node:
    return opset.constant(np.float32(value))
