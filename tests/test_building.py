"""How the kernels get into a wheel, or why they do not."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from pathlib import Path
from typing import Any

import pytest

from pellucid.engines.kernels_library import INSTRUCTIONS

ROOT = Path(__file__).parent.parent

pytest.importorskip("hatchling")
on_linux = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64", reason="kernels are for Linux on x86-64"
)


class Said:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def display_info(self, line: str) -> None:
        self.lines.append(line)


def build(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], list[str]]:
    """What the hook does to a checkout's wheel, and what it says."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook = module.KernelsHook(str(root), {}, None, None, str(root), "wheel", None)
    said = Said()
    monkeypatch.setattr(module.KernelsHook, "app", said)
    data: dict[str, Any] = {"artifacts": []}
    hook.initialize("standard", data)
    return data, said.lines


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src" / "pellucid" / "kernels", tmp_path / "src" / "pellucid" / "kernels")
    (tmp_path / "src" / "pellucid" / "engines").mkdir()
    return tmp_path


@on_linux
@pytest.mark.skipif(not shutil.which("cc"), reason="there is no compiler")
def test_a_compiler_makes_them_and_the_wheel_says_for_which_machines(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "cc -Werror")
    data, said = build(checkout, monkeypatch)
    assert said == []
    libraries = [checkout / name for name in data["artifacts"]]
    assert {one.name for one in libraries} == {f"_kernels_{one.name}.so" for one in INSTRUCTIONS}
    assert all(one.read_bytes()[:4] == b"\x7fELF" for one in libraries)
    assert set((checkout / "src" / "pellucid" / "engines").iterdir()) == set(libraries)
    assert data["pure_python"] is False
    assert data["tag"] == "py3-none-linux_x86_64"
    made = [one.stat().st_mtime_ns for one in libraries]
    build(checkout, monkeypatch)
    assert [one.stat().st_mtime_ns for one in libraries] == made, "what is newer than its sources is not made again"


@on_linux
@pytest.mark.parametrize("compiler", ["no compiler", "one that fails"])
def test_without_one_the_wheel_is_for_all_and_says_why(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, compiler: str
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("PELLUCID_KERNELS", raising=False)
    if compiler == "no compiler":
        monkeypatch.setenv("PATH", "")
    else:
        monkeypatch.setenv("CC", "false")
    data, said = build(checkout, monkeypatch)
    assert data == {"artifacts": []}
    assert ("no C compiler was found" if compiler == "no compiler" else "false says") in said[0]
    assert not any((checkout / "src" / "pellucid" / "engines").iterdir())
    monkeypatch.setenv("PELLUCID_KERNELS", "required")
    with pytest.raises(RuntimeError, match="were not compiled"):
        build(checkout, monkeypatch)
