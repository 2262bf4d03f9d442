"""The engines: siblings with the same function names, each in one file, which alone imports its framework."""

from __future__ import annotations

import importlib
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from pellucid.errors import EngineError, EngineNotInstalledError, UnknownEngineError, UnsupportedDtypeError


@dataclass(frozen=True)
class Engine:
    """What is known of an engine before its framework is imported.

    Attributes:
        package: what must be installed.
        install: how to install it.
        dtypes: the precisions that it computes in.
        devices: where it computes; empty for all that the framework has.
        has_gradients: whether it gives gradients with respect to the vectors of words, in `<name>_gradients.py`.
    """

    package: str
    install: str
    dtypes: tuple[str, ...]
    devices: tuple[str, ...] = ("cpu",)
    has_gradients: bool = False


# The fastest first.
ENGINES = {
    "openvino": Engine("openvino", "pip install openvino", ("float32", "bfloat16", "int8")),
    "torch": Engine(
        "torch", "pip install pellucid[torch]", ("float32", "bfloat16", "float16", "float64"), devices=(),
        has_gradients=True,
    ),
    "tensorflow": Engine(
        "tensorflow", "pip install pellucid[tensorflow]", ("float32", "bfloat16", "float16", "float64")
    ),
    "numpy": Engine("numpy", "pip install numpy", ("float32", "float64")),
}  # fmt: skip

# What users of `transformers` and PyTorch write for a precision.
DTYPE_NAMES = {
    "fp32": "float32", "float": "float32", "f32": "float32",
    "bf16": "bfloat16", "fp16": "float16", "half": "float16",
    "fp64": "float64", "double": "float64",
}  # fmt: skip


def installed() -> list[str]:
    """The engines whose package is installed, the fastest first."""
    return [name for name, engine in ENGINES.items() if find_spec(engine.package) is not None]


def usual_engine() -> str:
    """What models compute on where no engine is named: PyTorch, whose modules they then are, else the fastest."""
    found = installed()
    return "torch" if "torch" in found else found[0]


def usable_gpu() -> str | None:
    """The device of a GPU that the installed PyTorch can use; None where there is none.

    PyTorch takes seconds to import, so it is asked only on machines that have the file of a driver.
    """
    is_apple = sys.platform == "darwin" and platform.machine() == "arm64"
    has_driver = any(Path(file).exists() for file in GPU_FILES) or shutil.which("nvidia-smi") is not None
    if "torch" not in installed() or not (is_apple or has_driver):
        return None
    gpu: str | None = importlib.import_module("pellucid.engines.torch").gpu()
    return gpu


GPU_FILES = ("/dev/nvidia0", "/dev/kfd", "/dev/dxg")


def load_engine(name: str | None = None) -> tuple[str, ModuleType]:
    """The name and module of an engine; of the fastest installed one where no name is given.

    Raises:
        UnknownEngineError: no engine has this name.
        EngineNotInstalledError: its package is missing.
    """
    chosen = installed()[0] if name is None else name
    if chosen not in ENGINES:
        raise UnknownEngineError(f"There is no engine {chosen!r}. Engines: {', '.join(ENGINES)}.", engine=chosen)
    engine = ENGINES[chosen]
    if find_spec(engine.package) is None:
        raise EngineNotInstalledError(
            f"The engine {chosen!r} needs the package `{engine.package}`, which is not installed. Install it with "
            f"`{engine.install}`, or choose an installed engine: {', '.join(installed())}.",
            engine=chosen,
        )
    return chosen, importlib.import_module(f"pellucid.engines.{chosen}")


def load_gradients(engine: str) -> ModuleType:
    """The module of an engine's gradients with respect to the vectors of words.

    Raises:
        EngineError: the engine gives none; the message lists those that do.
    """
    if not ENGINES[engine].has_gradients:
        known = " or ".join(f"engine={name!r}" for name, one in ENGINES.items() if one.has_gradients)
        raise EngineError(
            f"The engine {engine!r} gives no gradients, which integrated gradients are made of. Load the checkpoint "
            f"with {known}, or choose method='occlusion', which every engine computes.",
            engine=engine,
        )
    return importlib.import_module(f"pellucid.engines.{engine}_gradients")


def dtype_name(dtype: object) -> str:
    """The plain name of a precision: of a word, a NumPy dtype, or a `torch.dtype`."""
    written = dtype.__name__ if isinstance(dtype, type) else str(getattr(dtype, "name", dtype))
    word = written.removeprefix("torch.")
    return DTYPE_NAMES.get(word, word)


def device_name(device: object) -> str:
    """The plain name of a device: of a word, a `torch.device`, or a number as `transformers` counts them."""
    if device is None or device in ("auto", -1):
        return "cpu"
    return f"cuda:{device}" if isinstance(device, int) else str(device)


def check_device(engine: str, device: str) -> None:
    """Refuse a device that the engine does not compute on.

    Raises:
        EngineError: the message names the engine's devices.
    """
    devices = ENGINES[engine].devices
    if devices and device not in devices:
        raise EngineError(
            f"The engine {engine!r} computes on {', '.join(devices)}, and not on {device!r}. "
            "Leave `device` out, or choose engine='torch', which computes on every device of the installed PyTorch.",
            engine=engine,
            device=device,
        )


def check_dtype(engine: str, dtype: str) -> None:
    """Refuse a precision that the engine does not compute in.

    Raises:
        UnsupportedDtypeError: the message lists the precisions of every engine.
    """
    if dtype in ENGINES[engine].dtypes:
        return
    offers = "; ".join(f"{name}: {', '.join(one.dtypes)}" for name, one in ENGINES.items())
    raise UnsupportedDtypeError(
        f"The engine {engine!r} does not compute in {dtype!r}. Precisions of the engines: {offers}.",
        engine=engine,
        dtype=dtype,
    )
