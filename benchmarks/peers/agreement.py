"""How far the answers of a contestant are those of float32."""

from __future__ import annotations

from typing import Any

import numpy as np

EXACT = "PyTorch by hand float32"
"""Whose answers the others' are compared with."""


def compared(exact: Any, found: Any) -> dict[str, float]:
    """Label agreement and the largest difference of a probability; of vectors the mean cosine."""
    one, other = np.asarray(exact), np.asarray(found)
    if one.shape[-1] <= 8:
        share = float((one.argmax(-1) == other.argmax(-1)).mean())
    else:
        share = float(((one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)).mean())
    return {"agreement": share, "difference": float(np.abs(one - other).max())}
