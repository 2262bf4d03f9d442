"""Attentions in few bytes: each weight as a 255th of its row's strongest, and of long texts the strongest alone."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

PARTS = ("each", "means")
"""What is kept of each head, and of the mean over the heads of a layer."""

FEWEST = 3
"""Weights of a row below which a row tells too little to be shown."""

FOR_MEANS = 0.25
"""The share of the bytes that the mean over heads gets, where not every weight fits."""


def in_bytes(layers: Sequence[Floats], budget: int) -> dict[str, Any]:
    """The attentions of one sequence, in no more than some bytes.

    Every weight of every head where that fits. Else the mean over the heads of each layer and each head keep the
    strongest weights of each row, as many as fit; where fewer than `FEWEST` would, heads are left out, and then means.

    Args:
        layers: `[A, L, L]` each, rows that sum to 1.
        budget: bytes, before base64 makes four characters of three.

    Returns:
        `layers`, `heads`, `length`; `each` and `means`, which are None where they are left out, or else have `kept`,
        the weights of a row, and `bytes`: `R` = layers × heads × length rows, all heads of a layer together; first the
        strongest weight of each row in 65535ths, uint16 `[R]`; then, if `kept` is less than the length, their columns,
        strongest first, uint16 `[R, kept]`; then the weights in 255ths of the row's strongest, uint8 `[R, kept]`.
        Where every weight of every head is there, means are not: they can be computed.
    """
    heads, length = (layers[0].shape[0], layers[0].shape[1]) if layers else (0, 0)
    found: dict[str, Any] = {"layers": len(layers), "heads": heads, "length": length, "each": None, "means": None}
    rows = len(layers) * heads * length
    if not rows:
        return found
    if rows * (length + 2) <= budget:
        return {**found, "each": _encoded(layers, length)}
    kept = _fitting(budget * (1 - FOR_MEANS) / rows, length)
    rest = budget - (rows * _size(kept, length) if kept else 0)
    in_mean = _fitting(rest / (len(layers) * length), length)
    if kept:
        found["each"] = _encoded(layers, kept)
    if in_mean:
        found["means"] = _encoded((layer.mean(0, keepdims=True) for layer in layers), in_mean)
    return found


def _size(kept: int, length: int) -> int:
    """Bytes of a row."""
    return 2 + (kept if kept == length else 3 * kept)


def _fitting(size: float, length: int) -> int:
    """How many weights of a row fit into its bytes; 0 where they would tell too little."""
    if _size(length, length) <= size:
        return length
    kept = min(int((size - 2) // 3), length - 1)
    return kept if kept >= FEWEST else 0


def _encoded(layers: Iterable[Floats], kept: int) -> dict[str, Any]:
    strongest, columns, weights = [], [], []
    for layer in layers:
        rows = np.nan_to_num(layer.reshape(-1, layer.shape[-1]).astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        rows = rows.clip(0, 1)
        if kept < rows.shape[1]:
            places = np.argpartition(-rows, kept - 1, axis=1)[:, :kept]
            order = np.take_along_axis(rows, places, 1).argsort(1)[:, ::-1]
            places = np.take_along_axis(places, order, 1)
            rows = np.take_along_axis(rows, places, 1)
            columns.append(places.astype("<u2").tobytes())
        most = np.rint(rows.max(1, keepdims=True) * 65535)
        strongest.append(most.astype("<u2").tobytes())
        # What is read again is a share of the rounded one.
        weights.append(np.rint((rows * (255 * 65535) / np.maximum(most, 1)).clip(0, 255)).astype(np.uint8).tobytes())
    return {"kept": kept, "bytes": base64.b64encode(b"".join([*strongest, *columns, *weights])).decode("ascii")}
