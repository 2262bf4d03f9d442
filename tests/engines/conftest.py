"""The compiled kernels, each set of instructions by itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pellucid.engines import kernels_library, processor
from pellucid.engines.kernels_library import INSTRUCTIONS, TILES, KernelsLibrary, libraries

SOFTWARE = Path(__file__).parent / "software"


@pytest.fixture(params=INSTRUCTIONS, ids=lambda one: one.name)
def only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> KernelsLibrary:
    """Each set of instructions that this machine has, as if there were no other."""
    monkeypatch.setattr(kernels_library, "INSTRUCTIONS", (request.param,))
    found = next(libraries(), None)
    if found is None:
        pytest.skip(f"the kernels are not compiled, or this processor has no {request.param.name}")
    return found


@pytest.fixture(scope="module")
def in_software(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is written for AVX-512 and AMX, compiled for a processor that has neither."""
    compiler = shutil.which("cc")
    if compiler is None or not processor.features() >= INSTRUCTIONS[1].needed:
        pytest.skip("no compiler, or no AVX2")
    file = tmp_path_factory.mktemp("software") / "kernels.so"
    flags = "-std=gnu11 -O1 -Wno-psabi -fPIC -shared -fvisibility=hidden -mavx2 -mfma -mf16c".split()
    sources = sorted(map(str, (Path(__file__).parents[2] / "src" / "pellucid" / "kernels").glob("*.c")))
    given = [compiler, *flags, "-include", str(SOFTWARE / "amx.h"), "-o", str(file), *sources, "-lpthread", "-lm"]
    subprocess.run(given, check=True)
    return file


@pytest.fixture(scope="module", params=["avx512", "amx", "avx2"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KernelsLibrary:
    """Each set of instructions; in software where this machine has none."""
    is_tiled, name = request.param == "amx", "avx512" if request.param == "amx" else request.param
    found = [one for one in libraries() if one.name == name]
    if found and not is_tiled:
        return found[0]
    if name != "avx512":
        pytest.skip(f"the kernels are not compiled, or this processor has no {name}")
    if processor.features() >= (TILES if is_tiled else INSTRUCTIONS[0].needed) and found:
        file = kernels_library.FOLDER / "_kernels_avx512.so"
    else:
        file = request.getfixturevalue("in_software")
    # Loaded apart from others of the same file, whose products are not by tiles.
    copied = shutil.copy(file, tmp_path_factory.mktemp(request.param))
    made = KernelsLibrary(name, copied, frozenset({"float32", "bfloat16", "int8"}), "bfloat16")
    if is_tiled:
        made.use_tiles()
        assert made.has_tiles
    return made
