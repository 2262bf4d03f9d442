"""Tiny checkpoints whose tensors follow from a seed and their names, and the numbers that `transformers` 5 gives them.

For families that the `transformers` of the tests does not have. `tools/make_golden.py` writes the files in
tests/golden; it and the tests make the tensors by the same function, so the files hold no weights.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).resolve().parents[1] / "golden"

SEED = 7

IDS = [[2, 5, 9, 17, 8, 30, 3], [2, 21, 3, 0, 0, 0, 0], [2, 7, 7, 12, 3, 0, 0]]
MASK = [[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0]]
TYPES = [[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0]]


MASK_ID = 9
"""The id that hides a token, where masks are told apart; one of the first text's."""


def tensor(name: str, shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """The values of one tensor: normal and large, so that a wrong angle shows; those of norms around 1."""
    random = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    is_norm = len(shape) == 1 and name.endswith("weight")
    values: npt.NDArray[np.float32] = (random.standard_normal(shape) * 0.3 + float(is_norm)).astype(np.float32)
    return values


def write_checkpoint(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Sequence[int]]) -> None:
    """A checkpoint in a folder."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    arrays = {name: tensor(name, shape) for name, shape in tensors.items()}
    save_file(arrays, folder / "model.safetensors", metadata={"format": "pt"})


def read(family: str) -> dict[str, Any]:
    """What a file holds: provenance, config, and for each class the shapes of its tensors and its numbers."""
    found: dict[str, Any] = json.loads((FOLDER / f"{family}.json").read_text(encoding="utf-8"))
    return found
