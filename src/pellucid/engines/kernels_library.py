"""The compiled kernels of `src/pellucid/kernels`, and their structures as Python sees them."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.engines import processor
from pellucid.engines.int8 import WEIGHT_STEPS, WeightSteps

logger = logging.getLogger(__name__)

# The words of kernels.h, in its order.
KINDS = (
    "embedding", "add", "multiply", "scale", "layer_norm", "activation", "rows", "pack", "product", "attention",
)  # fmt: skip
DTYPES = ("float32", "bfloat16", "int8", "float16")
FUNCTIONS = ("linear", "gelu_erf", "gelu_tanh", "gelu_sigmoid", "relu", "silu", "sigmoid", "tanh", "gelu_roughly")
ROWS = ("T", "N", "B")
INDICES = ("ids", "positions", "types", "chosen", "first_rows")

LINE = 64
"""Bytes of a line of the cache."""

LANES = 16
"""Numbers of a vector."""


class Operation(ctypes.Structure):
    """One step: `struct operation`."""

    _fields_ = [
        *(
            (name, ctypes.c_int32)
            for name in ("kind", "waits", "rows", "columns", "inner", "dtype", "packs", "function")
        ),
        *((name, ctypes.c_float) for name in ("number", "lowest")),
        *((name, ctypes.c_int64) for name in ("output", "packed", "first", "second", "third")),
        *((name, ctypes.c_void_p) for name in ("weight", "scale", "shift", "factors")),
    ]


class Batch(ctypes.Structure):
    """What a run is given: `struct batch`."""

    _fields_ = [
        ("counts", ctypes.c_int32 * len(ROWS)),
        ("indices", ctypes.c_void_p * len(INDICES)),
        ("lengths", ctypes.c_void_p),
        ("threads", ctypes.c_int32),
        ("scratch", ctypes.c_int64),
        ("scratch_size", ctypes.c_int64),
    ]


class KernelsLibrary:
    """The kernels as they are compiled for one set of instructions.

    Args:
        name: of the instructions.
        file: the compiled library.
        dtypes: the precisions that it multiplies in on this machine.
        beside_int8: the precision of what int8 leaves over.

    Raises:
        OSError: it cannot be loaded.
    """

    def __init__(self, name: str, file: Path, dtypes: frozenset[str], beside_int8: str) -> None:
        self.name = name
        self.dtypes = dtypes
        self.beside_int8 = beside_int8
        self.has_tiles = False
        integer, number, pointer = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
        functions: dict[str, tuple[list[Any], Any]] = {
            "run": ([ctypes.POINTER(Operation), integer, ctypes.POINTER(Batch), pointer], None),
            "pack_weight": ([pointer, pointer, number, number, integer], None),
            "weight_bytes": ([number, number, integer], number),
            "packed_size": ([integer, number, integer], number),
            "scratch": ([integer, integer, integer], number),
            "added_in_16_bits": ([], integer),
        }
        self._library = ctypes.CDLL(str(file))
        for name, (arguments, result) in functions.items():
            function = getattr(self._library, f"pellucid_{name}")
            function.argtypes, function.restype = arguments, result
        self.weight_steps = WeightSteps(WEIGHT_STEPS.number, self._library.pellucid_added_in_16_bits())

    def use_tiles(self) -> None:
        """Multiply many rows of bfloat16 and int8 by tiles from now on, if the system lets this process have them."""
        self.has_tiles = bool(self._library.pellucid_use_tiles())

    def packed_weight(self, weight: npt.NDArray[Any], dtype: str) -> npt.NDArray[np.int32]:
        """A weight `[O, I]`, float32 or whole numbers of int8, in the order in which kernels read it."""
        outputs, inputs = weight.shape
        weight = np.ascontiguousarray(weight)
        number = DTYPES.index(dtype)
        panels = aligned(self._library.pellucid_weight_bytes(outputs, inputs, number) // 4)
        self._library.pellucid_pack_weight(weight.ctypes.data, panels.ctypes.data, outputs, inputs, number)
        return panels

    def packed_size(self, rows: int, columns: int, dtype: str) -> int:
        """How many numbers of float32 a value takes that is laid out for products, of up to so many rows."""
        return int(self._library.pellucid_packed_size(rows, columns, DTYPES.index(dtype)))

    def scratch(self, length: int, dimension: int, dtype: int) -> int:
        """How many numbers of float32 each thread needs for attention of a head, beside the workspace."""
        return int(self._library.pellucid_scratch(length, dimension, dtype))

    def run(self, operations: Any, batch: Batch, workspace: npt.NDArray[Any]) -> None:
        """Run all steps; the interpreter is free for other threads meanwhile."""
        self._library.pellucid_run(operations, len(operations), ctypes.byref(batch), workspace.ctypes.data)


@dataclass(frozen=True, eq=False)
class Instructions:
    """A set of instructions that the kernels are compiled for: with hatch_build.py, `FLAGS`.

    Attributes:
        name: of the library's file too.
        needed: what every kernel needs of the processor.
        products: what products of a precision need.
        beside_int8: the precision of what int8 leaves over, where the processor has units for it.
        left: units that OpenVINO has for a precision and these kernels do not: it is left to OpenVINO.
    """

    name: str
    needed: frozenset[str]
    products: Mapping[str, str]
    beside_int8: str
    left: Mapping[str, str] = field(default_factory=dict)

    def dtypes(self, features: frozenset[str]) -> frozenset[str]:
        """The precisions that are multiplied on a processor."""
        found = frozenset(dtype for dtype, feature in self.products.items() if feature in features)
        return found - {dtype for dtype, feature in self.left.items() if feature in features}


INSTRUCTIONS = (
    Instructions(
        "avx512", frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma", "f16c"}),
        {"float32": "avx512f", "bfloat16": "avx512_bf16", "int8": "avx512_vnni"}, "bfloat16",
    ),
    Instructions(
        "avx2", frozenset({"avx2", "fma", "f16c"}), dict.fromkeys(("float32", "bfloat16", "int8"), "avx2"), "float32",
        {"int8": "avx_vnni"},
    ),
)  # fmt: skip
"""The faster ones first."""

TILES = frozenset({"amx_tile", "amx_int8", "amx_bf16"})
"""What products by tiles need. They are tested, in software and in an emulator, but were never measured: off unless
the environment variable PELLUCID_TILES is 1."""

FOLDER = Path(__file__).parent
"""Where they lie if there was a compiler for them when the package was built; else OpenVINO computes everything."""


def libraries() -> Iterator[KernelsLibrary]:
    """Those that are here and that this processor can run, the faster ones first; loaded when asked for."""
    features = processor.features()
    for one in INSTRUCTIONS:
        if features >= one.needed and (library := _loaded(FOLDER, one, features)) is not None:
            yield library


@cache
def _loaded(folder: Path, instructions: Instructions, features: frozenset[str]) -> KernelsLibrary | None:
    file = folder / f"_kernels_{instructions.name}.so"
    dtypes = instructions.dtypes(features)
    beside_int8 = instructions.beside_int8 if instructions.beside_int8 in dtypes else "float32"
    if not file.is_file():
        return None
    try:
        library = KernelsLibrary(instructions.name, file, dtypes, beside_int8)
    except OSError as error:
        logger.warning("Pellucid's kernels cannot be loaded, OpenVINO computes instead: %s", error)
        return None
    if instructions.name == "avx512" and features >= TILES and os.environ.get("PELLUCID_TILES") == "1":
        library.use_tiles()
    return library


def library_for(dtype: str) -> KernelsLibrary | None:
    """The fastest library that multiplies in a precision; None where none does."""
    return next((one for one in libraries() if dtype in one.dtypes), None)


def dtypes() -> frozenset[str]:
    """The precisions that there are kernels for on this machine."""
    return frozenset(dtype for one in libraries() for dtype in one.dtypes)


def aligned(count: int) -> npt.NDArray[np.int32]:
    """So many groups of zeros, at the beginning of a line of the cache."""
    memory = np.zeros(count + LINE // 4, np.int32)
    skipped = -memory.ctypes.data % LINE // 4
    return memory[skipped : skipped + count]
