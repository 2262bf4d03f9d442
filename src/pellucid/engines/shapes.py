"""The engine that computes nothing but shapes.

Running an architecture on it *is* the list of parameters that a checkpoint must have, and checks that every operation's
operands fit. Axes whose size is known only at run time are names: "T", "B", "L", "N".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy.typing as npt

from pellucid.engines.program import PER_TOKEN, Forward
from pellucid.errors import ShapeError
from pellucid.ops import Ops, activation_function
from pellucid.packing import Inputs, Layout
from pellucid.weights import Weights

Shape: TypeAlias = tuple[Any, ...]


def _expect(condition: bool, operation: str, **operands: Shape) -> None:
    if not condition:
        given = ", ".join(f"{name} {list(shape)}" for name, shape in operands.items())
        raise ShapeError(f"The operands of `{operation}` do not fit each other: {given}.", operation=operation)


def _broadcast(operation: str, x: Shape, y: Shape) -> Shape:
    longer, shorter = (x, y) if len(x) >= len(y) else (y, x)
    tail = longer[len(longer) - len(shorter) :]
    _expect(all(a == b or 1 in (a, b) for a, b in zip(tail, shorter, strict=True)), operation, x=x, y=y)
    joined = (b if a == 1 else a for a, b in zip(tail, shorter, strict=True))
    return (*longer[: len(longer) - len(shorter)], *joined)


class ParameterShape(tuple[Any, ...]):
    """The shape of a parameter, which knows the parameter's canonical name."""

    name: str


@dataclass(frozen=True)
class Use:
    """What is computed with a module's parameters.

    Attributes:
        operation: "embedding", "linear", "layer_norm" or "rms_norm".
        eps: of a norm.
    """

    operation: str
    eps: float | None = None


class ShapesOps(Ops):
    """The operations on shapes.

    Args:
        taps: as for every engine.
        uses: filled with what is computed with the parameters of each module, by the module's canonical path.
    """

    def __init__(self, taps: Collection[str] = (), uses: dict[str, Use] | None = None) -> None:
        super().__init__(taps)
        self._uses = {} if uses is None else uses

    def _use(self, weight: Shape, operation: str, eps: float | None = None) -> None:
        if isinstance(weight, ParameterShape):
            # The first use is the module's own: a table of tokens that also makes logits is still a table.
            self._uses.setdefault(weight.name.rpartition(".")[0], Use(operation, eps))

    def constant(self, array: npt.NDArray[Any], like: Shape) -> Shape:
        return array.shape

    def embedding(self, table: Shape, ids: Shape) -> Shape:
        self._use(table, "embedding")
        _expect(len(table) == 2 and len(ids) == 1, "embedding", table=table, ids=ids)
        return (*ids, table[1])

    def linear(self, x: Shape, weight: Shape, bias: Shape | None = None) -> Shape:
        self._use(weight, "linear")
        _expect(len(weight) == 2 and x[-1] == weight[1], "linear", x=x, weight=weight)
        if bias is not None:
            _expect(bias == weight[:1], "linear", weight=weight, bias=bias)
        return (*x[:-1], weight[0])

    def add(self, x: Shape, y: Shape) -> Shape:
        return _broadcast("add", x, y)

    def multiply(self, x: Shape, y: Shape) -> Shape:
        return _broadcast("multiply", x, y)

    def scale(self, x: Shape, factor: float) -> Shape:
        return x

    def layer_norm(self, x: Shape, weight: Shape, bias: Shape | None, eps: float) -> Shape:
        self._use(weight, "layer_norm", eps)
        _expect(weight == x[-1:] and bias in (None, weight), "layer_norm", x=x, weight=weight, bias=bias or ())
        return x

    def rms_norm(self, x: Shape, weight: Shape, eps: float) -> Shape:
        self._use(weight, "rms_norm", eps)
        _expect(weight == x[-1:], "rms_norm", x=x, weight=weight)
        return x

    def activation(self, name: str, x: Shape) -> Shape:
        activation_function(name)
        return x

    def rotary(self, x: Shape, cos: Shape, sin: Shape, heads: int) -> Shape:
        _expect(cos == sin == (x[0], x[-1] // heads) and not cos[1] % 2, "rotary", x=x, cos=cos, sin=sin)
        return x

    def rows(self, x: Shape, index: Shape) -> Shape:
        _expect(len(index) == 1, "rows", x=x, index=index)
        return (*index, *x[1:])

    def split(self, x: Shape, sizes: Sequence[int]) -> list[Shape]:
        _expect(x[-1] == sum(sizes), "split", x=x, sizes=tuple(sizes))
        return [(*x[:-1], size) for size in sizes]

    def concat(self, parts: Sequence[Shape]) -> Shape:
        _expect(len({part[:-1] for part in parts}) == 1, "concat", **{f"part{i}": p for i, p in enumerate(parts)})
        return (*parts[0][:-1], sum(part[-1] for part in parts))

    def pad(self, x: Shape, layout: Layout, heads: int, repeat: int = 1) -> Shape:
        _expect(len(x) == 2 and x[1] % heads == 0, "pad", x=x, heads=(heads,))
        batch, length = layout.row_of_cell
        return (batch, heads * repeat, length, x[1] // heads)

    def unpad(self, x: Shape, layout: Layout) -> Shape:
        _expect(len(x) == 4, "unpad", x=x)
        return (*layout.cell_of_row, x[1] * x[3])

    def matmul(self, x: Shape, y: Shape, transpose: bool = False) -> Shape:
        inner, outer = (y[-1], y[-2]) if transpose else (y[-2], y[-1])
        _expect(x[-1] == inner, "matmul", x=x, y=y)
        return (*_broadcast("matmul", x[:-2], y[:-2]), x[-2], outer)

    def by_distance(self, x: Shape, rows: npt.NDArray[Any], layout: Layout, *, of_key: bool = False) -> Shape:
        batch, length = layout.is_token
        _expect(
            len(x) == 4 and x[0] in (1, batch) and x[2] in (1, length) and len(rows) % 2 == 1
            and rows.min() >= 0 and rows.max() < x[3],
            "by_distance", x=x, rows=rows.shape,
        )  # fmt: skip
        return (*x[:2], length, length)

    def softmax(self, scores: Shape, layout: Layout, causal: bool = False, window: int | None = None) -> Shape:
        batch, length = layout.is_token
        _expect(
            len(scores) == 4 and scores[0] == batch and scores[2:] == (length, length),
            "softmax",
            scores=scores,
        )
        return scores


INPUTS = Inputs(("T",), ("T",), ("T",), ("N",), Layout(("B", "L"), ("T",), ("B", "L"), ("B",)))


def parameters(forward: Forward) -> dict[str, tuple[int, ...]]:
    """The canonical name and shape of every parameter that a forward function asks for, in the order of use."""
    return trace(forward)[1]


def uses(forward: Forward) -> dict[str, Use]:
    """What a forward function computes with the parameters of each module, by the module's canonical path."""
    found: dict[str, Use] = {}
    trace(forward, uses=found)
    return found


def outputs_per_token(forward: Forward) -> frozenset[str]:
    """The names of a forward function's outputs that have a row for each token, and not one for each sequence."""
    return frozenset(name for name, axis in output_rows(forward).items() if axis in PER_TOKEN)


def output_rows(forward: Forward) -> dict[str, str]:
    """What each of a forward function's outputs has a row for, by the letter of its first axis: "T", "N" or "B"."""
    return {name: shape[0] for name, shape in trace(forward)[0].items()}


def trace(
    forward: Forward, taps: Collection[str] = (), uses: dict[str, Use] | None = None
) -> tuple[dict[str, Shape], dict[str, tuple[int, ...]]]:
    """Run a forward function on shapes.

    Args:
        forward: the function.
        taps: what else to keep.
        uses: filled with what is computed with the parameters of each module.

    Returns:
        The shapes of its outputs, and the shapes of its parameters by canonical name.

    Raises:
        ShapeError: operands that do not fit each other, or one name asked for in two shapes.
    """
    asked: dict[str, tuple[int, ...]] = {}

    def get(name: str, shape: tuple[int, ...]) -> Shape:
        _expect(asked.setdefault(name, shape) == shape, name, first=asked[name], then=shape)
        named = ParameterShape(shape)
        named.name = name
        return named

    outputs = forward(ShapesOps(taps, uses), Weights(get), INPUTS)
    return outputs, asked
