"""What this processor computes in, so that a benchmark asks for nothing else."""

from __future__ import annotations

from pathlib import Path


def precisions() -> list[str]:
    """float32, and bfloat16 where OpenVINO has units for it."""
    from pellucid.engines.openvino_program import has_bfloat16

    return ["float32", "bfloat16"] if has_bfloat16() else ["float32"]


def refuse_slow_bfloat16(dtype: str, *, by: str) -> None:
    """End a contestant in bfloat16 where the processor has no units for it.

    OpenVINO computes in float32 there and does not say so. PyTorch takes several times as long as in float32; with
    AVX-512 it has kernels of its own.
    """
    has_it = (
        dtype in precisions()
        if by == "openvino"
        else any(map(has_unit, ("avx512f", "avx512_bf16", "amx_bf16", "bf16")))
    )
    if dtype == "bfloat16" and not has_it:
        raise SystemExit("this processor has no units for bfloat16.")


def has_unit(name: str) -> bool:
    """Whether the processor has a set of instructions, by the system's name for it, as "avx512_vnni"."""
    return name in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
