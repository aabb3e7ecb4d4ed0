"""Logs, exec, attach and port-forward of static pods: the API has them by their mirrors' uids, the engine by theirs."""

import socket
from collections.abc import AsyncIterator, Callable, Sequence

from kubelet.streams import LogOptions, Session, Streams, Target, Wants


class MirroredStreams:
    """`uid(namespace, pod, uid)` is the uid that the pod's containers have."""

    def __init__(self, streams: Streams, uid: Callable[[str, str, str], str]) -> None:
        self._streams, self._uid = streams, uid

    async def logs(self, target: Target, options: LogOptions) -> AsyncIterator[bytes]:
        return await self._streams.logs(self._meant(target), options)

    async def exec(self, target: Target, command: Sequence[str], wants: Wants) -> Session:
        return await self._streams.exec(self._meant(target), command, wants)

    async def attach(self, target: Target, wants: Wants) -> Session:
        return await self._streams.attach(self._meant(target), wants)

    async def dial(self, target: Target, port: int) -> socket.socket:
        return await self._streams.dial(self._meant(target), port)

    def _meant(self, target: Target) -> Target:
        return target._replace(uid=self._uid(target.namespace, target.pod, target.uid))
