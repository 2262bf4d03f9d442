"""Which program computes what, and that the kernels' programs are run as they should."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import pipeline
from pellucid.checkpoints.stored import StoredTensor
from pellucid.engines import kernels, kernels_library, processor
from pellucid.engines.kernels import WithKernels
from pellucid.engines.kernels_library import INSTRUCTIONS, TILES, KernelsLibrary, dtypes, libraries
from pellucid.engines.kernels_memory import operations, placed
from pellucid.engines.program import Program, Result
from pellucid.packing import MAX_TOKENS, Packed, pack

FEW_ROWS = kernels.BESIDE_TILES["bfloat16"]

DTYPES = ("float32", "bfloat16", "int8")

here = pytest.mark.usefixtures("only")


def test_where_there_is_a_compiler_there_are_kernels() -> None:
    wanted = [one for one in INSTRUCTIONS if processor.features() >= one.needed]
    if not shutil.which("cc") or not wanted:
        pytest.skip("no compiler, or no AVX2")
    assert len(list(libraries())) == len(wanted)
    assert dtypes() == set(DTYPES)


def _encoder(dtype: str = "float32") -> tuple[Any, WithKernels]:
    pipe = pipeline("sentiment-analysis", "builtin", engine="openvino", dtype=dtype)
    pipe("A film.")
    ((made, _),) = pipe.model.runner._programs.values()
    assert isinstance(made, WithKernels)
    return pipe, made


@here
@pytest.mark.parametrize("rows", [1, 64, 512])
def test_values_that_are_still_read_are_not_written_over(rows: int) -> None:
    _, made = _encoder()
    steps, outputs = made.kernels._steps, list(made.kernels._outputs.values())
    assert any(step.packed for step in steps)
    places, size = placed(next(libraries()), steps, outputs, rows)
    ready = operations(steps, [(None, None, None)] * len(steps), places)
    lies: dict[int, Any] = {}
    open_since = 0
    for number, (step, operation) in enumerate(zip(steps, ready, strict=True)):
        assert all(lies[places[value]] is value for value in step.inputs)
        lies.update((places[value], value) for value in step.outputs)
        writes = {places[value] for value in step.outputs}
        assert all(0 <= place < size for place in writes)
        assert len(writes) == len(step.outputs)
        if operation.waits:
            open_since = number
        # What runs at the same time neither reads nor writes what another one writes.
        for other in steps[open_since:number]:
            others = {places[value] for value in other.outputs}
            assert not others & (writes | {places[value] for value in step.inputs})
            assert not writes & {places[value] for value in other.inputs}
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
    pipe, made = _encoder("bfloat16")
    pipe("So so.")
    assert made._built is None
    pipe("long " * FEW_ROWS)
    assert made._built is not None
    pipe = pipeline("sentiment-analysis", "builtin", engine="openvino", dtype="bfloat16")
    pipe([f"Film {number} of many, and what else there is to say of it." for number in range(200)])
    ((made, _),) = pipe.model.runner._programs.values()
    assert isinstance(made, WithKernels)
    assert "_arrays" not in vars(made.kernels)


@here
@pytest.mark.parametrize(("dtype", "are_there"), [("float32", True), ("float32", False), ("bfloat16", False)])
def test_without_tiles_for_a_precision_the_kernels_compute_lists_and_long_texts_too(
    monkeypatch: pytest.MonkeyPatch, dtype: str, are_there: bool
) -> None:
    tiles(monkeypatch, are_there)
    pipe, made = _encoder(dtype)
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
    _, made = _encoder("bfloat16")
    made.prepare(pack([[1] * FEW_ROWS]))
    assert made._built is None
    made.prepare(pack([[1] * (FEW_ROWS + 1)]))
    assert (made._built is not None) == are_there
    _, made = _encoder("bfloat16")
    made.prepare()
    assert (made._built is not None) == are_there


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_numbers_do_not_depend_on_what_else_is_computed(
    only: KernelsLibrary, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    if dtype not in only.dtypes:
        pytest.skip(f"this processor has no units for {dtype}")
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
    if not list(libraries()):
        pytest.skip("no kernels")
    monkeypatch.setattr(processor, "features", lambda: frozenset({"avx2"}))
    assert list(libraries()) == []
    monkeypatch.setattr(processor, "features", lambda: frozenset({"avx2", "fma", "f16c"}))
    (library,) = libraries()
    assert (library.dtypes, library.beside_int8) == (frozenset(DTYPES), "float32")
    monkeypatch.setattr(processor, "features", lambda: frozenset({"avx2", "fma", "f16c", "avx_vnni"}))
    (library,) = libraries()
    assert library.dtypes == {"float32", "bfloat16"}, "OpenVINO has units for int8 that these kernels do not use"
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


@pytest.mark.parametrize("asked", ["1", "0", ""])
def test_tiles_are_used_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    if not (kernels_library.FOLDER / "_kernels_avx512.so").is_file():
        pytest.skip("no kernels")
    monkeypatch.setattr(KernelsLibrary, "use_tiles", lambda library: setattr(library, "has_tiles", True))
    monkeypatch.setenv("PELLUCID_TILES", asked)
    wide = INSTRUCTIONS[0]
    features = wide.needed | frozenset(wide.products.values()) | TILES
    monkeypatch.setattr(processor, "features", lambda: features)
    library = kernels_library._loaded.__wrapped__(kernels_library.FOLDER, wide, features)
    assert library is not None
    assert library.has_tiles == (asked == "1")
    # Tiles multiply no float32.
    assert kernels.most_tokens(library, "float32") is None
    assert kernels.most_tokens(library, "int8") == (None if asked == "1" else kernels.BESIDE_TILES["int8"])
    without = kernels_library._loaded.__wrapped__(kernels_library.FOLDER, wide, features - TILES)
    assert without is not None
    assert not without.has_tiles
