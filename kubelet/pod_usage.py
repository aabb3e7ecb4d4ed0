"""What each pod uses of what the node runs short of; asked only under pressure."""

from collections.abc import Awaitable, Callable, Mapping

from kubelet.docker_usage import Reading
from kubelet.eviction import ContainerUsage, PodUsage
from kubelet.runtime import RuntimeUnavailable
from kubelet.usage import Usage


class PodUsages:
    """`look` reads the node and its containers, by their ids."""

    def __init__(self, look: Callable[[], Awaitable[tuple[Usage, Mapping[str, Reading]]]]) -> None:
        self._look = look

    async def read(self) -> Mapping[str, PodUsage]:
        """By uid. Without an engine nothing is known of any."""
        try:
            _, readings = await self._look()
        except RuntimeUnavailable:
            return {}
        found: dict[str, list[ContainerUsage]] = {}
        for reading in readings.values():
            used = ContainerUsage(reading.name, reading.usage.working_set_bytes)
            found.setdefault(reading.ref.uid, []).append(used)
        return {uid: PodUsage(containers) for uid, containers in found.items()}
