"""One short text on kernels of our own: its weights are read once, in the order in which they lie, while they multiply.

A program is recorded (`kernels_ops`), laid out in memory, and then run whole by one call of the library. What the
kernels do not have, such as relative positions, is left to the engine that asked, as are processors without AVX-512.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import accumulate
from threading import Lock

import numpy as np
import numpy.typing as npt

from pellucid.engines import processor
from pellucid.engines.int8 import Roundings
from pellucid.engines.kernels_library import ROWS, Batch, Operation, aligned, dtypes, run
from pellucid.engines.kernels_memory import FEW_ROWS, Arrays, arrays, operations, placed
from pellucid.engines.kernels_ops import Index, KernelsOps, NotRecordedError, Parameter, Value
from pellucid.engines.mapped_memory import given_back
from pellucid.engines.program import Forward, Program, Result
from pellucid.packing import Inputs, Layout, Packed
from pellucid.weights import Tensor, Weights

TILES = {"int8": ("amx_int8", 48), "bfloat16": ("amx_bf16", 16)}
"""Of precisions that tiles of AMX multiply in, what Linux calls these, and how many rows are few beside them."""

MOST_THREADS = 16
"""Products of few rows are too small for more."""


class KernelsProgram(Program):
    """Steps with their places in memory, and the workspaces that they run in: one for each call under way.

    Weights are laid out at the first call, for processes that never have one.

    Args:
        forward: the architecture with its config and head.
        parameters: the checkpoint's tensors, by canonical name.
        dtype: the precision of products that are not in int8.
        roundings: of the inputs of linear maps that are computed in int8.

    Raises:
        NotRecordedError: the kernels do not have all operations.
    """

    def __init__(self, forward: Forward, parameters: Mapping[str, Tensor], dtype: str, roundings: Roundings) -> None:
        ops = KernelsOps(dtype, roundings)
        layout = Layout(None, None, None, Index("first_rows", "B"))
        inputs = Inputs(Index("ids", "T"), Index("positions", "T"), Index("types", "T"), Index("chosen", "N"), layout)
        weights = Weights(lambda name, shape: Parameter(name, parameters[name]))
        self._outputs: dict[str, Value] = forward(ops, weights, inputs)
        self._steps = ops.steps
        self._stored = [tensor.data for tensor in parameters.values()]
        self._threads = min(processor.cores(), MOST_THREADS)
        self._places, self._size = placed(ops.steps, self._outputs.values())
        self._idle: deque[npt.NDArray[np.float32]] = deque()
        self._lock = Lock()

    @cached_property
    def _laid_out(self) -> tuple[list[Arrays], ctypes.Array[Operation]]:
        """The arrays that the steps read, which must outlive them, and the steps."""
        with given_back(self._stored):
            read = arrays(self._steps, self._threads)
        return read, operations(self._steps, read, self._places)

    def prepare(self, packed: Packed | None = None) -> None:
        with self._lock:
            _ = self._laid_out

    def __call__(self, packed: Packed) -> Result:
        self.prepare()
        counts = {"T": len(packed.ids), "N": len(packed.chosen), "B": len(packed.lengths)}
        given = (packed.ids, packed.positions, packed.types, packed.chosen, packed.starts, packed.lengths)
        joined = np.concatenate(given, dtype=np.int32)
        ends = accumulate((len(one) for one in given), initial=0)
        start = joined.ctypes.data
        *pointers, lengths, _ = (start + joined.itemsize * end for end in ends)
        batch = Batch(tuple(counts[rows] for rows in ROWS), tuple(pointers), lengths)
        try:
            workspace = self._idle.pop()
        except IndexError:
            workspace = aligned(self._size).view(np.float32)
        try:
            run(self._laid_out[1], batch, workspace, self._threads)
            outputs = {}
            for name, value in self._outputs.items():
                place, size = self._places[value], counts[value.rows] * value.columns
                outputs[name] = workspace[place : place + size].reshape(-1, value.columns).copy()
        finally:
            self._idle.append(workspace)
        return Result(outputs)


class WithKernels(Program):
    """A program for few rows, and one for many that is built when it is first needed.

    Args:
        few: for micro-batches that are alone and have few rows.
        most: how many those are.
        many: builds the other program.
    """

    def __init__(self, few: Program, most: int, many: Callable[[], Program]) -> None:
        self._few = few
        self._most = most
        self._build = many
        self._built: Program | None = None
        self._lock = Lock()

    def _many(self) -> Program:
        with self._lock:
            self._built = self._built or self._build()
            return self._built

    def prepare(self, packed: Packed | None = None) -> None:
        if packed is None or len(packed.ids) <= self._most:
            self._few.prepare()
        if packed is None or len(packed.ids) > self._most:
            self._many()

    def __call__(self, packed: Packed) -> Result:
        return self._many()(packed)

    def alone(self, packed: Packed) -> Result:
        return self._few(packed) if len(packed.ids) <= self._most else self(packed)


def build(
    forward: Forward,
    parameters: Mapping[str, Tensor],
    dtype: str,
    roundings: Roundings,
    many: Callable[[], Program],
) -> Program:
    """Join a program for few rows, where the kernels compute it on this machine, to an engine's own.

    Args:
        forward: the architecture with its config and head.
        parameters: the checkpoint's tensors, by canonical name.
        dtype: the precision to compute in; of "int8" what is rounded, the rest in bfloat16.
        roundings: of the inputs of linear maps that are computed in int8.
        many: builds the engine's program.
    """
    if dtype not in dtypes():
        return many()
    others = "bfloat16" if dtype == "int8" and "bfloat16" in dtypes() else "float32"
    try:
        few = KernelsProgram(forward, parameters, others if dtype == "int8" else dtype, roundings)
    except NotRecordedError:
        return many()
    return WithKernels(few, most_rows(dtype), many)


def most_rows(dtype: str) -> int:
    """Up to how many rows the kernels here are the faster ones, in a precision on this processor."""
    feature, most = TILES.get(dtype, ("", 0))
    return most if feature in processor.features() else FEW_ROWS
