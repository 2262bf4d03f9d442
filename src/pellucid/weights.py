"""A scoped, read-only view of a checkpoint's weights.

`w / "layers.0" / "attention"` goes down a path, as `cd` does in folders; `w("query.weight", 768, 768)` takes the
tensor there and states the shape that it must have, so a name, its shape and its use stand on one line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Tensor(Protocol):
    """A tensor of a checkpoint, wherever it lies."""

    @property
    def dtype(self) -> str:
        """The dtype it is stored in, such as "float16"."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""

    @property
    def data(self) -> Any:
        """The stored memory as a NumPy array; bfloat16 is seen as uint16."""

    def array(self, dtype: Any) -> Any:
        """It as a NumPy array of a floating dtype; the stored memory itself where that is its dtype."""


class Weights:
    """The weights at and below one path.

    Args:
        get: gives the engine's array for a canonical name; the shape is what the architecture expects there.
        path: where this view stands; the root where left out.
    """

    def __init__(self, get: Callable[[str, tuple[int, ...]], Any], path: str = "") -> None:
        self._get = get
        self.path = path

    def __truediv__(self, name: str) -> Weights:
        return Weights(self._get, self._join(name))

    def __call__(self, name: str, *shape: int) -> Any:
        """The tensor of this name, which must have this shape."""
        return self._get(self._join(name), shape)

    def _join(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def __repr__(self) -> str:
        return f"Weights({self.path!r})"
