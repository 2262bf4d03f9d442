"""The kernels, each beside NumPy in float64; and which program computes what."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid import pipeline
from pellucid.checkpoints.roundings import Rounding
from pellucid.checkpoints.stored import StoredTensor
from pellucid.engines import kernels, kernels_library, processor
from pellucid.engines.int8 import quantized_weight
from pellucid.engines.kernels import KernelsProgram, WithKernels
from pellucid.engines.kernels_library import FUNCTIONS, INSTRUCTIONS, KernelsLibrary, dtypes, libraries
from pellucid.engines.kernels_memory import operations, placed
from pellucid.engines.numpy import FUNCTIONS as DEFINITIONS
from pellucid.engines.program import Program, Result
from pellucid.ops import ACTIVATIONS
from pellucid.packing import MAX_TOKENS, Packed, pack

FEW_ROWS = kernels.BESIDE_TILES["float32"]

DTYPES = ("float32", "bfloat16", "int8")


SOFTWARE = Path(__file__).parent / "software"


@pytest.fixture(params=INSTRUCTIONS, ids=lambda one: one.name)
def only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> KernelsLibrary:
    """Each set of instructions that this machine has, as if there were no other."""
    monkeypatch.setattr(kernels_library, "INSTRUCTIONS", (request.param,))
    if not libraries():
        pytest.skip(f"the kernels are not compiled, or this processor has no {request.param.name}")
    return libraries()[0]


here = pytest.mark.usefixtures("only")


@pytest.fixture(scope="module")
def in_software(tmp_path_factory: pytest.TempPathFactory) -> KernelsLibrary:
    """What is written for AVX-512, on a processor that has none."""
    compiler = shutil.which("cc")
    if compiler is None or not processor.features() >= INSTRUCTIONS[1].needed:
        pytest.skip("no compiler, or no AVX2")
    file = tmp_path_factory.mktemp("software") / "kernels.so"
    flags = "-std=gnu11 -O1 -Wno-psabi -fPIC -shared -fvisibility=hidden -mavx2 -mfma -mf16c".split()
    sources = sorted(map(str, (Path(__file__).parents[2] / "src" / "pellucid" / "kernels").glob("*.c")))
    given = [compiler, *flags, "-include", str(SOFTWARE / "avx512.h"), "-o", str(file), *sources, "-lpthread", "-lm"]
    subprocess.run(given, check=True)
    return KernelsLibrary("avx512", file, frozenset(DTYPES), "bfloat16")


@pytest.fixture(params=["avx512", "avx2"])
def library(request: pytest.FixtureRequest) -> KernelsLibrary:
    """Each set of instructions; AVX-512 in software where this machine has none."""
    found = [one for one in libraries() if one.name == request.param]
    if not found and request.param == "avx512":
        return cast(KernelsLibrary, request.getfixturevalue("in_software"))
    if not found:
        pytest.skip(f"the kernels are not compiled, or this processor has no {request.param}")
    return found[0]


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


def test_where_there_is_a_compiler_there_are_kernels() -> None:
    wanted = [one for one in INSTRUCTIONS if processor.features() >= one.needed]
    if not shutil.which("cc") or not wanted:
        pytest.skip("no compiler, or no AVX2")
    assert len(libraries()) == len(wanted)
    assert dtypes() == set(DTYPES)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 90), inputs=st.integers(1, 150), outputs=st.integers(1, 70), has_bias=st.booleans(),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_products(library: KernelsLibrary, rows: int, inputs: int, outputs: int, has_bias: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, weight, bias = normal(random, rows, inputs), normal(random, outputs, inputs), normal(random, outputs)
    low, high, scale = -1.5, 2.5, random.uniform(0.5, 2, inputs).astype(np.float32)
    numbers, step = quantized_weight(weight * scale)
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
@pytest.mark.parametrize("rows", [1, 30])
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


def _attention(library: KernelsLibrary, query: Array, key: Array, value: Array, heads: int) -> Program:
    def forward(ops: Any, w: Any, i: Any) -> Any:
        given = (ops.embedding(w[name], i.ids) for name in ("query", "key", "value"))
        return ops.attention(*given, i.layout, heads=heads, scale=(query.shape[1] // heads) ** -0.5)

    return program(library, forward, query=query, key=key, value=value)


@pytest.mark.parametrize("lengths", [(1,), (17,), (64,), (1, 16, 5), (2,) * 20, (300, 29)])
@pytest.mark.parametrize(("heads", "dimension"), [(1, 1), (3, 5), (2, 16), (12, 64), (1, 256)])
def test_attention(library: KernelsLibrary, lengths: tuple[int, ...], heads: int, dimension: int) -> None:
    random = np.random.default_rng(heads)
    count = sum(lengths)
    query, key, value = (normal(random, count, heads * dimension) for _ in range(3))
    found = _attention(library, query, key, value, heads)(rows_of(count, lengths)).outputs["y"]
    for start, length in zip(np.cumsum(lengths) - lengths, lengths, strict=True):
        q, k, v = (
            one[start : start + length].astype(np.float64).reshape(length, heads, dimension).swapaxes(0, 1)
            for one in (query, key, value)
        )
        scores = np.exp(dimension**-0.5 * (q @ k.swapaxes(1, 2)))
        mixed = (scores / scores.sum(-1, keepdims=True) @ v).swapaxes(0, 1).reshape(length, -1)
        np.testing.assert_allclose(found[start : start + length], mixed, rtol=1e-5, atol=1e-5)


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


def _encoder() -> tuple[Any, WithKernels]:
    pipe = pipeline("sentiment-analysis", "builtin", engine="openvino")
    pipe("A film.")
    ((made, _),) = pipe.model.runner._programs.values()
    assert isinstance(made, WithKernels)
    return pipe, made


@here
@pytest.mark.parametrize("rows", [1, 64, 512])
def test_values_that_are_still_read_are_not_written_over(rows: int) -> None:
    _, made = _encoder()
    steps, outputs = made.kernels._steps, list(made.kernels._outputs.values())
    places, size = placed(libraries()[0], steps, outputs, rows)
    ready = operations(steps, [(None, None, None)] * len(steps), places)
    lies: dict[int, Any] = {}
    open_since = 0
    for number, (step, operation) in enumerate(zip(steps, ready, strict=True)):
        assert all(lies[places[value]] is value for value in step.inputs)
        lies[places[step.output]] = step.output
        assert 0 <= places[step.output] < size
        if operation.waits:
            open_since = number
        # What runs at the same time neither reads nor writes what another one writes.
        for other in steps[open_since:number]:
            reads = {places[value] for value in other.inputs}
            assert places[other.output] not in {places[value] for value in step.inputs} | {places[step.output]}
            assert places[step.output] not in reads
    assert all(lies[places[value]] is value for value in outputs)


@here
def test_many_threads_at_once_get_what_one_gets() -> None:
    pipe, _ = _encoder()
    texts = [f"Film number {number}, which I {word}." for number in range(20) for word in ("liked", "did not like")]
    alone = [pipe(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(pipe, texts * 5)) == alone * 5


@here
def test_a_forked_process_computes_too() -> None:
    script = (
        "import os, pellucid\n"
        "pipe = pellucid.pipeline('sentiment-analysis', 'builtin', engine='openvino')\n"
        "found = pipe('A film.')\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(0 if pipe('A film.') == found else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert pipe('A film.') == found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def tiles(monkeypatch: pytest.MonkeyPatch, are_there: bool) -> None:
    features = processor.features() - {"amx_tile"} | ({"amx_tile"} if are_there else set())
    monkeypatch.setattr(processor, "features", lambda: features)


@here
def test_beside_tiles_a_short_text_alone_is_the_kernels_and_a_list_is_the_engines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiles(monkeypatch, are_there=True)
    pipe, made = _encoder()
    assert made._built is None
    pipe("long " * FEW_ROWS)
    assert made._built is not None
    pipe = pipeline("sentiment-analysis", "builtin", engine="openvino")
    pipe([f"Film {number} of many, and what else there is to say of it." for number in range(200)])
    ((made, _),) = pipe.model.runner._programs.values()
    assert isinstance(made, WithKernels)
    assert "_arrays" not in vars(made.kernels)


@here
def test_without_tiles_the_kernels_compute_lists_and_long_texts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles(monkeypatch, are_there=False)
    pipe, made = _encoder()
    pipe([f"Film {number}" for number in range(200)] + ["long " * 300])
    made.prepare()
    assert made._built is None
    assert made.tokens < MAX_TOKENS


@here
def test_the_longest_texts_are_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles(monkeypatch, are_there=False)
    monkeypatch.setattr(kernels, "LONGEST", 8)
    pipe, made = _encoder()
    assert made._built is None
    pipe(["short", "long " * 8])
    assert made._built is not None


@here
@pytest.mark.parametrize("are_there", [True, False])
def test_prepare_builds_what_is_to_come(monkeypatch: pytest.MonkeyPatch, are_there: bool) -> None:
    tiles(monkeypatch, are_there)
    _, made = _encoder()
    made.prepare(rows_of(FEW_ROWS))
    assert made._built is None
    made.prepare(rows_of(FEW_ROWS + 1))
    assert (made._built is not None) == are_there
    _, made = _encoder()
    made.prepare()
    assert (made._built is not None) == are_there


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_numbers_do_not_depend_on_what_else_is_computed(
    only: KernelsLibrary, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    must_have(only, dtype)
    tiles(monkeypatch, are_there=False)
    pipe = pipeline("sentiment-analysis", "builtin", engine="openvino", dtype=dtype)
    texts = ["A film.", "long " * 200, "I did not like it at all, and nobody else did.", "So so."] * 9
    packed = pipe.packed([f"{number} {text}" for number, text in enumerate(texts)])
    run = pipe.model.runner.run
    whole = run(packed).outputs["logits"]
    for index in range(len(texts)):
        alone = run(packed.take(np.array([index]))).outputs["logits"]
        np.testing.assert_array_equal(alone[0], whole[index])
    np.testing.assert_array_equal(run(packed, max_tokens=100).outputs["logits"], whole)
    np.testing.assert_array_equal(run(packed, batch_size=2).outputs["logits"], whole)


@here
@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_any_number_of_threads_gives_the_same(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    tiles(monkeypatch, are_there=False)
    texts = [f"Film {number}, which I saw." for number in range(50)]
    expected = pipeline("sentiment-analysis", "builtin", engine="openvino")(texts)
    monkeypatch.setattr(processor, "cores", lambda: threads)
    assert pipeline("sentiment-analysis", "builtin", engine="openvino")(texts) == expected


class Nothing(Program):
    def __call__(self, packed: Packed) -> Result:
        return Result({})


@pytest.mark.parametrize("reason", ["no kernels", "an operation that they do not have"])
def test_what_the_kernels_do_not_compute_is_the_engines(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    own = Nothing()

    def forward(ops: Any, w: Any, i: Any) -> dict[str, Any]:
        x = ops.embedding(w("x", 4, 8), i.ids)
        return {"y": ops.rms_norm(x, w("n", 8), 1e-5) if reason != "no kernels" else x}

    if reason == "no kernels":
        monkeypatch.setattr(kernels_library, "INSTRUCTIONS", ())
    parameters = {
        name: StoredTensor.from_array(name, np.ones(shape, np.float32)) for name, shape in (("x", (4, 8)), ("n", (8,)))
    }
    assert kernels.build(forward, parameters, "float32", {}, lambda: own) is own


def test_a_library_that_cannot_be_loaded_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for one in INSTRUCTIONS:
        (tmp_path / f"_kernels_{one.name}.so").write_bytes(b"no library")
    monkeypatch.setattr(kernels_library, "FOLDER", tmp_path)
    monkeypatch.setattr(processor, "features", lambda: INSTRUCTIONS[0].needed)
    with caplog.at_level(logging.WARNING):
        assert dtypes() == frozenset()
    assert "cannot be loaded" in caplog.text


def test_a_processor_gets_what_it_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    if not any(processor.features() >= one.needed for one in INSTRUCTIONS) or not libraries():
        pytest.skip("no kernels")
    monkeypatch.setattr(processor, "features", lambda: frozenset({"avx2"}))
    assert libraries() == []
    monkeypatch.setattr(processor, "features", lambda: frozenset({"avx2", "fma", "f16c"}))
    (library,) = libraries()
    assert (library.dtypes, library.beside_int8) == (frozenset(DTYPES), "float32")
    older = INSTRUCTIONS[0].needed | {"avx2"}
    monkeypatch.setattr(processor, "features", lambda: older)
    wide, narrow = libraries()
    assert wide.dtypes == {"float32"}
    assert narrow.dtypes == set(DTYPES)
    monkeypatch.setattr(processor, "features", lambda: older | {"avx512_vnni"})
    wide, _ = libraries()
    assert (wide.dtypes, wide.beside_int8) == ({"float32", "int8"}, "float32")
    monkeypatch.setattr(processor, "features", lambda: older | {"avx512_vnni", "avx512_bf16"})
    wide, _ = libraries()
    assert (wide.dtypes, wide.beside_int8) == (set(DTYPES), "bfloat16")
