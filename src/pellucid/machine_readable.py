"""What machines read: JSON as its standard has it, which has no word for NaN and infinity (RFC 8259, §6)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any


def as_json(value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None) -> str:
    """A value as JSON that every reader takes: null in place of numbers that are NaN or infinite.

    Args:
        value: dictionaries, lists, tuples, words and numbers.
        indent: blanks before each level; all in one line where None.
        default: what makes one of these of anything else; without it a TypeError is raised.
    """
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, default=default, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, indent=indent, default=default, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
