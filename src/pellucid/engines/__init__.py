"""The engines: siblings with the same function names, each in one file, which alone imports its framework."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from types import ModuleType

from pellucid.errors import EngineNotInstalledError, UnknownEngineError, UnsupportedDtypeError

# The fastest first; with each, the package it needs and how to get it.
ENGINES = {
    "openvino": ("openvino", "pip install openvino"),
    "numpy": ("numpy", "pip install numpy"),
}

# What users of `transformers` and PyTorch write for a precision.
DTYPE_NAMES = {
    "fp32": "float32", "float": "float32", "f32": "float32",
    "bf16": "bfloat16", "fp16": "float16", "half": "float16",
    "fp64": "float64", "double": "float64",
}  # fmt: skip


def installed() -> list[str]:
    """The engines whose package is installed, the fastest first."""
    return [name for name, (package, _) in ENGINES.items() if find_spec(package) is not None]


def load_engine(name: str | None = None) -> tuple[str, ModuleType]:
    """The name and module of an engine; of the fastest installed one where no name is given.

    Raises:
        UnknownEngineError: no engine has this name.
        EngineNotInstalledError: its package is missing.
    """
    chosen = installed()[0] if name is None else name
    if chosen not in ENGINES:
        raise UnknownEngineError(f"There is no engine {chosen!r}. Engines: {', '.join(ENGINES)}.", engine=chosen)
    package, remedy = ENGINES[chosen]
    if find_spec(package) is None:
        raise EngineNotInstalledError(
            f"The engine {chosen!r} needs the package `{package}`, which is not installed. Install it with "
            f"`{remedy}`, or choose an installed engine: {', '.join(installed())}.",
            engine=chosen,
        )
    return chosen, importlib.import_module(f"pellucid.engines.{chosen}")


def dtype_name(dtype: object) -> str:
    """The plain name of a precision: of a word, a NumPy dtype, or a `torch.dtype`."""
    written = dtype.__name__ if isinstance(dtype, type) else str(getattr(dtype, "name", dtype))
    word = written.removeprefix("torch.")
    return DTYPE_NAMES.get(word, word)


def check_dtype(engine: str, module: ModuleType, dtype: str) -> None:
    """Refuse a precision that the engine does not compute in.

    Raises:
        UnsupportedDtypeError: the message lists the precisions of every installed engine.
    """
    if dtype in module.DTYPES:
        return
    offers = "; ".join(f"{name}: {', '.join(load_engine(name)[1].DTYPES)}" for name in installed())
    raise UnsupportedDtypeError(
        f"The engine {engine!r} does not compute in {dtype!r}. Precisions of the installed engines: {offers}.",
        engine=engine,
        dtype=dtype,
    )
