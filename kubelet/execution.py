"""Commands in containers, run to their end: what exec probes and hooks need of the streams."""

from kubelet.probes.handlers import ExecError
from kubelet.runtime import PodRef
from kubelet.streams import NoSuchContainer, NotRunning, StreamFailed, Streams, Target, Wants

MOST_OUTPUT_BYTES = 10 << 10


class StreamExecutor:
    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def execute(self, ref: PodRef, container: str, command: list[str]) -> tuple[int, str]:
        try:
            target = Target(ref.namespace, ref.name, ref.uid, container)
            session = await self._streams.exec(target, command, Wants())
            output = b""
            try:
                async for piece in session.output():
                    output += piece.data[: max(0, MOST_OUTPUT_BYTES - len(output))]
                return await session.exit_code(), output.decode("utf-8", "replace")
            finally:
                session.close()
        except (NoSuchContainer, NotRunning, StreamFailed) as error:
            raise ExecError(str(error)) from error
