"""Every engine × every operation: each against NumPy in float64, and the shapes engine against what came out."""

from __future__ import annotations

import inspect
from abc import ABCMeta
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pellucid.checkpoints.stored import StoredTensor
from pellucid.engines import ENGINES, installed, load_engine, shapes
from pellucid.engines.program import Program
from pellucid.errors import ShapeError
from pellucid.layers import rows_by_heads
from pellucid.ops import ACTIVATIONS, Ops
from pellucid.packing import Packed, pack

INSTALLED = installed()

LENGTHS = (5, 1, 3)
T, B, L = sum(LENGTHS), len(LENGTHS), max(LENGTHS)
H, A, D = 12, 3, 4

# Operations that an engine does not have, by engine; a test fails when one of them begins to work.
EXCLUDED: dict[str, set[str]] = {"numpy": set(), "openvino": set(), "torch": set(), "tensorflow": set()}

random = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray:
    return (random.standard_normal(shape) * 2).astype(np.float32)


@dataclass(frozen=True)
class Case:
    operation: str
    call: Any
    parameters: dict[str, np.ndarray]

    def __str__(self) -> str:
        return self.operation


def case(operation: str, call: Any, **parameters: np.ndarray) -> Any:
    return pytest.param(Case(operation, call, parameters), id=operation)


def attention(heads: int = A, kv_heads: int | None = None, **options: Any) -> Any:
    """The three inputs come from one parameter by rows, so that they are values of the run and not constants."""

    def call(ops: Ops, p: Any, inputs: Any) -> Any:
        query, key, value = (ops.embedding(p[name], inputs.ids) for name in ("query", "key", "value"))
        bias = p.get("bias")
        return ops.attention(
            query, key, value, inputs.layout, heads=heads, kv_heads=kv_heads, scale=D**-0.5, bias=bias, **options
        )

    return call


def qkv(kv: int = A) -> dict[str, np.ndarray]:
    return {"query": normal(T, A * D), "key": normal(T, kv * D), "value": normal(T, kv * D)}


ANGLES = normal(T, D).astype(np.float64)
WHOLE = np.array([3, 0, 8, 8])

P, R = 3, 4
"""Distances up to ±2, so that some are clipped, and relative rows of which one is not used."""
BUCKETS = np.array([2, 0, 1, 1, 3])


def attention_by_distance(of_key: bool) -> Any:
    """A bias that each token has its own numbers for, or one that all share."""

    def call(ops: Ops, p: Any, inputs: Any) -> Any:
        x = x_of(ops, p, inputs)
        numbers = p["shared"] if "shared" in p else ops.pad(x, inputs.layout, A)
        bias = ops.by_distance(numbers, BUCKETS, inputs.layout, of_key=of_key)
        return ops.attention(x, x, x, inputs.layout, heads=A, scale=1.0, bias=bias)

    return call


def in_reach(ops: Ops, p: Any, inputs: Any) -> Any:
    """Distances up to ±6 of which the batch has ±4: what is left out is not asked for."""
    x, layout = x_of(ops, p, inputs), inputs.layout
    vectors, rows, count = ops.in_reach(p["vectors"], np.arange(13), 13, layout)
    by_head = rows_by_heads(ops, vectors, count, A)
    products = ops.matmul(ops.pad(x, layout, A), by_head, transpose=True)
    return ops.attention(x, x, x, layout, heads=A, scale=1.0, bias=ops.by_distance(products, rows, layout))


def x_of(ops: Ops, p: Any, inputs: Any) -> Any:
    return ops.embedding(p["x"], inputs.ids)


CASES = [
    case("embedding", lambda ops, p, i: ops.embedding(p["table"], i.ids), table=normal(T, H)),
    case("linear", lambda ops, p, i: ops.linear(x_of(ops, p, i), p["weight"], p["bias"]),
         x=normal(T, H), weight=normal(7, H), bias=normal(7)),
    case("linear without bias", lambda ops, p, i: ops.linear(x_of(ops, p, i), p["weight"]),
         x=normal(T, H), weight=normal(7, H)),
    case("linears", lambda ops, p, i: ops.concat(ops.linears(
        x_of(ops, p, i), [p["first"], p["second"]], [p["first_bias"], p["second_bias"]])),
         x=normal(T, H), first=normal(7, H), second=normal(3, H), first_bias=normal(7), second_bias=normal(3)),
    case("dropout in prediction", lambda ops, p, i: ops.dropout(x_of(ops, p, i), 0.5), x=normal(T, H)),
    case("add", lambda ops, p, i: ops.add(x_of(ops, p, i), p["y"]), x=normal(T, H), y=normal(H)),
    case("multiply", lambda ops, p, i: ops.multiply(x_of(ops, p, i), x_of(ops, p, i)), x=normal(T, H)),
    case("scale", lambda ops, p, i: ops.scale(x_of(ops, p, i), 0.3), x=normal(T, H)),
    case("layer_norm", lambda ops, p, i: ops.layer_norm(x_of(ops, p, i), p["weight"], p["bias"], 0.1),
         x=normal(T, H), weight=normal(H), bias=normal(H)),
    case("layer_norm without bias", lambda ops, p, i: ops.layer_norm(x_of(ops, p, i), p["weight"], None, 1e-12),
         x=normal(T, H), weight=normal(H)),
    case("rms_norm", lambda ops, p, i: ops.rms_norm(x_of(ops, p, i), p["weight"], 0.1),
         x=normal(T, H), weight=normal(H)),
    *(case(f"activation {name}", lambda ops, p, i, name=name: ops.activation(name, x_of(ops, p, i)), x=normal(T, H) * 4)
      for name in ACTIVATIONS),
    case("rotary", lambda ops, p, i: ops.rotary(
        x_of(ops, p, i), ops.embedding(p["cos"], i.ids), ops.embedding(p["sin"], i.ids), A),
         x=normal(T, A * D), cos=normal(T, D), sin=normal(T, D)),
    case("rows", lambda ops, p, i: ops.rows(x_of(ops, p, i), i.layout.first_rows), x=normal(T, H)),
    case("split", lambda ops, p, i: ops.add(*ops.split(x_of(ops, p, i), [4, 4, 4])[1:]), x=normal(T, H)),
    case("concat", lambda ops, p, i: ops.concat([x_of(ops, p, i), ops.scale(x_of(ops, p, i), 2.0)]), x=normal(T, H)),
    case("pad", lambda ops, p, i: ops.unpad(ops.pad(x_of(ops, p, i), i.layout, A), i.layout), x=normal(T, A * D)),
    case("pad with repeated heads", lambda ops, p, i: ops.unpad(ops.pad(x_of(ops, p, i), i.layout, A, 2), i.layout),
         x=normal(T, A * D)),
    case("unpad", lambda ops, p, i: ops.unpad(ops.scale(ops.pad(x_of(ops, p, i), i.layout, A), 2.0), i.layout),
         x=normal(T, A * D)),
    case("matmul", lambda ops, p, i: ops.unpad(ops.matmul(
        ops.matmul(ops.pad(x_of(ops, p, i), i.layout, A), ops.pad(x_of(ops, p, i), i.layout, A), transpose=True),
        ops.pad(x_of(ops, p, i), i.layout, A)), i.layout), x=normal(B, A * D)[[0, 0, 0, 0, 0, 1, 2, 2, 2]]),
    case("constant", lambda ops, p, i: ops.multiply(
        x_of(ops, p, i), ops.embedding(ops.constant(ANGLES, p["x"]), i.ids)),
         x=normal(T, D)),
    case("constant of whole numbers", lambda ops, p, i: ops.rows(x_of(ops, p, i), ops.constant(WHOLE, p["x"])),
         x=normal(T, H)),
    case("in_reach", in_reach, x=normal(T, A * D), vectors=normal(13, A * D)),
    *(case(f"by_distance of the {'key' if of_key else 'query'}", attention_by_distance(of_key), x=normal(T, A * R))
      for of_key in (False, True)),
    *(case(f"by_distance of all tokens, of_key={of_key}", attention_by_distance(of_key), x=normal(T, A * D),
           shared=normal(1, A, 1, R)) for of_key in (False, True)),
    case("matmul with one for all", lambda ops, p, i: ops.unpad(ops.matmul(
        ops.pad(x_of(ops, p, i), i.layout, A), p["y"], transpose=True), i.layout),
         x=normal(T, A * D), y=normal(1, A, 7, D)),
    case("matmul of two matrices", lambda ops, p, i: ops.matmul(x_of(ops, p, i), p["y"]),
         x=normal(T, H), y=normal(H, 7)),
    *(case(f"softmax {options}", lambda ops, p, i, options=options: ops.unpad(ops.matmul(ops.softmax(
        ops.matmul(ops.pad(x_of(ops, p, i), i.layout, A), ops.pad(x_of(ops, p, i), i.layout, A), transpose=True),
        i.layout, **options), ops.pad(x_of(ops, p, i), i.layout, A)), i.layout), x=normal(T, A * D))
      for options in ({}, {"causal": True}, {"window": 1}, {"causal": True, "window": 1})),
    case("attention", attention(), **qkv()),
    case("attention causal", attention(causal=True), **qkv()),
    case("attention in a window", attention(window=1), **qkv()),
    case("attention causal in a window", attention(causal=True, window=2), **qkv()),
    case("attention with a bias", attention(), **qkv(), bias=normal(A, L, L)),
    case("attention causal with a bias", attention(causal=True), **qkv(), bias=normal(A, L, L)),
    case("attention with dropout in prediction", attention(dropout=0.5), **qkv()),
    case("attention with shared keys", attention(kv_heads=1), **qkv(kv=1)),
    case("attention of large scores", attention(), **{name: value * 3 for name, value in qkv().items()}),
]  # fmt: skip


def forward_of(one: Case) -> Any:
    def forward(ops: Ops, w: Any, inputs: Any) -> dict[str, Any]:
        parameters = {name: w(name, *array.shape) for name, array in one.parameters.items()}
        return {"out": one.call(ops, parameters, inputs)}

    return forward


def packed() -> Packed:
    rows = iter(range(T))
    return pack([[next(rows) for _ in range(length)] for length in LENGTHS])


def program_of(engine: str, one: Case, dtype: str, taps: tuple[str, ...] = ()) -> Program:
    parameters = {name: StoredTensor.from_array(name, array) for name, array in one.parameters.items()}
    program: Program = load_engine(engine)[1].build(forward_of(one), parameters, dtype=dtype, taps=taps)
    return program


def run(engine: str, one: Case, dtype: str, taps: tuple[str, ...] = ()) -> Any:
    return program_of(engine, one, dtype, taps)(packed())


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("one", CASES)
def test_every_engine_agrees_with_numpy_in_float64(engine: str, one: Case) -> None:
    if one.operation.split()[0] in EXCLUDED[engine]:
        with pytest.raises(NotImplementedError):
            run(engine, one, "float32")
        return
    judge = run("numpy", one, "float64").outputs["out"]
    program = program_of(engine, one, "float32")
    # The only micro-batch of a call may be computed in another way.
    for result in (program(packed()), program.alone(packed())):
        out = result.outputs["out"]
        assert out.dtype == np.float32
        np.testing.assert_allclose(out, judge, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tokens", [1, L])
@pytest.mark.parametrize("sequences", [1, B])
def test_by_distance_is_what_it_says(sequences: int, tokens: int) -> None:
    x, layout = normal(sequences, A, tokens, R), packed().layout
    ops = load_engine("numpy")[1].NumpyOps()
    of_query, of_key = (ops.by_distance(x, BUCKETS, layout, of_key=of_key) for of_key in (False, True))
    assert of_query.shape == of_key.shape == (sequences, A, L, L)
    for query in range(L):
        for key in range(L):
            row = BUCKETS[min(max(query - key, 1 - P), P - 1) + P - 1]
            np.testing.assert_array_equal(of_query[:, :, query, key], x[:, :, query if tokens > 1 else 0, row])
            np.testing.assert_array_equal(of_key[:, :, query, key], x[:, :, key if tokens > 1 else 0, row])


@pytest.mark.parametrize("rows", [np.array([0, 1]), np.array([0, R, 1]), np.array([0, -1, 1])], ids=str)
def test_relative_rows_that_are_not_there_are_refused(rows: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="by_distance"):
        shapes.ShapesOps().by_distance(("B", A, "L", R), rows, shapes.INPUTS.layout)


HALF = [(engine, dtype) for engine in INSTALLED for dtype in ENGINES[engine].dtypes if dtype.endswith("float16")]


@pytest.mark.parametrize(("engine", "dtype"), HALF)
@pytest.mark.parametrize("one", CASES)
def test_half_precision_is_near(one: Case, engine: str, dtype: str) -> None:
    judge = run("numpy", one, "float64").outputs["out"]
    out = run(engine, one, dtype).outputs["out"]
    # A bfloat16 has 8 bits: one part in 256, of the largest numbers that were added up.
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert np.abs(out - judge).max() <= 0.05 * max(1.0, np.abs(judge).max())


@pytest.mark.parametrize("one", CASES)
def test_the_shapes_engine_gives_the_shape_that_comes_out(one: Case) -> None:
    if "bias" in one.parameters and one.operation.startswith("attention"):
        # A bias of one length fits no other, and the shapes engine does not know the length.
        with pytest.raises(ShapeError, match="add"):
            shapes.trace(forward_of(one))
        return
    given, asked = shapes.trace(forward_of(one))
    sizes = {"T": T, "B": B, "L": L}
    out = run("numpy", one, "float64").outputs["out"]
    assert tuple(sizes.get(size, size) for size in given["out"]) == out.shape
    assert asked == {name: array.shape for name, array in one.parameters.items()}


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("options", [{}, {"causal": True}, {"window": 1}], ids=str)
def test_attentions_are_probabilities_over_the_visible_tokens(engine: str, options: dict[str, Any]) -> None:
    one = Case("attention", attention(**options), qkv())
    (tapped,) = run(engine, one, "float32", ("attentions",)).taps["attentions"]
    for b, length in enumerate(LENGTHS):
        real = tapped[b, :, :length]
        np.testing.assert_allclose(real.sum(axis=-1), 1, rtol=1e-6)
        assert (real[..., length:] == 0).all()
        for query in range(length):
            for key in range(length):
                is_visible = not (options.get("causal") and key > query)
                is_visible &= abs(key - query) <= options.get("window", L)
                assert ((real[:, query, key] > 0) == is_visible).all()


@pytest.mark.parametrize("engine", INSTALLED)
def test_attention_is_the_same_with_and_without_its_taps(engine: str) -> None:
    one = Case("attention", attention(), qkv())
    plain = run(engine, one, "float32").outputs["out"]
    tapped = run(engine, one, "float32", ("attentions",)).outputs["out"]
    np.testing.assert_allclose(plain, tapped, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("engine", [*INSTALLED, "shapes", "kernels"])
def test_signatures_are_those_of_the_vocabulary(engine: str) -> None:
    import importlib

    own_file = {"openvino": "openvino_ops", "kernels": "kernels_ops"}
    module = importlib.import_module(f"pellucid.engines.{own_file.get(engine, engine)}")
    (subclass,) = [
        value
        for value in vars(module).values()
        if type(value) is ABCMeta and issubclass(value, Ops) and value is not Ops
    ]
    assert not subclass.__abstractmethods__
    for name, method in inspect.getmembers(Ops, inspect.isfunction):
        if name.startswith("_"):
            continue
        theirs = inspect.signature(getattr(subclass, name)).parameters
        ours = inspect.signature(method).parameters
        assert [(p.name, p.kind, p.default) for p in theirs.values()] == [
            (p.name, p.kind, p.default) for p in ours.values()
        ], name
    extra = {n for n, _ in inspect.getmembers(subclass, inspect.isfunction) if not n.startswith("_")} - set(dir(Ops))
    assert not extra, f"{engine} has operations that are not in the vocabulary"


def test_every_operation_has_a_case() -> None:
    operations = {name for name in vars(Ops) if not name.startswith("_")} - {"tap"}
    assert {parameter.values[0].operation.split()[0] for parameter in CASES} == operations


def test_engines_build_programs_with_one_signature() -> None:
    signatures = {str(inspect.signature(load_engine(name)[1].build)) for name in INSTALLED}
    assert len(signatures) == 1


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("lengths", [(1,), (4, 4), (2, 9, 1, 1)], ids=str)
def test_one_program_runs_batches_of_any_size(engine: str, lengths: tuple[int, ...]) -> None:
    one = Case("attention", attention(), qkv())
    parameters = {name: StoredTensor.from_array(name, array) for name, array in one.parameters.items()}
    batch = pack([[i % T for i in range(length)] for length in lengths])
    judge, program = (
        load_engine(name)[1].build(forward_of(one), parameters, dtype=dtype)
        for name, dtype in (("numpy", "float64"), (engine, "float32"))
    )
    for result in (program(batch), program.alone(batch)):
        np.testing.assert_allclose(result.outputs["out"], judge(batch).outputs["out"], rtol=1e-5, atol=1e-5)
