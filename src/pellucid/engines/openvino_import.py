"""OpenVINO without its model converter.

`import openvino` also imports the converter of other frameworks' models, which is more than half of the import's time
and brings a telemetry client along. Nothing here converts models. Whoever else in the process wants the converter still
gets it: `openvino.convert_model` imports it when it is called.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

CONVERTER = "openvino.tools.ovc"


def import_openvino() -> ModuleType:
    """The module `openvino`, imported quickly if nobody has imported it yet."""
    if "openvino" in sys.modules or CONVERTER in sys.modules:
        return import_module("openvino")
    sys.modules[CONVERTER] = None  # type: ignore[assignment]  # makes its import fail, which OpenVINO expects
    try:
        openvino = import_module("openvino")
    finally:
        del sys.modules[CONVERTER]
    if not hasattr(openvino, "convert_model"):
        openvino.convert_model = _convert_model  # type: ignore[attr-defined]
    return openvino


def _convert_model(*arguments: Any, **named: Any) -> Any:
    """Convert a model of another framework: see `openvino.tools.ovc.convert_model`."""
    return import_module(CONVERTER).convert_model(*arguments, **named)
