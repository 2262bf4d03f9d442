"""Several texts of which one is chosen: rectangles `[B, choices, L]` are computed as `[B · choices, L]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.tensors import in_rows, is_array


def flattened(given: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The arguments of a call, one row for each choice; and how many choices there are.

    Args:
        given: arguments by name, `[B, choices, L]` or, where there is one choice, `[B, L]`; None where left out.

    Raises:
        InputError: `input_ids` has another number of axes.
    """
    arrays = {
        name: value if value is None or is_array(value) else _listed(name, value) for name, value in given.items()
    }
    shape = arrays["input_ids"].shape
    if len(shape) not in (2, 3):
        raise InputError(
            f"`input_ids` has the shape {tuple(shape)}; a model that chooses takes [batch, choices, length].",
            name="input_ids",
        )
    if len(shape) == 2:
        return arrays, 1
    return {name: None if one is None else in_rows(one) for name, one in arrays.items()}, int(shape[1])


def _listed(name: str, value: Any) -> Any:
    try:
        return np.asarray(value)
    except ValueError:
        raise InputError(
            f"The rows of `{name}` have unequal lengths; an array needs rows of one length. Pass `padding=True` to the "
            "tokenizer.",
            name=name,
        ) from None
