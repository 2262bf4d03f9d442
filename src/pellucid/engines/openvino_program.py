"""The architecture builds an OpenVINO graph once, which then runs batches of any size.

The graph's constants are the checkpoint's memory-mapped tensors themselves: half-precision ones too, which the graph
widens when it is compiled.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection, Mapping
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.engines import processor
from pellucid.engines.int8 import Roundings, WeightSteps
from pellucid.engines.mapped_memory import given_back
from pellucid.engines.openvino_import import import_openvino
from pellucid.engines.openvino_int8 import weight_node, weight_steps
from pellucid.engines.openvino_ops import Node, OpenvinoOps
from pellucid.engines.program import Forward, Program, Result
from pellucid.engines.shapes import output_rows
from pellucid.packing import Inputs, Layout, Packed
from pellucid.weights import Tensor, Weights

ov = import_openvino()
opset = ov.opset15

logger = logging.getLogger(__name__)

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


def _for_openvino(array: Any) -> Any:
    """The same memory, which OpenVINO shares only if it may be written to; it does not."""
    view = array.view()
    view.flags.writeable = True
    return view


def _constant(tensor: Tensor, name: str) -> tuple[Any, Node]:
    """A node that holds a tensor in float32, and the array whose memory it reads."""
    if tensor.dtype == "float16":
        array = _for_openvino(tensor.data)
        half = opset.constant(array, shared_memory=True, name=name)
    elif tensor.dtype == "bfloat16":
        array = _for_openvino(tensor.data)
        half = opset.constant(ov.Tensor(array, ov.Shape(tensor.shape), ov.Type.bf16), shared_memory=True, name=name)
    else:
        array = _for_openvino(tensor.array(np.float32))
        return array, opset.constant(array, shared_memory=True, name=name)
    return array, opset.convert(half, "f32")


@cache
def _core() -> Any:
    return ov.Core()


def has_bfloat16() -> bool:
    """Whether the processor computes in it."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


# The graph's inputs: where each comes from in a packed batch and its rectangle, its dtype, and how many axes it has.
INPUTS: dict[str, tuple[Any, Any, int]] = {
    "ids": (lambda packed, _: packed.ids, np.int32, 1),
    "positions": (lambda packed, _: packed.positions, np.int32, 1),
    "types": (lambda packed, _: packed.types, np.int32, 1),
    "chosen": (lambda packed, _: packed.chosen, np.int32, 1),
    "row_of_cell": (lambda _, rectangle: rectangle.row_of_cell, np.int32, 2),
    "cell_of_row": (lambda _, rectangle: rectangle.cell_of_row, np.int32, 1),
    "is_token": (lambda _, rectangle: rectangle.is_token, np.bool_, 2),
    "first_rows": (lambda _, rectangle: rectangle.first_rows, np.int32, 1),
}

COLUMNS = 16
"""The rectangle has a multiple of so many columns: what is left of a row behind the last whole vector costs more."""

MANY_ROWS = 64
"""Rows from which on a micro-batch is large."""

TILE_ROWS = 16
"""Rows of one tile of AMX, which takes the same time however many of them are filled."""

FIRST_CALLS = 8
"""Calls in which OpenVINO may still read stored weights, to lay them out for the kernels that it then chooses."""


class OpenvinoProgram(Program):
    """A compiled graph, and the requests that run it: one for each call under way."""

    def __init__(
        self,
        forward: Forward,
        parameters: Mapping[str, Tensor],
        dtype: str,
        taps: Collection[str],
        roundings: Roundings,
    ) -> None:
        # The graph reads the mapped tensors until it is compiled, and may go on to; they must outlive it.
        self._arrays: list[Any] = []
        self._stored = [tensor.data for tensor in parameters.values()]
        self._first_calls = iter(range(FIRST_CALLS))
        with given_back(self._stored):
            model, self._inputs, self._results = self._build(forward, parameters, taps, roundings)
            self._compiled = _core().compile_model(model, "CPU", compile_options(dtype))
        self._forward = forward
        self._idle: deque[Any] = deque()
        self._gives_attentions = "attentions" in taps
        self._is_int8 = dtype == "int8"
        # Kernels of whole numbers take several times as long to make as a short text to compute.
        self._rows_alone = TILE_ROWS if roundings and "amx_int8" in processor.features() else 1

    @property
    def weight_steps(self) -> WeightSteps | None:
        return weight_steps() if self._is_int8 else None

    def _build(
        self, forward: Forward, parameters: Mapping[str, Tensor], taps: Collection[str], roundings: Roundings
    ) -> tuple[Any, list[str], list[tuple[str, bool]]]:
        nodes = {name: opset.parameter([-1] * axes, dtype, name=name) for name, (_, dtype, axes) in INPUTS.items()}
        constants: dict[str, Node] = {}

        def constant(name: str, shape: tuple[int, ...]) -> Node:
            if name not in constants:
                rounding = roundings.get(name.removesuffix(".weight")) if name.endswith(".weight") else None
                if rounding is not None:
                    node = weight_node(parameters[name].array(np.float32), rounding, name)
                else:
                    array, node = _constant(parameters[name], name)
                    self._arrays.append(array)
                constants[name] = node
            return constants[name]

        layout = Layout(nodes["row_of_cell"], nodes["cell_of_row"], nodes["is_token"], nodes["first_rows"])
        inputs = Inputs(nodes["ids"], nodes["positions"], nodes["types"], nodes["chosen"], layout)
        ops = OpenvinoOps(taps, roundings)
        outputs = forward(ops, Weights(constant), inputs)
        results = [(name, False) for name in outputs] + [(name, True) for name in ops.kept for _ in ops.kept[name]]
        values = [*outputs.values(), *(value for kept in ops.kept.values() for value in kept)]
        used = {name: node for name, node in nodes.items() if node.output(0).get_target_inputs()}
        model = ov.Model([opset.result(value) for value in values], list(used.values()), "pellucid")
        return model, list(used), results

    def _with_spare_rows(self, name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if array.ndim > 1:
            return array
        spare = spare_rows(len(array), of_tokens=name not in ("chosen", "first_rows"), alone=self._rows_alone)
        return np.concatenate([array, np.zeros(spare, array.dtype)]) if spare else array

    @cached_property
    def _rows(self) -> list[str]:
        """What each result has a row for; attentions have no spare rows."""
        rows = output_rows(self._forward)
        return [("T" if name == "hidden_states" else "") if is_tap else rows[name] for name, is_tap in self._results]

    def __call__(self, packed: Packed) -> Result:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        # Attentions are given as they are computed, and a short text alone gains nothing.
        fills_vectors = not self._gives_attentions and len(packed.ids) >= MANY_ROWS
        rectangle = packed.rectangle(COLUMNS) if fills_vectors else packed.layout
        given = [INPUTS[name][0](packed, rectangle) for name in self._inputs]
        inputs = [self._with_spare_rows(name, array) for name, array in zip(self._inputs, given, strict=True)]
        counts = {}
        if any(len(one) > len(other) for one, other in zip(inputs, given, strict=True)):
            counts = {"T": len(packed.ids), "N": len(packed.chosen), "B": len(packed.lengths)}
        try:
            for number, array in enumerate(inputs):
                # `infer(inputs)` would do the same, and look at all of them several times.
                request.set_input_tensor(number, ov.Tensor(array, shared_memory=True))
            if next(self._first_calls, None) is None:
                request.infer()
            else:
                with given_back(self._stored):
                    request.infer()
            # The request's memory is written again by the next call: the results must be copies.
            values = [request.get_output_tensor(number).data for number in range(len(self._results))]
            if counts:
                values = [one[: counts.get(rows)] for one, rows in zip(values, self._rows, strict=True)]
            values = [np.array(one) for one in values]
        finally:
            self._idle.append(request)
        result = Result({})
        for (name, is_tap), value in zip(self._results, values, strict=True):
            if is_tap:
                result.taps.setdefault(name, []).append(value)
            else:
                result.outputs[name] = value
        return result


def spare_rows(count: int, *, of_tokens: bool, alone: int = 1) -> int:
    """How many rows of no sequence are put behind so many: at most one in 16, or in few rows that are answered for, 4.

    OpenVINO makes kernels for each number of rows that it meets, lays weights out for them, and keeps both. Without
    spare rows memory would go on growing with the texts. One text alone, of few tokens, has none.

    Args:
        count: the rows.
        of_tokens: whether they are tokens, and not what is answered for.
        alone: of how many the rows of one text alone are a multiple.
    """
    if count < MANY_ROWS and of_tokens:
        return -count % alone
    step = max(1, (1 << (count.bit_length() - 1)) // (16 if count >= MANY_ROWS else 4))
    return -count % step


def compile_options(dtype: str) -> dict[str, str]:
    """The settings that a graph is compiled with.

    The precision is always set: left out, OpenVINO takes bfloat16 by itself where the processor has it.

    Args:
        dtype: the precision that is asked for; of "int8" this is about what lies between the products.
    """
    if dtype == "bfloat16" and not has_bfloat16():
        _say_that_there_is_no_bfloat16()
    if dtype in ("bfloat16", "int8"):
        dtype = "bfloat16" if has_bfloat16() else "float32"
    return {"INFERENCE_PRECISION_HINT": PRECISIONS[dtype], "PERFORMANCE_HINT": "LATENCY"}


@cache
def _say_that_there_is_no_bfloat16() -> None:
    logger.warning(
        "This processor has no units for bfloat16, such as AVX-512 BF16 or AMX: OpenVINO computes in float32 instead, "
        "which is nearer and takes its time and memory."
    )
