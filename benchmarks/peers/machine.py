"""What figures were measured on: the processor, and the versions of the libraries."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from peers.precisions import has_unit

UNITS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
"""Instructions that decide how fast matrix products are."""


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    units = [name for name in UNITS if has_unit(name)]
    return {
        "processor": model,
        "units": units,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
    }


def versions(python: str) -> dict[str, str]:
    """The libraries of an environment."""
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=True)
    wanted = ("pellucid", "torch", "transformers", "sentence-transformers", "onnxruntime", "optimum", "optimum-intel",
              "openvino", "nncf", "ctranslate2", "fastembed", "kjarni", "tokenizers")  # fmt: skip
    return {one["name"]: one["version"] for one in json.loads(listed.stdout) if one["name"] in wanted}
