"""How a run learns: every number of the recipe, checked before anything is loaded."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from pellucid.errors import InputError, UnsupportedDtypeError

SCHEDULES = ("linear", "cosine", "constant")
DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class Settings:
    """A recipe; `finetune` says what each number means."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup: float
    schedule: str
    max_gradient_norm: float
    layer_decay: float
    max_length: int | None
    early_stopping: int | None
    dtype: str
    seed: int

    def check(self) -> None:
        """Refuse a recipe that cannot be followed.

        Raises:
            InputError: a number of the wrong kind or outside its range; the message says which is allowed.
            UnsupportedDtypeError: a precision that nothing is trained in.
        """
        for name in ("epochs", "batch_size"):
            _whole(name, getattr(self, name), 1)
        _whole("seed", self.seed, 0)
        for name in ("max_length", "early_stopping"):
            if getattr(self, name) is not None:
                _whole(name, getattr(self, name), 1)
        _within("learning_rate", self.learning_rate, 0, math.inf, is_open=True)
        _within("weight_decay", self.weight_decay, 0, math.inf)
        _within("warmup", self.warmup, 0, 1)
        _within("max_gradient_norm", self.max_gradient_norm, 0, math.inf, is_open=True)
        _within("layer_decay", self.layer_decay, 0, 1, is_open=True)
        if self.schedule not in SCHEDULES:
            raise InputError(
                f"`schedule={self.schedule!r}` is no schedule of the learning rate; choose one of "
                f"{', '.join(SCHEDULES)}.",
                name="schedule",
            )
        if self.dtype not in DTYPES:
            raise UnsupportedDtypeError(
                f"Nothing is trained in {self.dtype!r}. Choose 'float32', or 'bfloat16', in which products are "
                "computed while the weights stay in float32.",
                dtype=self.dtype,
            )

    def to_dict(self) -> dict[str, Any]:
        """The recipe as JSON holds it."""
        return asdict(self)


def _whole(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"`{name}={value!r}` must be a whole number, {least} or more.", name=name)


def _within(name: str, value: Any, low: float, high: float, *, is_open: bool = False) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= value <= high or (is_open and value == low):
        allowed = f"above {low}" if is_open else f"{low} or more"
        limit = "" if high == math.inf else f", and at most {high}"
        raise InputError(f"`{name}={value!r}` must be a number {allowed}{limit}.", name=name)
