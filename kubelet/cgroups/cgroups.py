"""The cgroups of pods and containers: made, limited, read, removed. cgroup v1 and v2, both of Docker's drivers.

    driver      a pod's cgroup, as the engine is told it               on disk, below /sys/fs/cgroup[/<controller>]
    cgroupfs    /podling/<cluster>/<node>/pod<uid>                     the same
    systemd     podling-<cluster>-<node>-pod<uid>.slice                podling.slice/podling-<cluster>.slice/…

A container's own cgroup lies in its pod's. We make a pod's before its first container and remove it after its last;
what a killed kubelet left is empty, and goes with `prune` or `remove_cluster`. systemd owns its slices: it is asked by
`systemctl`, since what is written past it is lost when it reloads. Names are not escaped: "-" becomes "_".
Source: docs.kernel.org/admin-guide/cgroup-v1 and cgroup-v2.html, systemd.resource-control(5).
"""

import logging
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from kubelet.cgroups.limits import PodLimits
from kubelet.cgroups.resources import LEAST_SHARES, MOST_SHARES

log = logging.getLogger(__name__)
ROOT = Path("/sys/fs/cgroup")
PARENT = "podling"
PERIOD_MICROSECONDS = 100_000
V1_CONTROLLERS = ("cpu", "memory", "hugetlb")
V2_CONTROLLERS = ("cpu", "memory", "hugetlb", "pids")
OPTIONAL = ("hugetlb.", "memory.swap.")  # not every kernel counts these
COMMAND_SECONDS = 10.0
TRIES, TRY_SECONDS = 50, 0.004
Run = Callable[[Sequence[str]], bool]


def weight(cpu_shares: int) -> int:
    """cpu.weight (1-10000) of cpu.shares (2-262144)."""
    return 1 + (min(max(cpu_shares, LEAST_SHARES), MOST_SHARES) - LEAST_SHARES) * 9999 // (MOST_SHARES - LEAST_SHARES)


def page_size_name(size_bytes: int) -> str:
    """As the kernel names it in its files: 2MB, 1GB, 64KB."""
    for unit, power in (("GB", 30), ("MB", 20)):
        if size_bytes >> power:
            return f"{size_bytes >> power}{unit}"
    return f"{size_bytes >> 10}KB"


def systemctl(arguments: Sequence[str]) -> bool:
    """Whether it did."""
    try:
        done = subprocess.run(
            ["systemctl", "--quiet", *arguments], capture_output=True, check=False, timeout=COMMAND_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class Cgroups:
    """Of one node of one cluster. `root`, `run` and `rmdir` are for tests."""

    def __init__(
        self,
        cluster: str,
        node: str,
        *,
        v2: bool,
        systemd: bool,
        root: Path = ROOT,
        run: Run = systemctl,
        rmdir: Callable[[Path], None] = os.rmdir,
    ) -> None:
        self.v2, self.systemd = v2, systemd
        self._cluster, self._node = _plain(cluster), _plain(node)
        self._root, self._run, self._rmdir = root, run, rmdir
        self._is_weighed = False

    # -- where --------------------------------------------------------------------------------------------------------

    def parent(self, uid: str) -> str:
        """A pod's cgroup in the engine's words: HostConfig.CgroupParent."""
        return self._name(self._cluster, self._node, f"pod{uid}")

    def _name(self, *parts: str) -> str:
        if self.systemd:
            return "-".join((PARENT, *map(_plain, parts))) + ".slice"
        return "/" + "/".join((PARENT, *parts))

    def _path(self, name: str) -> str:
        """On disk, relative to a hierarchy's root: a slice lies in the slices that its name begins with."""
        if not self.systemd:
            return name.strip("/")
        parts = name.removesuffix(".slice").split("-")
        return "/".join("-".join(parts[: n + 1]) + ".slice" for n in range(len(parts)))

    def _folder(self, path: str, controller: str) -> Path:
        return self._root / path if self.v2 else self._root / controller / path

    def _hierarchies(self) -> Iterator[Path]:
        """v1 has one a controller, some under two names."""
        if self.v2:
            yield self._root
            return
        seen = set()
        for entry in sorted(self._root.iterdir()) if self._root.exists() else ():
            if entry.is_dir() and entry.resolve() not in seen:
                seen.add(entry.resolve())
                yield entry

    # -- a pod's ------------------------------------------------------------------------------------------------------

    def make(self, uid: str, limits: PodLimits) -> None:
        """The pod's cgroup, limited; again is harmless. Raises OSError."""
        if self.systemd:
            if not self._run(["start", self.parent(uid)]):
                raise OSError(f"systemd does not start {self.parent(uid)}")
        else:
            path = self._path(self.parent(uid))
            for controller in ("",) if self.v2 else V1_CONTROLLERS:
                self._make_folder(path, controller)
        if not self._is_weighed:
            self._weigh()
        self.limit(uid, limits)

    def _weigh(self) -> None:
        """Once: all pods of the machine together weigh as much as its cores, beside what else runs on it."""
        shares = (os.cpu_count() or 1) * 1024
        if self.systemd:
            self._run(["set-property", "--runtime", self._name(), *_weight(shares, self.v2)])
        else:
            file, value = ("cpu.weight", weight(shares)) if self.v2 else ("cpu.shares", shares)
            target = self._folder(self._path(self._name()), "cpu") / file
            if target.parent.is_dir():
                _write(target, str(value))
        self._is_weighed = True

    def _make_folder(self, path: str, controller: str) -> None:
        top = self._root / controller
        if not top.is_dir():
            return  # a v1 kernel without this controller
        top.joinpath(path).mkdir(parents=True, exist_ok=True)
        if not self.v2:
            return
        has = _words(top / "cgroup.controllers")
        wanted = " ".join(f"+{each}" for each in V2_CONTROLLERS if each in has)
        folder = top
        for part in path.split("/"):  # each level hands its controllers down
            _write(folder / "cgroup.subtree_control", wanted)
            folder /= part

    def limit(self, uid: str, limits: PodLimits) -> None:
        """Raises OSError: EBUSY where memory in use does not fit."""
        properties = _properties(limits, self.v2)
        if self.systemd and not self._run(["set-property", "--runtime", self.parent(uid), *properties]):
            raise OSError(f"systemd does not limit {self.parent(uid)}")
        path = self._path(self.parent(uid))
        for controller, file, value in _files(limits, self.v2, systemd=self.systemd):
            target = self._folder(path, controller) / file
            if not target.parent.is_dir() or (file.startswith(OPTIONAL) and not target.exists()):
                if int(value) if value.isdigit() else 0:
                    raise OSError(f"this machine's cgroups cannot limit {file.rpartition('.')[0]}")
                continue
            _write(target, value)

    def limit_node(self, memory_bytes: int) -> None:
        """All pods together. Raises OSError."""
        name = self._name(self._cluster, self._node)
        properties = _properties(PodLimits(memory_bytes=memory_bytes), self.v2)
        if self.systemd:
            if not (self._run(["start", name]) and self._run(["set-property", "--runtime", name, *properties])):
                raise OSError(f"systemd does not limit {name}")
            return
        path = self._path(name)
        for controller in ("",) if self.v2 else V1_CONTROLLERS:
            self._make_folder(path, controller)
        file = "memory.max" if self.v2 else "memory.limit_in_bytes"
        _write(self._folder(path, "memory") / file, str(memory_bytes))

    def memory_bytes(self, uid: str) -> int:
        """What the pod's containers use now; 0 where that is not known."""
        return self._memory(self._path(self.parent(uid)))

    def _memory(self, path: str) -> int:
        return _number(self._folder(path, "memory") / ("memory.current" if self.v2 else "memory.usage_in_bytes"))

    def remove(self, uid: str) -> None:
        """Empty by now; what is not stays for `prune`."""
        self._remove(self.parent(uid))

    def _remove(self, name: str) -> None:
        if self.systemd:
            if any(self._in_use(name)):
                return  # stopping a slice would stop what runs in it
            self._run(["stop", name])
            self._run(["revert", name])
            return
        left = [hierarchy / self._path(name) for hierarchy in self._hierarchies()]
        for _ in range(TRIES):
            left = [folder for folder in left if not self._is_gone(folder)]
            if not left:
                return
            time.sleep(TRY_SECONDS)  # the kernel takes a moment to let go of processes that have ended

    def _is_gone(self, folder: Path) -> bool:
        with suppress(OSError):
            self._rmdir(folder)
        return not folder.exists()

    def prune(self, alive: Sequence[str]) -> None:
        """Those of pods that are gone."""
        kept = {self.parent(uid) for uid in alive}
        for name in self._children(self._name(self._cluster, self._node)):
            if name not in kept:
                self._remove(name)

    def _in_use(self, name: str) -> Iterator[bool]:
        for hierarchy in self._hierarchies():
            folder = hierarchy / self._path(name)
            yield folder.is_dir() and any(each.name.endswith(".scope") for each in folder.iterdir())

    def _children(self, name: str) -> list[str]:
        """The cgroups in one, by the engine's names."""
        found = set()
        for hierarchy in self._hierarchies():
            folder = hierarchy / self._path(name)
            entries = [each.name for each in folder.iterdir() if each.is_dir()] if folder.is_dir() else []
            found |= {each if self.systemd else f"{name}/{each}" for each in entries}
        return sorted(each for each in found if not self.systemd or each.endswith(".slice"))

    def remove_node(self) -> None:
        self._remove_below(self._name(self._cluster, self._node))

    def remove_cluster(self) -> None:
        """All of the cluster's, and the parent of all clusters when this was the last."""
        self._remove_below(self._name(self._cluster))
        if not self._children(self._name()):
            self._remove(self._name())

    def _remove_below(self, name: str) -> None:
        for child in self._children(name):
            self._remove_below(child)
        self._remove(name)


def of_engine(info: Mapping[str, Any], cluster: str, node: str, root: Path = ROOT) -> Cgroups | None:
    """From what the engine tells of itself; None where its cgroups are not ours: without root, or elsewhere."""
    rootless = "name=rootless" in (info.get("SecurityOptions") or ())
    if rootless or info.get("CgroupDriver") not in ("cgroupfs", "systemd"):
        return None
    v2 = str(info.get("CgroupVersion", "1")) == "2"
    if v2 != (root / "cgroup.controllers").exists():
        return None  # the engine is on another machine
    if os.geteuid() != 0 or not os.access(root if v2 else root / "memory", os.W_OK):
        return None
    return Cgroups(cluster, node, v2=v2, systemd=info["CgroupDriver"] == "systemd", root=root)


def _files(limits: PodLimits, v2: bool, *, systemd: bool) -> Iterator[tuple[str, str, str]]:
    """(controller, file, value). What systemd knows it writes itself."""
    if not systemd:
        yield from _cpu_and_memory(limits, v2)
    for size, most in limits.huge:
        yield "hugetlb", f"hugetlb.{page_size_name(size)}.{'max' if v2 else 'limit_in_bytes'}", str(most)


def _cpu_and_memory(limits: PodLimits, v2: bool) -> Iterator[tuple[str, str, str]]:
    quota, memory = _quota(limits.cpu_quota_milli), limits.memory_bytes
    if v2:
        if limits.cpu_shares:
            yield "cpu", "cpu.weight", str(weight(limits.cpu_shares))
        yield "cpu", "cpu.max", f"{quota or 'max'} {PERIOD_MICROSECONDS}"
        yield "memory", "memory.max", str(memory or "max")
        yield "memory", "memory.swap.max", "0"  # pods do not swap
        return
    if limits.cpu_shares:
        yield "cpu", "cpu.shares", str(limits.cpu_shares)
    yield "cpu", "cpu.cfs_quota_us", str(quota or -1)
    yield "memory", "memory.limit_in_bytes", str(memory or -1)


def _properties(limits: PodLimits, v2: bool) -> list[str]:
    memory = "MemoryMax" if v2 else "MemoryLimit"
    return [
        *(_weight(limits.cpu_shares, v2) if limits.cpu_shares else []),
        f"CPUQuota={f'{limits.cpu_quota_milli / 10:g}%' if limits.cpu_quota_milli else ''}",
        f"{memory}={limits.memory_bytes or 'infinity'}",
        *(["MemorySwapMax=0"] if v2 else []),
    ]


def _weight(shares: int, v2: bool) -> list[str]:
    return [f"CPUWeight={weight(shares)}" if v2 else f"CPUShares={shares}"]


def _quota(milli: int) -> int:
    return milli * PERIOD_MICROSECONDS // 1000


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _write(file: Path, value: str) -> None:
    with open(file, "w", encoding="ascii") as handle:
        handle.write(value)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except OSError:
        return []


def _number(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
