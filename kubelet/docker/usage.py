"""What our running containers use now: read from their cgroups, or told by the engine where those are elsewhere."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from docker.errors import APIError

from kubelet.cgroups import usage
from kubelet.cgroups.usage import Folders, Usage
from kubelet.docker import spec
from kubelet.docker.engine import DockerEngine, absent_is_none
from kubelet.docker.seen import labels_of, ref_of, timestamp
from kubelet.runtime import PodRef


class Reading(NamedTuple):
    """Of one container."""

    ref: PodRef
    name: str
    started_at: datetime | None
    usage: Usage


class _Known(NamedTuple):
    ref: PodRef
    name: str
    started_at: datetime | None
    folders: Folders | None  # None: the engine is asked


class Usages:
    """Remembers where each container's cgroup is, as long as it runs: one call to the engine a reading of all.
    Blocks."""

    def __init__(self, connection: DockerEngine, owner: Mapping[str, str]) -> None:
        self._connection, self._owner = connection, owner
        self._known: dict[str, _Known] = {}

    def read(self) -> Mapping[str, Reading]:
        """By container id; the pause containers are left out."""
        listed = self._connection.client().containers(filters=spec.label_filter(self._owner))
        running = [each["Id"] for each in listed if each["Labels"].get(spec.CONTAINER_NAME) != spec.PAUSE]
        self._known = {id: found for id in running if (found := self._known.get(id) or self._find(id))}
        readings = ((id, known, self._usage(id, known)) for id, known in self._known.items())
        return {id: Reading(known.ref, known.name, known.started_at, used) for id, known, used in readings if used}

    def _find(self, id: str) -> _Known | None:
        inspected: dict[str, Any] | None = absent_is_none(self._connection.client().inspect_container, id)
        if not inspected or not inspected["State"]["Running"]:
            return None
        labels, state = labels_of(inspected), inspected["State"]
        folders = usage.folders_of(state["Pid"], id)
        return _Known(ref_of(labels), labels[spec.CONTAINER_NAME], timestamp(state["StartedAt"]), folders)

    def _usage(self, id: str, known: _Known) -> Usage | None:
        if known.folders:
            return usage.read(known.folders)
        try:
            return usage.of_engine(self._connection.client().stats(id, stream=False, one_shot=True))
        except APIError:
            return None  # it has ended meanwhile
