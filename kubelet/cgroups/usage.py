"""What a container uses, read from its cgroup: v1 and v2, wherever the engine put it.

    /proc/<pid>/cgroup ─▶ the container's folder in each hierarchy ─▶ cpuacct.usage, memory.stat … ─▶ Usage

Two usages make a rate. Source of the working set: github.com/google/cadvisor/container/libcontainer/handler.go.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT, PROC = Path("/sys/fs/cgroup"), Path("/proc")
TICKS_NANOSECONDS = 10_000_000  # of /proc/stat, on every Linux that runs containers


class Usage(NamedTuple):
    """`cpu_nanoseconds` since the beginning. The working set is what the kernel cannot take back at once."""

    cpu_nanoseconds: int = 0
    memory_bytes: int = 0
    working_set_bytes: int = 0


class Folders(NamedTuple):
    """A container's, on this machine."""

    cpu: Path
    memory: Path
    v2: bool


def folders(text: str, id: str, root: Path = ROOT) -> Folders | None:
    """From a process' /proc/<pid>/cgroup; None where that process is not of the container: the engine is elsewhere."""
    lines = [line.split(":", 2) for line in text.splitlines() if line.count(":") >= 2]
    paths = {name: path for _, names, path in lines for name in names.split(",")}
    memory, cpu = paths.get("memory"), paths.get("cpuacct")
    if memory and cpu and id in memory:
        return Folders(root / "cpuacct" / cpu.strip("/"), root / "memory" / memory.strip("/"), False)
    whole = paths.get("")
    if whole and id in whole:
        return Folders(root / whole.strip("/"), root / whole.strip("/"), True)
    return None


def folders_of(pid: int, id: str, root: Path = ROOT, proc: Path = PROC) -> Folders | None:
    try:
        text = (proc / str(pid) / "cgroup").read_text(encoding="ascii") if pid else ""
    except (OSError, UnicodeError):
        return None
    return folders(text, id, root)


def read(found: Folders) -> Usage | None:
    """None once the container has ended."""
    try:
        stat = _table(found.memory / "memory.stat")
        if found.v2:
            cpu = _table(found.cpu / "cpu.stat")["usage_usec"] * 1000
            memory, idle = _number(found.memory / "memory.current"), stat.get("inactive_file", 0)
        else:
            cpu = _number(found.cpu / "cpuacct.usage")
            memory, idle = _number(found.memory / "memory.usage_in_bytes"), stat.get("total_inactive_file", 0)
    except (OSError, ValueError, KeyError):
        return None
    return Usage(cpu, memory, max(0, memory - idle))


def memory_in_use(pid: int, id: str) -> int:
    """0 where that is not known."""
    found = folders_of(pid, id)
    usage = read(found) if found else None
    return usage.memory_bytes if usage else 0


def machine(proc: Path = PROC) -> Usage:
    """Of the whole machine: everything that runs on the node. Raises OSError without /proc."""
    busy = [int(word) for word in (proc / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _wait, irq, soft_irq, steal = busy
    memory = _meminfo((proc / "meminfo").read_text(encoding="ascii"))
    used = memory["MemTotal"] - memory["MemFree"]
    cpu = (user + nice + system + irq + soft_irq + steal) * TICKS_NANOSECONDS
    return Usage(cpu, used, max(0, used - memory.get("Inactive(file)", 0)))


def _meminfo(text: str) -> Mapping[str, int]:
    rows = (line.split() for line in text.splitlines())
    return {row[0].rstrip(":"): int(row[1]) << 10 for row in rows if len(row) > 1}


def of_engine(stats: Mapping[str, object]) -> Usage | None:
    """From the engine's answer to /containers/<id>/stats, where its cgroups cannot be read."""
    cpu, memory = stats.get("cpu_stats"), stats.get("memory_stats")
    if not isinstance(cpu, dict) or not isinstance(memory, dict) or "usage" not in memory:
        return None
    detail = memory.get("stats") or {}
    idle = detail.get("total_inactive_file", detail.get("inactive_file", 0))
    used = memory["usage"]
    return Usage(cpu.get("cpu_usage", {}).get("total_usage", 0), used, max(0, used - idle))


def _table(file: Path) -> Mapping[str, int]:
    rows = (line.split() for line in file.read_text(encoding="ascii").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2}


def _number(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))
