"""What the processor can do, as the system tells it."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def information() -> str:
    """The text that Linux has about its processors; empty where there is none."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@cache
def features() -> frozenset[str]:
    """The system's words for what the processor can do, such as "avx2" and "amx_int8"; none where it does not tell."""
    lines = (line.partition(":") for line in information().splitlines())
    return frozenset(word for key, _, words in lines if key.strip() in ("flags", "Features") for word in words.split())
