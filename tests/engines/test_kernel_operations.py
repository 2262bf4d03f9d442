"""What each kernel computes, beside NumPy in float64."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.checkpoints.roundings import Rounding
from pellucid.checkpoints.stored import StoredTensor
from pellucid.engines.int8 import added_together, quantized_weight
from pellucid.engines.kernels import KernelsProgram
from pellucid.engines.kernels_library import FUNCTIONS, KernelsLibrary
from pellucid.engines.numpy import FUNCTIONS as DEFINITIONS
from pellucid.engines.program import Program
from pellucid.ops import ACTIVATIONS
from pellucid.packing import Packed, pack
from pellucid.quantization.rounding import ends, nearest, stepped

DTYPES = ("float32", "bfloat16", "int8")

Array = Any


def program(
    library: KernelsLibrary,
    forward: Callable[..., Any],
    dtype: str = "float32",
    roundings: Any = None,
    **arrays: Array,
) -> Program:
    parameters = {name: StoredTensor.from_array(name, array) for name, array in arrays.items()}
    return KernelsProgram(
        library,
        lambda ops, w, inputs: {"y": forward(ops, {n: w(n, *a.shape) for n, a in arrays.items()}, inputs)},
        parameters, dtype, roundings or {},
    )  # fmt: skip


def must_have(library: KernelsLibrary, dtype: str) -> None:
    if dtype not in library.dtypes:
        pytest.skip(f"this processor has no units for {dtype}")


def rows_of(count: int, lengths: tuple[int, ...] = ()) -> Packed:
    numbers = iter(range(count))
    return pack([[next(numbers) for _ in range(length)] for length in lengths or (count,)])


def normal(random: Any, *shape: int) -> Array:
    return random.standard_normal(shape).astype(np.float32)


def bfloat16(array: Array) -> Array:
    """The nearest numbers that bfloat16 has, the even one of two."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32).astype(np.uint64)
    return (((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) << 16).astype(np.uint32).view(np.float32)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 90), inputs=st.integers(1, 150), outputs=st.integers(1, 70), has_bias=st.booleans(),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_products(library: KernelsLibrary, rows: int, inputs: int, outputs: int, has_bias: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, weight, bias = normal(random, rows, inputs), normal(random, outputs, inputs), normal(random, outputs)
    low, high, scale = -1.5, 2.5, random.uniform(0.5, 2, inputs).astype(np.float32)
    numbers, step = quantized_weight(weight * scale, library.weight_steps)
    # Numbers that are not in the middle between two steps, some of them beyond the ends.
    wanted = random.integers(-30, 285, x.shape) + random.uniform(-0.4, 0.4, x.shape)
    between = ((wanted * (high - low) / 255 + low) * scale).astype(np.float32)
    rounded = np.clip(np.rint(wanted), 0, 255) * (high - low) / 255 + low
    given_and_expected = {
        "float32": (x, x.astype(np.float64) @ weight.T.astype(np.float64)),
        "bfloat16": (x, bfloat16(x).astype(np.float64) @ bfloat16(weight).T.astype(np.float64)),
        "int8": (between, rounded @ (numbers * step).T.astype(np.float64)),
    }
    for dtype in sorted(library.dtypes):
        x, expected = given_and_expected[dtype]
        found = program(
            library,
            lambda ops, w, i: ops.linear(
                ops.embedding(w["x"], i.ids), w["map.weight"], w["map.bias"] if has_bias else None
            ),
            "float32" if dtype == "int8" else dtype,
            {"map": Rounding(low, high, scale)} if dtype == "int8" else {},
            x=x, **{"map.weight": weight, "map.bias": bias},
        )(rows_of(rows)).outputs["y"]  # fmt: skip
        np.testing.assert_allclose(found, expected + (bias if has_bias else 0), rtol=1e-5, atol=1e-4, err_msg=dtype)


@pytest.mark.parametrize("rows", [1, 7, 70])
@pytest.mark.parametrize("inputs", [5, 24, 61, 768])
def test_the_largest_numbers_of_int8_are_added_up_exactly(library: KernelsLibrary, rows: int, inputs: int) -> None:
    must_have(library, "int8")
    random = np.random.default_rng(inputs)
    one_sign, few_large = np.abs(normal(random, 9, inputs)), normal(random, 9, inputs) ** 5
    weight = np.concatenate([one_sign, -one_sign, few_large, np.ones((2, inputs), np.float32)])
    numbers, step = quantized_weight(weight, library.weight_steps)
    if library.weight_steps.added:
        assert added_together(numbers.astype(int), library.weight_steps.added).max() > 110
    x = random.choice(np.array([0, 1], np.float32), (rows, inputs))
    x[::2] = 1
    found = program(
        library, lambda ops, w, i: ops.linear(ops.embedding(w["x"], i.ids), w["map.weight"]), "float32",
        {"map": Rounding(0.0, 1.0, np.ones(inputs, np.float32))}, x=x, **{"map.weight": weight},
    )(rows_of(rows)).outputs["y"]  # fmt: skip
    expected = x.astype(np.float64) @ (numbers * step).T.astype(np.float64)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def _activation(library: KernelsLibrary, function: str, x: Array) -> Program:
    return program(library, lambda ops, w, i: ops.activation(WORDS[function], ops.embedding(w["x"], i.ids)), x=x)


WORDS = {meant: word for word, meant in ACTIVATIONS.items() if meant in FUNCTIONS}


@pytest.mark.parametrize("function", WORDS)
def test_activations(library: KernelsLibrary, function: str) -> None:
    x = np.concatenate([np.linspace(-100, 100, 4001), np.linspace(-6, 6, 4001), [0.0, -0.0, 1e-8, 1e-3, 0.05]])
    x = np.resize(x.astype(np.float32), (50, 161))
    found = program(library, lambda ops, w, i: ops.activation(WORDS[function], ops.embedding(w["x"], i.ids)), x=x)(
        rows_of(50)
    )
    expected = DEFINITIONS[function](x.astype(np.float64))
    np.testing.assert_allclose(found.outputs["y"], expected, rtol=2e-6, atol=5e-7)


@pytest.mark.parametrize("function", WORDS)
def test_what_is_no_number_stays_none(library: KernelsLibrary, function: str) -> None:
    x = np.array([[1, np.nan, -1]], np.float32)
    found = program(library, lambda ops, w, i: ops.activation(WORDS[function], ops.embedding(w["x"], i.ids)), x=x)(
        rows_of(1)
    )
    assert np.isnan(found.outputs["y"]).tolist() == [[False, True, False]]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 30, 70])
@pytest.mark.parametrize("width", [16, 37, 64])
def test_what_follows_a_product_is_done_in_it(library: KernelsLibrary, dtype: str, rows: int, width: int) -> None:
    must_have(library, dtype)
    x = np.resize(np.linspace(-9, 9, 1000), (rows, width)).astype(np.float32)
    one, low, high = np.eye(width, dtype=np.float32), -9.0, 9.0
    rounding = Rounding(low, high, np.ones(width, np.float32))

    def forward(ops: Any, w: Any, i: Any) -> Any:
        bent = ops.activation("gelu", ops.linear(ops.embedding(w["x"], i.ids), w["first.weight"]))
        return ops.linear(bent, w["second.weight"])

    roundings = {"first": rounding, "second": rounding} if dtype == "int8" else {}
    made = program(library, forward, "float32" if dtype == "int8" else dtype, roundings,
                   x=x, **{"first.weight": one, "second.weight": one})  # fmt: skip
    assert isinstance(made, KernelsProgram)
    assert [step.kind for step in made._steps] == ["embedding", "pack", "product", "product"]
    found = made(rows_of(rows)).outputs["y"]
    step = (high - low) / 255
    given_x = np.rint((x - low) / step) * step + low if dtype == "int8" else bfloat16(x) if dtype == "bfloat16" else x
    expected = DEFINITIONS["gelu_erf"](given_x.astype(np.float64))
    allowed = {"float32": 1e-6, "bfloat16": 3e-5 + np.abs(expected) / 256, "int8": step / 2 * 1.01 + 3e-5}[dtype]
    assert (np.abs(found - expected) <= allowed).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 29, 70])
@pytest.mark.parametrize("width", [16, 37, 64])
def test_a_norm_lays_its_outputs_out_for_the_next_product(
    library: KernelsLibrary, dtype: str, rows: int, width: int
) -> None:
    must_have(library, dtype)
    random = np.random.default_rng(width)
    x, one = normal(random, rows, width), np.eye(width, dtype=np.float32)
    rounding = Rounding(-4.0, 4.0, random.uniform(0.5, 2, width).astype(np.float32))

    def forward(ops: Any, w: Any, i: Any) -> Any:
        normed = ops.layer_norm(ops.embedding(w["x"], i.ids), w["weight"], None, 1e-5)
        # Which is read twice more.
        return ops.add(normed, ops.add(ops.linear(normed, w["map.weight"]), ops.linear(normed, w["other.weight"])))

    made = program(
        library, forward, "float32" if dtype == "int8" else dtype, {"map": rounding} if dtype == "int8" else {},
        x=x, weight=np.ones(width, np.float32), **{"map.weight": one, "other.weight": one},
    )  # fmt: skip
    assert isinstance(made, KernelsProgram)
    packs = ["pack"] if dtype == "int8" else []
    kinds = ["embedding", "layer_norm", "product", *packs, "product", "add", "add"]
    assert [step.kind for step in made._steps] == kinds
    normed = x - x.mean(-1, keepdims=True)
    normed /= np.sqrt((normed**2).mean(-1, keepdims=True) + 1e-5)
    step = (rounding.high - rounding.low) / 255 * rounding.scale.max()
    allowed = {"float32": 1e-5, "bfloat16": 2**-8 * 2 * np.abs(normed) + 1e-5, "int8": step * 0.51 + 0.01}[dtype]
    clipped = np.clip(normed, -4 * rounding.scale, 4 * rounding.scale) if dtype == "int8" else normed
    found = made(rows_of(rows)).outputs["y"]
    assert (np.abs(found - (2 * normed + clipped)) <= allowed).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lengths", [(1,), (5, 29, 1), (70,)])
@pytest.mark.parametrize(("heads", "dimension"), [(3, 16), (2, 64), (3, 5)])
def test_attention_lays_its_outputs_out_for_the_next_product(
    library: KernelsLibrary, dtype: str, lengths: tuple[int, ...], heads: int, dimension: int
) -> None:
    must_have(library, dtype)
    random = np.random.default_rng(dimension)
    width, count = heads * dimension, sum(lengths)
    query, key, value = (normal(random, count, width) for _ in range(3))
    weight = normal(random, 20, width)
    rounding = Rounding(-4.0, 4.0, np.ones(width, np.float32))

    def forward(ops: Any, w: Any, i: Any) -> Any:
        given = (ops.embedding(w[name], i.ids) for name in ("query", "key", "value"))
        mixed = ops.attention(*given, i.layout, heads=heads, scale=dimension**-0.5)
        return ops.linear(mixed, w["map.weight"])

    beside = "float32" if dtype == "int8" else dtype
    made = program(library, forward, beside, {"map": rounding} if dtype == "int8" else {},
                   query=query, key=key, value=value, **{"map.weight": weight})  # fmt: skip
    assert isinstance(made, KernelsProgram)
    packs = [] if dimension % 16 == 0 else ["pack"]
    assert [step.kind for step in made._steps] == ["embedding"] * 3 + ["attention", *packs, "product"]
    packed = rows_of(count, lengths)
    mixed = _attention(library, query, key, value, heads, beside)(packed).outputs["y"]
    if dtype == "int8":
        expected = stepped(mixed, -4.0, 4.0) @ nearest(weight, library.weight_steps).T
    else:
        expected = bfloat16(mixed) @ bfloat16(weight).T if dtype == "bfloat16" else mixed @ weight.T
    np.testing.assert_allclose(made(packed).outputs["y"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 20, 40])
@pytest.mark.parametrize("in_int8", ["first", "second"])
def test_products_of_two_precisions_follow_each_other(library: KernelsLibrary, in_int8: str, rows: int) -> None:
    must_have(library, "bfloat16")
    must_have(library, "int8")
    random = np.random.default_rng(0)
    x, first, second = (normal(random, *shape) for shape in ((rows, 50), (41, 50), (23, 41)))
    between = x.astype(np.float64) @ first.T
    rounded = between if in_int8 == "second" else x
    low, high = ends(float(rounded.min()), float(rounded.max()))
    roundings = {in_int8: Rounding(low, high, np.ones(rounded.shape[1], np.float32))}
    found = program(
        library,
        lambda ops, w, i: ops.linear(ops.linear(ops.embedding(w["x"], i.ids), w["first.weight"]), w["second.weight"]),
        "bfloat16",
        roundings,
        x=x, **{"first.weight": first, "second.weight": second},
    )(rows_of(rows)).outputs["y"]  # fmt: skip
    steps = library.weight_steps
    if in_int8 == "first":
        expected = stepped(x, low, high) @ nearest(first, steps).T @ second.T
    else:
        expected = stepped(between, low, high) @ nearest(second, steps).T
    assert np.abs(found - expected).max() < 0.01 * np.abs(expected).max()


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_many_rows_are_multiplied_by_tiles(library: KernelsLibrary, dtype: str) -> None:
    if not library.has_tiles or not hasattr(library._library, "software_products"):
        pytest.skip("products of tiles are counted in software")
    x, weight = np.ones((70, 40), np.float32), np.ones((33, 40), np.float32)
    rounding = {"map": Rounding(0.0, 1.0, np.ones(40, np.float32))} if dtype == "int8" else {}
    made = program(
        library, lambda ops, w, i: ops.linear(ops.embedding(w["x"], i.ids), w["map.weight"]), dtype, rounding,
        x=x, **{"map.weight": weight},
    )  # fmt: skip
    counted = ctypes.c_int.in_dll(library._library, "software_products")
    before = counted.value
    made(rows_of(4))
    assert counted.value == before
    made(rows_of(70))
    assert counted.value > before
    if dtype == "bfloat16":
        before = counted.value
        _attention(library, x, x, x, 2, dtype)(rows_of(70))
        assert counted.value > before


def test_a_sum_that_a_norm_alone_reads_is_the_norms_and_another_is_not(library: KernelsLibrary) -> None:
    random = np.random.default_rng(3)
    x, other, weight, bias = normal(random, 5, 21), normal(random, 5, 21), normal(random, 21), normal(random, 21)

    def norm(ops: Any, w: Any, i: Any) -> tuple[Any, Any]:
        total = ops.add(ops.embedding(w["x"], i.ids), ops.embedding(w["other"], i.ids))
        return total, ops.layer_norm(total, w["weight"], w["bias"], 1e-5)

    arrays = {"x": x, "other": other, "weight": weight, "bias": bias}
    alone = program(library, lambda ops, w, i: norm(ops, w, i)[1], **arrays)
    both = program(library, lambda ops, w, i: ops.add(*norm(ops, w, i)), **arrays)
    total = x.astype(np.float64) + other
    centred = total - total.mean(-1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * weight + bias
    np.testing.assert_allclose(alone(rows_of(5)).outputs["y"], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(both(rows_of(5)).outputs["y"], total + expected, rtol=1e-5, atol=1e-5)
    assert isinstance(alone, KernelsProgram)
    assert isinstance(both, KernelsProgram)
    assert [step.kind for step in alone._steps] == ["embedding", "embedding", "layer_norm"]
    assert [step.kind for step in both._steps] == ["embedding", "embedding", "add", "layer_norm", "add"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_spreads_through_attention(library: KernelsLibrary, bad: float) -> None:
    x = np.ones((3, 8), np.float32)
    x[1, 2] = bad
    found = _attention(library, x, x, np.ones_like(x), heads=2)(rows_of(3)).outputs["y"]
    assert np.isnan(found[:, :4]).any()
    assert np.isfinite(found[:, 4:]).all()


def _attention(
    library: KernelsLibrary, query: Array, key: Array, value: Array, heads: int, dtype: str = "float32"
) -> Program:
    def forward(ops: Any, w: Any, i: Any) -> Any:
        given = (ops.embedding(w[name], i.ids) for name in ("query", "key", "value"))
        return ops.attention(*given, i.layout, heads=heads, scale=(query.shape[1] // heads) ** -0.5)

    return program(library, forward, dtype, query=query, key=key, value=value)


@pytest.mark.parametrize("lengths", [(1,), (17,), (64,), (1, 16, 5), (2,) * 20, (300, 29)])
@pytest.mark.parametrize(("heads", "dimension"), [(1, 1), (3, 5), (2, 16), (12, 64), (1, 256)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_attention(library: KernelsLibrary, lengths: tuple[int, ...], heads: int, dimension: int, dtype: str) -> None:
    must_have(library, dtype)
    random = np.random.default_rng(heads)
    count = sum(lengths)
    query, key, value = (normal(random, count, heads * dimension) for _ in range(3))
    found = _attention(library, query, key, value, heads, dtype)(rows_of(count, lengths)).outputs["y"]
    allowed = {"float32": 1e-5, "bfloat16": 0.03}[dtype]
    for start, length in zip(np.cumsum(lengths) - lengths, lengths, strict=True):
        q, k, v = (
            one[start : start + length].astype(np.float64).reshape(length, heads, dimension).swapaxes(0, 1)
            for one in (query, key, value)
        )
        scores = np.exp(dimension**-0.5 * (q @ k.swapaxes(1, 2)))
        mixed = (scores / scores.sum(-1, keepdims=True) @ v).swapaxes(0, 1).reshape(length, -1)
        np.testing.assert_allclose(found[start : start + length], mixed, rtol=allowed, atol=allowed)


@pytest.mark.parametrize("stored", ["float32", "float16", "bfloat16"])
def test_tables_stay_as_they_are_stored(library: KernelsLibrary, stored: str) -> None:
    table = bfloat16(normal(np.random.default_rng(0), 9, 21))
    array = (table.view(np.uint32) >> 16).astype(np.uint16) if stored == "bfloat16" else table.astype(stored)
    parameters = {"x": StoredTensor.from_array("x", array, dtype=stored)}
    found = KernelsProgram(
        library, lambda ops, w, i: {"y": ops.embedding(w("x", 9, 21), i.ids)}, parameters, "float32", {}
    )
    np.testing.assert_array_equal(found(pack([[8, 0, 8, 3]])).outputs["y"], table.astype(stored)[[8, 0, 8, 3]]
                                  if stored == "float16" else table[[8, 0, 8, 3]])  # fmt: skip
