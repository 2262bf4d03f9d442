"""What this processor computes in, so that a benchmark asks for nothing else."""

from __future__ import annotations

from pathlib import Path


def precisions() -> list[str]:
    """float32, and bfloat16 where OpenVINO has units for it."""
    from pellucid.engines.openvino import has_bfloat16

    return ["float32", "bfloat16"] if has_bfloat16() else ["float32"]


def has_unit(name: str) -> bool:
    """Whether the processor has a set of instructions, by the system's name for it, as "avx512_vnni"."""
    return name in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
