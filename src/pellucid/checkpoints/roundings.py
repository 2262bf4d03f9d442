"""The file that int8 needs beside a checkpoint's weights: how the inputs of its linear maps are rounded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.checkpoints.hub import Checkpoint
from pellucid.checkpoints.sidecars import Sidecars
from pellucid.checkpoints.stored import StoredTensor
from pellucid.errors import ConfigError, UnsupportedDtypeError

FILENAME = "pellucid_int8.json"

FORMAT = 1


@dataclass(frozen=True)
class Rounding:
    """How the input of some linear maps becomes whole numbers.

    Attributes:
        low: the lowest value that is told apart; what lies below is taken for it.
        high: the highest.
        scale: float32 `[I]`, what each channel is divided by before, and the weight multiplied by (Xiao et al., 2022,
            arXiv:2211.10438).
    """

    low: float
    high: float
    scale: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Measured:
    """What was measured when a checkpoint was quantized.

    Attributes:
        by_dtype: for each precision its agreement with float32, and how many times as fast it was.
        weight_steps: in how many steps int8 had its weights, which depends on the processor.
        added_in_16_bits: how many of its products were added up in 16 bits, which depends on it too.
    """

    by_dtype: dict[str, tuple[float, float]]
    weight_steps: int
    added_in_16_bits: int


Roundings = Mapping[str, Rounding]
"""By the canonical path of each linear map. Maps of one input, such as query, key and value, share one object."""


def roundings_of(checkpoint: Checkpoint, parameters: Mapping[str, StoredTensor]) -> dict[str, Rounding]:
    """What is stored beside a checkpoint.

    Args:
        checkpoint: its files.
        parameters: the model's, by canonical name.

    Raises:
        UnsupportedDtypeError: nothing is; the message says how it is made.
        ConfigError: the file is damaged.
    """
    content = Sidecars(checkpoint).json(FILENAME)
    if content is None:
        raise UnsupportedDtypeError(
            f"{checkpoint.name!r} has no {FILENAME}, without which nothing is computed in int8. Make a checkpoint that "
            "has one from texts like yours: `pellucid quantize MODEL --texts FILE --output FOLDER`; or pass "
            "`dtype='bfloat16'`.",
            dtype="int8",
        )
    with _damage_told(checkpoint):
        found = read(content)
        for name, rounding in found.items():
            shape = parameters[f"{name}.weight"].shape
            if shape[1:] != rounding.scale.shape:
                raise ValueError(f"it scales {len(rounding.scale)} channels of {name}, whose weight is {shape}")
        return found


def measured_of(checkpoint: Checkpoint | None) -> Measured | None:
    """What was measured when a checkpoint was quantized; None where nothing is stored.

    Raises:
        ConfigError: the file is damaged.
    """
    content = Sidecars(checkpoint).json(FILENAME)
    if content is None or checkpoint is None:
        return None
    with _damage_told(checkpoint):
        by_dtype = {
            str(name): (float(one["agreement"]), float(one["times_float32"]))
            for name, one in content["agreement"].items()
        }
        number = int(content["weight_steps"])
        # Older files do not tell the second, as it went by the first.
        return Measured(by_dtype, number, int(content.get("added_in_16_bits", 0 if number == 255 else 2)))


@contextmanager
def _damage_told(checkpoint: Checkpoint) -> Iterator[None]:
    """Say of whatever is not as it should be in the file that it is damaged.

    Raises:
        ConfigError: something is.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise ConfigError(
            f"{FILENAME} of {checkpoint.name!r} cannot be read: {fault}. Make it again by `pellucid quantize`.",
            path=FILENAME,
        ) from fault


def read(content: Any) -> dict[str, Rounding]:
    """The roundings in the content of a file.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it is damaged.
    """
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']!r}, and {FORMAT} is read")
    found: dict[str, Rounding] = {}
    for group in content["inputs"]:
        low, high, scale = float(group["low"]), float(group["high"]), np.asarray(group["scale"], np.float32)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"the range of {group['maps']} is {low} to {high}")
        if scale.ndim != 1 or not np.isfinite(scale).all() or not (scale > 0).all():
            raise ValueError(f"the scale of {group['maps']} does not hold numbers above 0 alone")
        found.update(dict.fromkeys(map(str, group["maps"]), Rounding(low, high, scale)))
    return found


def written(roundings: Roundings, about: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a file: the roundings, and from what they were made."""
    groups: dict[int, tuple[Rounding, list[str]]] = {}
    for name, rounding in roundings.items():
        groups.setdefault(id(rounding), (rounding, []))[1].append(name)
    inputs = [
        {"maps": names, "low": one.low, "high": one.high, "scale": [float(f"{value:.6g}") for value in one.scale]}
        for one, names in groups.values()
    ]
    return {"format": FORMAT, **about, "inputs": inputs}
