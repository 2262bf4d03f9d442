"""The operations as a list of steps for the kernels of `src/pellucid/kernels`, recorded once and run for each text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from pellucid.engines.int8 import INPUT_STEPS, Rounding, Roundings
from pellucid.engines.kernels_library import DTYPES, FUNCTIONS, INDICES
from pellucid.ops import Ops, activation_function
from pellucid.packing import Layout
from pellucid.weights import Tensor


class NotRecordedError(Exception):
    """An operation that the kernels have not; the program is left to the engine."""


@dataclass(eq=False)
class Value:
    """What a step makes: a row for each token, chosen token or sequence.

    Attributes:
        rows: "T", "N" or "B".
        columns: numbers of a row.
        packed: the precision, where it is laid out for products.
    """

    rows: str
    columns: int
    packed: str | None = None


@dataclass(frozen=True)
class Index:
    """An array of the batch that rows are looked up by.

    Attributes:
        name: one of INDICES.
        rows: what it has a number for.
    """

    name: str
    rows: str


@dataclass(frozen=True)
class Parameter:
    """A tensor of the checkpoint by its canonical name."""

    name: str
    tensor: Tensor


@dataclass(eq=False)
class Step:
    """One operation, before it has places in memory.

    Attributes:
        kind: one of KINDS.
        output: what it makes.
        inputs: what it reads.
        settings: further fields of `Operation`.
        weight: the parameter that it reads, or an array.
        shift: likewise.
        packed: the output once more, laid out for products.
        factors: of what is packed in int8, for each column.
        rounding: of a product in int8: how its input was rounded.
    """

    kind: str
    output: Value
    inputs: Sequence[Value] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    weight: Parameter | None = None
    shift: Parameter | None = None
    packed: Value | None = None
    factors: npt.NDArray[np.float32] | None = None
    rounding: Rounding | None = None

    @property
    def outputs(self) -> tuple[Value, ...]:
        """All that it makes."""
        return (self.output,) if self.packed is None else (self.output, self.packed)


class KernelsOps(Ops):
    """The operations as steps.

    Args:
        dtype: the precision of products that are not in int8.
        roundings: of the inputs of linear maps that are computed in int8.
    """

    def __init__(self, dtype: str, roundings: Roundings) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self._dtype = dtype
        self._roundings = roundings
        self._packed: dict[tuple[int, int], Value] = {}

    def _step(self, kind: str, rows: str, columns: int, *inputs: Value, **fields: Any) -> Value:
        output = Value(rows, columns)
        self.steps.append(Step(kind, output, inputs, **fields))
        return output

    def embedding(self, table: Any, ids: Any) -> Value:
        if not isinstance(table, Parameter) or not isinstance(ids, Index) or table.tensor.dtype not in DTYPES:
            _not_recorded("embedding")
        settings = {"dtype": DTYPES.index(table.tensor.dtype), "function": INDICES.index(ids.name)}
        return self._step("embedding", ids.rows, table.tensor.shape[1], settings=settings, weight=table)

    def linear(self, x: Value, weight: Parameter, bias: Parameter | None = None) -> Value:
        rounding = self._roundings.get(weight.name.removesuffix(".weight"))
        packed = self._packed_once(x, rounding)
        settings = {"inner": x.columns, "dtype": DTYPES.index(packed.packed or "")}
        outputs = weight.tensor.shape[0]
        return self._step(
            "product", x.rows, outputs, packed, settings=settings, weight=weight, shift=bias, rounding=rounding
        )

    def _packed_once(self, x: Value, rounding: Rounding | None) -> Value:
        """Query, key and value are maps of one input, which is laid out once."""
        key = id(x), id(rounding)
        if key not in self._packed:
            dtype = self._dtype if rounding is None else "int8"
            settings: dict[str, Any] = {"packs": DTYPES.index(dtype)}
            factors = None
            if rounding is not None:
                steps = INPUT_STEPS / (rounding.high - rounding.low)
                factors = (steps / np.broadcast_to(rounding.scale, x.columns)).astype(np.float32)
                settings["lowest"] = steps * rounding.low
            packed = Value(x.rows, x.columns, dtype)
            self.steps.append(Step("pack", packed, [x], settings, factors=factors))
            self._packed[key] = packed
        return self._packed[key]

    def _of_two(self, kind: str, x: Any, y: Any) -> Value:
        if isinstance(y, Parameter) and y.tensor.shape == (x.columns,):
            return self._step(kind, x.rows, x.columns, x, weight=y)
        if not isinstance(y, Value) or (x.rows, x.columns) != (y.rows, y.columns):
            _not_recorded(kind)
        return self._step(kind, x.rows, x.columns, x, y)

    def add(self, x: Any, y: Any) -> Value:
        return self._of_two("add", x, y)

    def multiply(self, x: Any, y: Any) -> Value:
        return self._of_two("multiply", x, y)

    def scale(self, x: Any, factor: float) -> Value:
        return self._step("scale", x.rows, x.columns, x, settings={"number": factor})

    def layer_norm(self, x: Any, weight: Any, bias: Any, eps: float) -> Value:
        return self._step("layer_norm", x.rows, x.columns, x, settings={"number": eps}, weight=weight, shift=bias)

    def activation(self, name: str, x: Any) -> Value:
        function = activation_function(name)
        if function not in FUNCTIONS:
            _not_recorded(name)
        return self._step("activation", x.rows, x.columns, x, settings={"function": FUNCTIONS.index(function)})

    def rows(self, x: Any, index: Any) -> Value:
        if not isinstance(index, Index) or x.rows != "T":
            _not_recorded("rows")
        return self._step("rows", index.rows, x.columns, x, settings={"function": INDICES.index(index.name)})

    def attention(
        self,
        query: Any,
        key: Any,
        value: Any,
        layout: Layout,
        *,
        heads: int,
        kv_heads: int | None = None,
        scale: float,
        causal: bool = False,
        window: int | None = None,
        bias: Any = None,
        dropout: float = 0.0,
    ) -> Value:
        if causal or window is not None or bias is not None or kv_heads not in (None, heads) or scale <= 0:
            _not_recorded("attention")
        settings = {"inner": heads, "number": scale, "dtype": DTYPES.index(self._dtype)}
        return self._step("attention", query.rows, query.columns, query, key, value, settings=settings)

    def constant(self, array: Any, like: Any) -> NoReturn:
        _not_recorded("constant")

    def rms_norm(self, x: Any, weight: Any, eps: float) -> NoReturn:
        _not_recorded("rms_norm")

    def rotary(self, x: Any, cos: Any, sin: Any, heads: int) -> NoReturn:
        _not_recorded("rotary")

    def split(self, x: Any, sizes: Any) -> NoReturn:
        _not_recorded("split")

    def concat(self, parts: Any) -> NoReturn:
        _not_recorded("concat")

    def pad(self, x: Any, layout: Layout, heads: int, repeat: int = 1) -> NoReturn:
        _not_recorded("pad")

    def unpad(self, x: Any, layout: Layout) -> NoReturn:
        _not_recorded("unpad")

    def matmul(self, x: Any, y: Any, transpose: bool = False) -> NoReturn:
        _not_recorded("matmul")

    def by_distance(self, x: Any, rows: Any, layout: Layout, *, of_key: bool = False) -> NoReturn:
        _not_recorded("by_distance")

    def softmax(self, scores: Any, layout: Layout, causal: bool = False, window: int | None = None) -> NoReturn:
        _not_recorded("softmax")


def _not_recorded(operation: str) -> NoReturn:
    raise NotRecordedError(operation)
