"""The compiled kernels of `src/pellucid/kernels`, and their structures as Python sees them."""

from __future__ import annotations

import ctypes
import logging
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.engines import processor

logger = logging.getLogger(__name__)

FILE = Path(__file__).with_name("_kernels.so")
"""Made when the package is built where there is a compiler for it; without it OpenVINO computes everything."""

NEEDED = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma", "f16c"})
"""What every kernel needs of the processor."""

# The words of kernels.h, in its order.
KINDS = (
    "embedding", "add", "multiply", "scale", "layer_norm", "activation", "rows", "pack", "product", "attention",
)  # fmt: skip
DTYPES = ("float32", "bfloat16", "int8", "float16")
FUNCTIONS = ("linear", "gelu_erf", "gelu_tanh", "gelu_sigmoid", "relu", "silu", "sigmoid", "tanh", "gelu_roughly")
ROWS = ("T", "N", "B")
INDICES = ("ids", "positions", "types", "chosen", "first_rows")

LANES = 16
"""Outputs of one panel."""

BLOCK_ROWS = 28
"""Rows that a panel is multiplied with at once, at most."""

LINE = 64
"""Bytes of a line of the cache, and of one vector."""


class Operation(ctypes.Structure):
    """One step: `struct operation`."""

    _fields_ = [
        *(
            (name, ctypes.c_int32)
            for name in ("kind", "waits", "rows", "columns", "inner", "dtype", "packs", "function")
        ),
        ("number", ctypes.c_float),
        *((name, ctypes.c_int64) for name in ("output", "first", "second", "third")),
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


@cache
def _library() -> Any:
    library = ctypes.CDLL(str(FILE))
    library.pellucid_run.argtypes = [
        ctypes.POINTER(Operation), ctypes.c_int, ctypes.POINTER(Batch), ctypes.c_void_p,
    ]  # fmt: skip
    library.pellucid_run.restype = None
    library.pellucid_pack_weight.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int,
    ]  # fmt: skip
    library.pellucid_pack_weight.restype = None
    library.pellucid_scratch.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
    library.pellucid_scratch.restype = ctypes.c_int64
    return library


@cache
def _can_be_loaded() -> bool:
    try:
        _library()
    except OSError as error:
        logger.warning("Pellucid's kernels cannot be loaded, OpenVINO computes instead: %s", error)
        return False
    return True


def dtypes() -> frozenset[str]:
    """The precisions that the kernels multiply in on this machine; none where they are not there, or cannot run."""
    features = processor.features()
    if not FILE.is_file() or not features >= NEEDED or not _can_be_loaded():
        return frozenset()
    needs = {"float32": "avx512f", "bfloat16": "avx512_bf16", "int8": "avx512_vnni"}
    return frozenset(dtype for dtype, feature in needs.items() if feature in features)


def groups(columns: int, dtype: str) -> int:
    """How many groups of 4 bytes a row has in a precision."""
    return -(-columns * {"float32": 4, "bfloat16": 2, "int8": 1}[dtype] // 4)


def aligned(count: int) -> npt.NDArray[np.int32]:
    """So many groups of zeros, at the beginning of a line of the cache."""
    memory = np.zeros(count + LINE // 4, np.int32)
    skipped = -memory.ctypes.data % LINE // 4
    return memory[skipped : skipped + count]


def packed_weight(weight: npt.NDArray[Any], dtype: str) -> npt.NDArray[np.int32]:
    """A weight `[O, I]`, float32 or whole numbers of int8, in the order in which kernels read it."""
    outputs, inputs = weight.shape
    weight = np.ascontiguousarray(weight)
    panels = aligned(-(-outputs // LANES) * LANES * groups(inputs, dtype))
    _library().pellucid_pack_weight(weight.ctypes.data, panels.ctypes.data, outputs, inputs, DTYPES.index(dtype))
    return panels


def scratch(length: int, dimension: int, dtype: int) -> int:
    """How many numbers of float32 each thread needs for attention of a head, beside the workspace."""
    return int(_library().pellucid_scratch(length, dimension, dtype))


def run(operations: Any, batch: Batch, workspace: npt.NDArray[Any]) -> None:
    """Run all steps; the interpreter is free for other threads meanwhile."""
    _library().pellucid_run(operations, len(operations), ctypes.byref(batch), workspace.ctypes.data)
