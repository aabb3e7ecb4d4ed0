"""Everything that a container's spec refers to, looked up: its environment, command and mounts.

What cannot be had raises `ConfigError` or `MountError`, which kubectl shows as CreateContainerConfigError.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from kubelet import service_variables
from kubelet.downward import PodFacts
from kubelet.environment import (
    ConfigError,
    File,
    Given,
    Source,
    Sources,
    command,
    environment,
    needs,
    needs_files,
    text_of,
)
from kubelet.runtime import ImageSeen
from kubelet.volumes.objects import Objects
from kubelet.volumes.volumes import Volumes
from kubelet.wanted import NodeFacts, Resolved
from podling.api.errors import ApiError


class Resolver:
    """`services` tells those of the whole cluster, as `kubelet.service_variables` takes them."""

    def __init__(
        self,
        objects: Objects,
        volumes: Volumes,
        node: Callable[[], NodeFacts],
        services: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        self._objects, self._volumes, self._node, self._services = objects, volumes, node, services

    def facts(self, pod: Any, ip: str) -> PodFacts:
        node = self._node()
        ips = node.host_ips if pod.spec.hostNetwork else [ip] if ip else []
        return PodFacts(node.node_name, node.host_ips, ips, node.allocatable)

    async def resolve(
        self, pod: Any, container: Any, ip: str, image: ImageSeen, images: Mapping[str, str] = MappingProxyType({})
    ) -> Resolved:
        """`images` are the ids of those that the container mounts, by volume."""
        try:
            sources = await self._sources(pod, container)
        except ApiError as error:
            raise ConfigError(error.message) from error
        files = await asyncio.to_thread(self._files, pod, container)
        links = pod.spec.enableServiceLinks is not False
        services = service_variables.variables(self._services(), pod.metadata.namespace, links=links)
        values = environment(Given(pod, self.facts(pod, ip), sources, files, services), container)
        words, arguments = command(container, values)
        engine = self._node().engine
        can = engine is not None and engine.recursive_read_only
        roots = await self._volumes.prepare_images(pod, images)
        mounts = await asyncio.to_thread(self._volumes.mounts, pod, container, values, can, roots)
        return Resolved(words, arguments, values, mounts, image)

    async def _sources(self, pod: Any, container: Any) -> Sources:
        found: dict[Source, Mapping[str, str] | None] = {}
        for source in needs(container):
            item = await self._objects.of_pod(source, pod)
            found[source] = None if item is None else text_of(item)
        return found

    def _files(self, pod: Any, container: Any) -> Mapping[File, str | None]:
        return {file: self._volumes.text(pod, file.volume, file.path) for file in needs_files(container)}
