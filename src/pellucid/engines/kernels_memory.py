"""Where the steps of a program of few rows find what they read: the workspace, and the weights as kernels read them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pellucid.engines.int8 import INPUT_STEPS, quantized_weight
from pellucid.engines.kernels_library import DTYPES, KINDS, LINE, ROWS, KernelsLibrary, Operation
from pellucid.engines.kernels_ops import Parameter, Step, Value


def _size(library: KernelsLibrary, value: Value, rows: int) -> int:
    """Numbers of float32 that a value takes for so many rows, in whole lines."""
    count = rows * value.columns if value.packed is None else library.packed_size(rows, value.columns, value.packed)
    return -(-count * 4 // LINE) * LINE // 4


def placed(
    library: KernelsLibrary, steps: Sequence[Step], results: Iterable[Value], rows: int
) -> tuple[dict[Value, int], int]:
    """Where each value lies in the workspace: where others lay that nothing reads any more. And how large that is.

    Args:
        library: the kernels that run them.
        steps: in the order in which they are computed.
        results: what is read afterwards.
        rows: for how many tokens.
    """
    last_use = {value: number for number, step in enumerate(steps) for value in step.inputs}
    last_use.update((value, len(steps)) for value in results)
    places: dict[Value, int] = {}
    free: list[tuple[int, int]] = []
    end = 0
    for number, step in enumerate(steps):
        for value in step.outputs:
            size = _size(library, value, rows)
            fitting = [one for one in free if one[0] == size]
            if fitting:
                free.remove(fitting[0])
                places[value] = fitting[0][1]
            else:
                places[value], end = end, end + size
        read = {value for value in (*step.inputs, *step.outputs) if last_use.get(value, number) == number}
        free.extend((_size(library, value, rows), places[value]) for value in read)
    return places, end


Arrays: TypeAlias = tuple[npt.NDArray[Any] | None, npt.NDArray[np.float32] | None, npt.NDArray[np.float32] | None]
"""A step's weight, scale and shift."""


def arrays(library: KernelsLibrary, steps: Sequence[Step], threads: int) -> list[Arrays]:
    """What each step reads of the checkpoint, as its kernel reads it; a weight of several products is there once."""
    products = {_product_key(step): step for step in steps if step.kind == "product"}
    with ThreadPoolExecutor(threads) as pool:
        of_products = dict(zip(products, pool.map(partial(_product_arrays, library), products.values()), strict=True))
    return [of_products[_product_key(one)] if one.kind == "product" else _other_arrays(one) for one in steps]


def _product_key(step: Step) -> tuple[Any, ...]:
    return step.weight, step.shift, step.settings["dtype"]


def _product_arrays(library: KernelsLibrary, step: Step) -> Arrays:
    assert step.weight is not None
    shift = _floats(step.shift)
    weight, rounding = step.weight.tensor.array(np.float32), step.rounding
    if rounding is None:
        return library.packed_weight(weight, DTYPES[step.settings["dtype"]]), None, shift
    numbers, step_of_output = quantized_weight(weight * rounding.scale, library.weight_steps)
    scale = (step_of_output * ((rounding.high - rounding.low) / INPUT_STEPS)).ravel()
    # Every input is counted from the lowest value.
    lowest = (step_of_output * rounding.low).ravel() * numbers.sum(axis=1, dtype=np.float32)
    shift = lowest if shift is None else lowest + shift
    return library.packed_weight(numbers, "int8"), scale.astype(np.float32), shift.astype(np.float32)


def _other_arrays(step: Step) -> Arrays:
    if step.kind == "embedding" and step.weight is not None:
        # Of a table few rows are read; it stays where it lies.
        return np.ascontiguousarray(step.weight.tensor.data), None, None
    return _floats(step.weight), None, _floats(step.shift)


def _floats(parameter: Parameter | None) -> npt.NDArray[np.float32] | None:
    return None if parameter is None else np.ascontiguousarray(parameter.tensor.array(np.float32))


def _operation(step: Step, own: Arrays, places: Mapping[Value, int], waits: bool) -> Operation:
    inputs = dict.fromkeys(("first", "second", "third"), -1)
    inputs.update(zip(inputs, (places[value] for value in step.inputs), strict=False))
    outputs = {"output" if value.packed is None else "packed": places[value] for value in step.outputs}
    pointers = [None if one is None else one.ctypes.data for one in (*own, step.factors)]
    operation = Operation(
        kind=KINDS.index(step.kind), waits=waits, rows=ROWS.index(step.output.rows), columns=step.output.columns,
        **{"output": -1, "packed": -1, **outputs}, **inputs, packs=-1,
        **dict(zip(("weight", "scale", "shift", "factors"), pointers, strict=True)),
    )  # fmt: skip
    for name, value in step.settings.items():
        setattr(operation, name, value)
    return operation


def operations(steps: Sequence[Step], read: Sequence[Arrays], places: Mapping[Value, int]) -> ctypes.Array[Operation]:
    """The steps as the library takes them; a step waits where one before it may still use the same memory."""
    ready = []
    written: set[int] = set()
    touched: set[int] = set()
    for step, own in zip(steps, read, strict=True):
        inputs, outputs = ({places[value] for value in values} for values in (step.inputs, step.outputs))
        waits = bool(inputs & written) or bool(outputs & touched)
        if waits:
            written, touched = set(), set()
        written |= outputs
        touched |= inputs | outputs
        ready.append(_operation(step, own, places, waits))
    return (Operation * len(ready))(*ready)
