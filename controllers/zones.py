"""How much of the cluster is ill decides whether its nodes are emptied: it may be us who are cut off. Pure.

    a zone              no node ready   more than 2 and 55 % not ready   else
    its state           FULL            PARTIAL                          NORMAL
    a node is emptied   each 10 s       each 100 s, never in a zone      each 10 s
                                        of at most 50 nodes
When no node at all is ready nobody is emptied, and who is being emptied no longer is: the one node of a cluster never.
Source: k8s.io/kubernetes/pkg/controller/nodelifecycle: ComputeZoneState, handleDisruption.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

FULL, PARTIAL, NORMAL = "FullDisruption", "PartialDisruption", "Normal"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
ILL_SHARE = 0.55
LARGE_ZONE = 50
SECONDS, SLOW_SECONDS = 10.0, 100.0
NEVER = float("inf")


def zone_of(node: Any) -> str:
    labels = node.metadata.labels or {}
    return f"{labels.get(REGION, '')}/{labels.get(ZONE, '')}"


def state(ready: Iterable[bool]) -> str:
    """Of a zone, by its nodes."""
    found = list(ready)
    ill = found.count(False)
    if ill and ill == len(found):
        return FULL
    return PARTIAL if ill > 2 and ill / len(found) >= ILL_SHARE else NORMAL


def every(nodes: Iterable[tuple[Any, bool]]) -> Mapping[str, float]:
    """Of nodes and whether they are ready: by zone, how many seconds lie between two nodes that are emptied."""
    zones: dict[str, list[bool]] = defaultdict(list)
    for node, ready in nodes:
        zones[zone_of(node)].append(ready)
    slow = {zone: SLOW_SECONDS if len(ready) > LARGE_ZONE else NEVER for zone, ready in zones.items()}
    return {zone: slow[zone] if state(ready) == PARTIAL else SECONDS for zone, ready in zones.items()}


def is_cut_off(nodes: Iterable[tuple[Any, bool]]) -> bool:
    """Not one node is ready."""
    return not any(ready for _, ready in nodes)


class Pace:
    """Whose turn it is: at most one node a zone in the seconds given. `now` in seconds that only grow."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def wait(self, zone: str, seconds: float, now: float) -> float:
        """0: now, and the next one later. Else how long to wait before asking again; NEVER until nodes change."""
        if seconds == NEVER:
            return NEVER
        due = self._next.get(zone, now)
        if due > now:
            return due - now
        self._next[zone] = now + seconds
        return 0.0
