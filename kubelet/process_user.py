"""As whom a container's first process runs, from /proc: what its status tells as `user`.

The engine does not say it: the image may name its user, and groups come from the image's files. None where the process
is on another machine's kernel (Docker Desktop), or has ended.
"""

from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class ProcessUser(NamedTuple):
    uid: int
    gid: int
    groups: tuple[int, ...]  # the supplementary ones, and the first


def process_user(pid: int, container_id: str, proc: Path = PROC) -> ProcessUser | None:
    """`pid` as the engine tells it; its cgroup says whether it is the container's here too."""
    if not pid:
        return None
    try:
        if container_id not in (proc / str(pid) / "cgroup").read_text(encoding="ascii"):
            return None
        lines = (proc / str(pid) / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    try:
        uid, gid = int(found["Uid"][0]), int(found["Gid"][0])
        return ProcessUser(uid, gid, tuple(sorted({gid, *(int(group) for group in found["Groups"])})))
    except (KeyError, IndexError, ValueError):
        return None
