"""Compiles the kernels of `src/pellucid/kernels` into the wheel, where there is a compiler for them.

Without one, or on another system or processor, the wheel is made without them, and OpenVINO computes everything.
With PELLUCID_KERNELS=required that is an error.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("src", "pellucid", "kernels")
FOLDER = Path("src", "pellucid", "engines")
FLAGS = ("-std=c11", "-O3", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden")
INSTRUCTIONS = {
    "avx512": ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma", "-mf16c"),
    "avx2": ("-mavx2", "-mfma", "-mf16c"),
}
"""A library each. `INSTRUCTIONS` of engines/kernels_library.py has the same names."""


class KernelsHook(BuildHookInterface[Any]):
    """A hook of hatchling, which calls it before it makes a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say in the wheel's name for which machines it is."""
        if self.target_name != "wheel":
            return
        reason = self._compile()
        if reason is None:
            build_data["pure_python"] = False
            build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["artifacts"].extend((FOLDER / _file_name(name)).as_posix() for name in INSTRUCTIONS)
        elif os.environ.get("PELLUCID_KERNELS") == "required":
            raise RuntimeError(f"The kernels were not compiled: {reason}")
        else:
            self.app.display_info(f"Without kernels: {reason}")

    def _compile(self) -> str | None:
        """None where the libraries are there now, else why they are not."""
        if platform.system() != "Linux" or platform.machine() != "x86_64":
            return f"they are for Linux on x86-64, and this is {platform.system()} on {platform.machine()}"
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            return "no C compiler was found"
        root = Path(self.root)
        sources = sorted(root.glob(f"{SOURCES.as_posix()}/*.[ch]"))
        latest = max(one.stat().st_mtime for one in [*sources, Path(__file__)])
        written = [str(one) for one in sources if one.suffix == ".c"]
        for name, flags in INSTRUCTIONS.items():
            library = root / FOLDER / _file_name(name)
            if library.is_file() and library.stat().st_mtime > latest:
                continue
            partial = library.with_name(f"{library.name}.{os.getpid()}")
            done = subprocess.run(
                [*shlex.split(compiler), *FLAGS, *flags, "-o", str(partial), *written, "-lpthread"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                partial.unlink(missing_ok=True)
                return f"{compiler} says: {done.stderr.strip()}"
            # Other builds of the same checkout may be under way.
            partial.replace(library)
        return None


def _file_name(instructions: str) -> str:
    return f"_kernels_{instructions}.so"
