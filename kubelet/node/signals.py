"""What is left of the machine's memory, disks and process ids, by the names of the eviction signals.

What cannot be read is left out. Memory is the kernel's own estimate of what could be had without swapping, which leaves
out page cache that can go; `nodefs` is the file system of the kubelet's state, `imagefs` that of the engine.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from kubelet.node.thresholds import Observation

MEMORY, PIDS = "memory.available", "pid.available"


def observe(nodefs: Path, imagefs: str = "", proc: Path = Path("/proc")) -> Mapping[str, Observation]:
    """Reads the machine; `imagefs` is "" where the engine does not tell its folder."""
    found = {MEMORY: _memory(proc), PIDS: _pids(proc)}
    found |= dict(_disk("nodefs", str(nodefs)))
    if imagefs:
        found |= dict(_disk("imagefs", imagefs))
    return {signal: seen for signal, seen in found.items() if seen is not None}


def _memory(proc: Path) -> Observation | None:
    try:
        rows = dict(line.split(":", 1) for line in (proc / "meminfo").read_text(encoding="ascii").splitlines())
        available, total = (int(rows[name].split()[0]) << 10 for name in ("MemAvailable", "MemTotal"))
    except (OSError, ValueError, KeyError):
        return None
    return Observation(available, total)


def _pids(proc: Path) -> Observation | None:
    """Threads count, too. Source: proc(5), loadavg: the fourth field is running/all."""
    try:
        sys = proc / "sys" / "kernel"
        most = min(int((sys / name).read_text(encoding="ascii")) for name in ("pid_max", "threads-max"))
        used = int((proc / "loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])
    except (OSError, ValueError, IndexError):
        return None
    return Observation(max(0, most - used), most)


def _disk(name: str, folder: str) -> Iterator[tuple[str, Observation]]:
    try:
        seen = os.statvfs(folder)
    except OSError:
        return
    yield f"{name}.available", Observation(seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize)
    if seen.f_files:  # btrfs has no number of inodes
        yield f"{name}.inodesFree", Observation(seen.f_favail, seen.f_files)
