"""What the processor can do, as the system tells it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def told(path: str) -> str:
    """What one of the system's own files says; empty where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def fields() -> list[tuple[str, str]]:
    """The names and values that Linux has about its processors; none elsewhere."""
    pairs = (line.partition(":") for line in told("/proc/cpuinfo").splitlines())
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def features() -> frozenset[str]:
    """The system's words for what the processor can do, such as "avx2" and "amx_int8"; none where it does not tell."""
    return frozenset(word for name, words in fields() if name in ("flags", "Features") for word in words.split())


def cores() -> int:
    """Those that the process may run on, and no more than its group's share of time allows."""
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    share, _, period = told("/sys/fs/cgroup/cpu.max").partition(" ")
    if share.isdigit() and period.strip().isdigit():
        return max(1, min(allowed, int(share) // int(period)))
    return allowed
