"""Kernels of our own: weights are read in the order in which they lie, and what follows a product is done in it.

A program is recorded (`kernels_ops`), its steps are joined (`kernels_joined`) and laid out in memory
(`kernels_memory`), and it runs whole in one call of the library (`kernels_library`). What the kernels do not have, such
as relative positions, is left to the engine that asked, as are processors without AVX2.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from threading import Lock

import numpy as np
import numpy.typing as npt

from pellucid.engines import processor
from pellucid.engines.int8 import Roundings, WeightSteps
from pellucid.engines.kernels_joined import joined
from pellucid.engines.kernels_library import KINDS, ROWS, Batch, KernelsLibrary, Operation, aligned, library_for
from pellucid.engines.kernels_memory import Arrays, arrays, operations, placed
from pellucid.engines.kernels_ops import Index, KernelsOps, NotRecordedError, Parameter, Value
from pellucid.engines.mapped_memory import given_back
from pellucid.engines.program import Forward, Program, Result
from pellucid.packing import Inputs, Layout, Packed
from pellucid.weights import Tensor, Weights

BESIDE_TILES = {"bfloat16": 16, "int8": 48}
"""Tokens of a call up to which kernels are used on processors with AMX: OpenVINO multiplies more rows by its tiles."""

TOKENS = 512
"""Of a micro-batch: what lies between two products stays in the caches. Measured in benchmarks/beside_openvino.py."""

TOKENS_OF_A_THREAD = 128

LONGEST = 1024
"""Tokens of a text; for longer ones the kernels were not measured."""

FEWEST_ROWS = 64
"""Of the smallest workspace."""


@dataclass(frozen=True)
class Plan:
    """A program for some number of tokens.

    Attributes:
        operations: the steps.
        places: where each value lies in the workspace, in numbers of float32.
        size: of the workspace, without what each thread has for itself behind it.
        scratch: of that.
    """

    operations: ctypes.Array[Operation]
    places: Mapping[Value, int]
    size: int
    scratch: int


class KernelsProgram(Program):
    """Steps with their places in memory, and the workspaces that they run in: one for each call under way.

    Weights are laid out at the first call, for processes that never have one.

    Args:
        library: the kernels that run it.
        forward: the architecture with its config and head.
        parameters: the checkpoint's tensors, by canonical name.
        dtype: the precision to compute in; of "int8" what is rounded, the rest in what the library has beside it.
        roundings: of the inputs of linear maps that are computed in int8.

    Raises:
        NotRecordedError: the kernels do not have all operations.
    """

    def __init__(
        self,
        library: KernelsLibrary,
        forward: Forward,
        parameters: Mapping[str, Tensor],
        dtype: str,
        roundings: Roundings,
    ) -> None:
        self._library = library
        self._is_int8 = dtype == "int8"
        ops = KernelsOps(library.beside_int8 if dtype == "int8" else dtype, roundings)
        layout = Layout(None, None, None, Index("first_rows", "B"))
        inputs = Inputs(Index("ids", "T"), Index("positions", "T"), Index("types", "T"), Index("chosen", "N"), layout)
        weights = Weights(lambda name, shape: Parameter(name, parameters[name]))
        self._outputs: dict[str, Value] = forward(ops, weights, inputs)
        self._steps = joined(ops.steps, self._outputs.values())
        self._stored = [tensor.data for tensor in parameters.values()]
        self.threads = processor.cores()
        self._planned: dict[int, Plan] = {}
        self._idle: deque[npt.NDArray[np.float32]] = deque()
        self._lock = Lock()

    @cached_property
    def _arrays(self) -> list[Arrays]:
        """What the steps read, laid out; it must outlive them."""
        with given_back(self._stored):
            return arrays(self._library, self._steps, self.threads)

    def _plan(self, tokens: int) -> Plan:
        """The steps with their places, for so many tokens or some more: there are few sizes."""
        rows = max(FEWEST_ROWS, 1 << (tokens - 1).bit_length())
        with self._lock:
            if rows not in self._planned:
                places, size = placed(self._library, self._steps, self._outputs.values(), rows)
                ready = operations(self._steps, self._arrays, places)
                own = [self._library.scratch(min(rows, LONGEST), one.columns // one.inner, one.dtype) for one in ready
                       if KINDS[one.kind] == "attention"]  # fmt: skip
                self._planned[rows] = Plan(ready, places, size, max(own, default=0))
            return self._planned[rows]

    @property
    def weight_steps(self) -> WeightSteps | None:
        return self._library.weight_steps if self._is_int8 else None

    def prepare(self, packed: Packed | None = None) -> None:
        self._plan(FEWEST_ROWS if packed is None else len(packed.ids))

    def __call__(self, packed: Packed) -> Result:
        plan = self._plan(len(packed.ids))
        counts = {"T": len(packed.ids), "N": len(packed.chosen), "B": len(packed.lengths)}
        given = (packed.ids, packed.positions, packed.types, packed.chosen, packed.starts, packed.lengths)
        joint = np.concatenate(given, dtype=np.int32)
        start, ends = joint.ctypes.data, accumulate((len(one) for one in given), initial=0)
        *pointers, lengths, _ = (start + joint.itemsize * end for end in ends)
        batch = Batch(
            tuple(counts[rows] for rows in ROWS), tuple(pointers), lengths, self.threads, plan.size, plan.scratch
        )
        try:
            workspace = self._idle.pop()
        except IndexError:
            workspace = aligned(0).view(np.float32)
        if len(workspace) < (needed := plan.size + self.threads * plan.scratch):
            workspace = aligned(needed).view(np.float32)
        try:
            self._library.run(plan.operations, batch, workspace)
            outputs = {}
            for name, value in self._outputs.items():
                place, size = plan.places[value], counts[value.rows] * value.columns
                outputs[name] = workspace[place : place + size].reshape(-1, value.columns).copy()
        finally:
            self._idle.append(workspace)
        return Result(outputs)


class WithKernels(Program):
    """A program of kernels beside the engine's own, which is built when it is first needed.

    Args:
        kernels: for all that is not too long, or for calls of few tokens.
        engines: builds the engine's program.
        most: how many tokens a call for the kernels has at most; None where they compute lists too.
    """

    def __init__(self, kernels: KernelsProgram, engines: Callable[[], Program], most: int | None) -> None:
        self.kernels = kernels
        self.most = most
        self._build = engines
        self._built: Program | None = None
        self._lock = Lock()

    @property
    def tokens(self) -> int:
        return max(TOKENS, TOKENS_OF_A_THREAD * self.kernels.threads) if self.most is None else super().tokens

    def _engines(self) -> Program:
        with self._lock:
            self._built = self._built or self._build()
            return self._built

    @property
    def weight_steps(self) -> WeightSteps | None:
        return self.kernels.weight_steps

    def _way(self, packed: Packed, *, is_alone: bool) -> Program:
        few = self.most is None or (is_alone and len(packed.ids) <= self.most)
        return self.kernels if few and packed.lengths.max(initial=0) <= LONGEST else self._engines()

    def prepare(self, packed: Packed | None = None) -> None:
        if packed is not None:
            self._way(packed, is_alone=True).prepare(packed)
            return
        self.kernels.prepare()
        if self.most is not None:
            self._engines()

    def __call__(self, packed: Packed) -> Result:
        return self._way(packed, is_alone=False)(packed)

    def alone(self, packed: Packed) -> Result:
        return self._way(packed, is_alone=True)(packed)


def build(
    forward: Forward,
    parameters: Mapping[str, Tensor],
    dtype: str,
    roundings: Roundings,
    engines: Callable[[], Program],
) -> Program:
    """Put a program of kernels before an engine's own, where they compute it on this machine.

    Args:
        forward: the architecture with its config and head.
        parameters: the checkpoint's tensors, by canonical name.
        dtype: the precision to compute in; of "int8" what is rounded, the rest in what the library has beside it.
        roundings: of the inputs of linear maps that are computed in int8.
        engines: builds the engine's program.
    """
    if (library := library_for(dtype)) is None:
        return engines()
    try:
        kernels = KernelsProgram(library, forward, parameters, dtype, roundings)
    except NotRecordedError:
        return engines()
    return WithKernels(kernels, engines, most_tokens(library, dtype))


def most_tokens(library: KernelsLibrary, dtype: str) -> int | None:
    """Up to how many tokens of a call the kernels are the faster ones on this processor; None for any number."""
    if "amx_tile" not in processor.features() or library.has_tiles:
        return None
    return BESIDE_TILES.get(dtype)
