"""What of a machine decides how it computes: its processor, its memory, and the libraries on it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from pellucid.engines import ENGINES, installed, kernels_library, processor, usable_gpu

FEATURES = {
    "amx_int8": "AMX for int8",
    "amx_bf16": "AMX for bfloat16",
    "avx512_bf16": "AVX-512 for bfloat16",
    "avx512_vnni": "AVX-512 for int8",
    "avx_vnni": "AVX for int8",
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "bf16": "bfloat16",
    "i8mm": "int8 products",
    "asimd": "NEON",
}
"""What processors are asked for, by the system's names."""

LIBRARIES = ("numpy", "tokenizers", "openvino", "torch", "tensorflow", "tensorflow-cpu", "transformers")


@dataclass(frozen=True)
class Machine:
    """What there is to compute with.

    Attributes:
        processor: its name.
        features: what it can do that engines make use of.
        kernels: the precisions that Pellucid's own kernels multiply in here; none where they were not compiled.
        cores: how many this process may use.
        memory: bytes that this process may use; 0 where the system does not tell.
        gpu: the device of a GPU that the installed PyTorch can use; None where there is none.
        python: the version of Python.
        libraries: the versions of those that are installed.
        missing: for each engine that is not installed, how to install it.
    """

    processor: str
    features: tuple[str, ...]
    kernels: tuple[str, ...]
    cores: int
    memory: int
    gpu: str | None
    python: str
    libraries: dict[str, str]
    missing: dict[str, str]


def this_machine() -> Machine:
    """What this process may compute with."""
    names = [value for key, value in processor.fields() if key == "model name"]
    features = processor.features()
    present = installed()
    libraries = {one: found for one in LIBRARIES if (found := _version(one))}
    return Machine(
        processor=names[-1] if names else platform.processor() or platform.machine(),
        features=tuple(told for flag, told in FEATURES.items() if flag in features),
        kernels=tuple(sorted(kernels_library.dtypes())),
        cores=processor.cores(),
        memory=_memory(),
        gpu=usable_gpu(),
        python=platform.python_version(),
        libraries=libraries,
        missing={name: engine.install for name, engine in ENGINES.items() if name not in present},
    )


def _memory() -> int:
    """That of the machine, and no more than its group may take."""
    lines = processor.told("/proc/meminfo").splitlines()
    total = next((int(line.split()[1]) * 1024 for line in lines if "MemTotal" in line), 0)
    limit = processor.told("/sys/fs/cgroup/memory.max").strip()
    return min(total, int(limit)) if limit.isdigit() else total


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
