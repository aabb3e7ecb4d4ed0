"""Whether the machine runs short of memory, disk or process ids. `judge` is pure; `measure` reads the machine.

The thresholds are the kubelet's default for hard eviction, as k8s.io/kubernetes/pkg/kubelet/apis/config has them.
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

LEAST_MEMORY_BYTES = 100 << 20
LEAST_DISK_FRACTION = 0.10
LEAST_PID_FRACTION = 0.02


class Measured(NamedTuple):
    """What cannot be read is None."""

    memory_available_bytes: int | None = None
    disk_free_fraction: float | None = None
    pid_free_fraction: float | None = None


class Pressure(NamedTuple):
    memory: bool
    disk: bool
    pid: bool


def judge(measured: Measured) -> Pressure:
    def below(value: float | None, least: float) -> bool:
        return value is not None and value < least

    return Pressure(
        below(measured.memory_available_bytes, LEAST_MEMORY_BYTES),
        below(measured.disk_free_fraction, LEAST_DISK_FRACTION),
        below(measured.pid_free_fraction, LEAST_PID_FRACTION),
    )


def measure(folder: Path) -> Measured:
    """`folder` stands for the file system that pods write to."""
    return Measured(_memory_available(), _disk_free(folder), _pids_free())


def _memory_available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except OSError:
        return None
    return None


def _disk_free(folder: Path) -> float | None:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.free / usage.total if usage.total else None


def _pids_free() -> float | None:
    try:
        most = int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii"))
        used = sum(1 for entry in os.listdir("/proc") if entry.isdigit())
    except (OSError, ValueError):
        return None
    return 1 - used / most
