"""The node's gRPC service over real containers: logs, exec, attach, port-forward, and who may ask."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest

from kubelet import server
from kubelet.docker.cleanup import remove_cluster
from kubelet.docker.streams import DockerStreams
from kubelet.fake import Program
from kubelet.runtime import PodRef, SandboxSeen, State
from kubelet.streams import Target
from podling.pb.node import node_pb2 as pb
from podling.pb.node import node_pb2_grpc
from tests.contracts.runtimes import (
    FOREVER,
    DockerBench,
    import_busybox,
    new_cluster,
    new_pod,
    sandbox,
    until,
    why_no_ptp,
)

if reason := why_no_ptp():
    pytest.skip(reason, allow_module_level=True)


class Node(NamedTuple):
    """A pod with a sandbox, and the service that serves it; `engine` is one that reads no files for itself."""

    bench: DockerBench
    pod: PodRef
    box: SandboxSeen
    stub: Any
    engine: Any

    async def start(self, name: str, script: str, attempt: int = 0, **wanted: Any) -> str:
        does = (script, Program())
        return await self.bench.runtime.start_container(
            self.box.id, self.bench.member(self.pod, name, does, attempt, **wanted)
        )

    def ref(self, container: str) -> Any:
        return pb.ContainerRef(namespace="default", pod=self.pod.name, uid=self.pod.uid, container=container)

    async def logs(self, container: str, **options: Any) -> bytes:
        """Read from the engine's files; the engine itself says the same."""
        request = pb.LogsRequest(container=self.ref(container), **options)
        read, told = await read_log(self.stub, request), await read_log(self.engine, request)
        assert read == told
        return read

    async def exec(self, container: str, *command: str, stdin: bytes | None = None, tty: bool = False) -> "Ended":
        start = pb.StreamStart(
            container=self.ref(container), command=command, stdin=stdin is not None, stdout=True, stderr=True, tty=tty
        )
        inputs = [pb.StreamInput(start=start)]
        if stdin is not None:
            pieces = [stdin[at : at + 30000] for at in range(0, len(stdin), 30000)]
            inputs += [pb.StreamInput(stdin=piece) for piece in pieces] + [pb.StreamInput(stdin_closed=True)]
        return await ended(self.stub.Exec(iter(inputs), timeout=60))


async def read_log(stub: Any, request: Any) -> bytes:
    return b"".join([chunk.data async for chunk in stub.Logs(request, timeout=60)])


class Ended(NamedTuple):
    stdout: bytes
    stderr: bytes
    code: int
    error: str = ""


async def ended(call: Any) -> Ended:
    """By `read`, so that a caller may have read some before."""
    outputs = []
    while not (last := await call.read()).HasField("exit"):
        outputs.append(last)
    call.cancel()
    stdout, stderr = (b"".join(getattr(o, name) for o in outputs) for name in ("stdout", "stderr"))
    return Ended(stdout, stderr, last.exit.code, last.exit.error)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    import_busybox()
    name = new_cluster("ptp")
    yield name
    remove_cluster(name)


@pytest.fixture
async def node(cluster: str, tmp_path: Path) -> AsyncIterator[Node]:
    bench, pod = DockerBench(tmp_path, "ptp", cluster), new_pod()
    box = await bench.runtime.start_sandbox(sandbox(pod))
    async with AsyncExitStack() as stack:
        stubs = []
        for log_files in (True, False):
            streams = DockerStreams(bench.runtime, partial(status, bench, pod), log_files)
            running, port = await server.serve(streams, "127.0.0.1", 0, None)
            stack.push_async_callback(running.stop, 0)
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
            stubs.append(node_pb2_grpc.NodeStub(channel))
        yield Node(bench, pod, box, *stubs)
    await bench.close()


async def status(bench: DockerBench, pod: PodRef, target: Target) -> dict[str, Any]:
    """Of the target's newest two instances, as the kubelet would tell it."""
    seen = await bench.runtime.pod(pod.uid)
    found: list[dict[str, Any]] = []
    for each in [each for each in (seen.containers if seen else ()) if each.name == target.container][:2]:
        id = f"docker://{each.id}"
        state = {"running": {}} if each.state is State.RUNNING else {"terminated": {"containerID": id}}
        found.append({"name": each.name, "containerID": id, "state": state})
    if not found:
        waiting = {"name": target.container, "state": {"waiting": {"reason": "ContainerCreating"}}, "lastState": {}}
        return {"containerStatuses": [waiting]}
    return {"containerStatuses": [found[0] | {"lastState": found[1]["state"] if found[1:] else {}}]}


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    return caught.value.code(), str(caught.value.details())


async def test_logs_have_both_streams_and_each_alone(node: Node) -> None:
    await node.start("app", "echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three")
    await node.bench.ended(node.pod, "app")
    assert await node.logs("app") == b"one\ntwo\nthree\n"
    assert await node.logs("app", stream="Stdout") == b"one\nthree\n"
    assert await node.logs("app", stream="Stderr") == b"two\n"
    assert await node.logs("app", tail_lines=1) == b"three\n"
    assert await node.logs("app", tail_lines=0) == b""
    assert await node.logs("app", limit_bytes=6) == b"one\ntw"


async def test_logs_since_a_moment_with_time_stamps(node: Node) -> None:
    await node.start("app", "echo one; sleep 1.2; echo two")
    await node.bench.ended(node.pod, "app")
    stamped = (await node.logs("app", timestamps=True)).decode().splitlines()
    times = [line.split()[0] for line in stamped]
    assert [line.split()[1] for line in stamped] == ["one", "two"]
    assert all(len(time) == len("2026-11-22T11:00:00.000000000Z") and time.endswith("Z") for time in times)
    assert await node.logs("app", since_time=times[1]) == b"two\n"
    assert await node.logs("app", since_time=times[0]) == b"one\ntwo\n"
    assert await node.logs("app", since_seconds=3600) == b"one\ntwo\n"
    now = datetime.now(UTC)
    assert await node.logs("app", since_time=(now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")) == b""
    assert (await refusal(node.stub.Logs(pb.LogsRequest(container=node.ref("app"), since_time="yesterday"))))[0] == (
        grpc.StatusCode.INVALID_ARGUMENT
    )


async def test_a_long_line_has_one_time_stamp(node: Node) -> None:
    await node.start("app", "head -c 40000 /dev/zero | busybox tr '\\0' x; echo; echo end")
    await node.bench.ended(node.pod, "app")
    long, end = (await node.logs("app", timestamps=True)).decode().splitlines()
    assert long.split()[1:] == ["x" * 40000] and end.split()[1] == "end"


async def test_followed_logs_come_as_they_are_written_and_end_with_the_container(node: Node) -> None:
    await node.start("app", "echo one; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo two")
    request = pb.LogsRequest(container=node.ref("app"), follow=True)
    calls = [stub.Logs(request, timeout=60) for stub in (node.stub, node.engine)]
    assert [(await call.read()).data for call in calls] == [b"one\n", b"one\n"]
    assert (await node.exec("app", "touch", "/tmp/go")).code == 0
    assert [(await call.read()).data for call in calls] == [b"two\n", b"two\n"]
    assert [await call.read() for call in calls] == [grpc.aio.EOF, grpc.aio.EOF]


async def test_the_previous_instance_has_its_own_logs(node: Node) -> None:
    await node.start("app", "echo first; exit 1")
    await node.bench.ended(node.pod, "app")
    await node.start("app", "echo second; exec sleep 1000", attempt=1)
    assert await node.logs("app", previous=True) == b"first\n"

    async def second() -> bool:
        return await read_log(node.stub, pb.LogsRequest(container=node.ref("app"))) == b"second\n"

    await until(second)


async def test_logs_of_what_has_not_started_are_refused_in_kubectls_words(node: Node) -> None:
    code, words = await refusal(node.stub.Logs(pb.LogsRequest(container=node.ref("app"))))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert words == 'container "app" in pod "web" is waiting to start: ContainerCreating'
    code, words = await refusal(node.stub.Logs(pb.LogsRequest(container=node.ref("app"), previous=True)))
    assert words == 'previous terminated container "app" in pod "web" not found'


async def test_exec_has_separate_streams_and_an_exit_code(node: Node) -> None:
    await node.start("app", FOREVER[0])
    assert await node.exec("app", "sh", "-c", "echo out; echo err >&2; exit 5") == Ended(b"out\n", b"err\n", 5)
    assert await node.exec("app", "true") == Ended(b"", b"", 0)


async def test_exec_reads_standard_input_to_its_end(node: Node) -> None:
    await node.start("app", FOREVER[0])
    assert await node.exec("app", "cat", stdin=b"hello") == Ended(b"hello", b"", 0)
    big = bytes(range(256)) * 8000
    assert (await node.exec("app", "cat", stdin=big)).stdout == big


async def test_exec_of_a_command_that_is_not_there_is_an_error_and_no_output(node: Node) -> None:
    await node.start("app", FOREVER[0])
    for tty in (False, True):
        done = await node.exec("app", "nope", tty=tty)
        assert (done.stdout, done.stderr) == (b"", b"")
        assert done.error.startswith("failed to exec in container: failed to start exec") and '"nope"' in done.error
    for words, code in (("echo nope", 126), ("printf 'nope\r\n'", 127)):  # what a command says of its own
        done = await node.exec("app", "sh", "-c", f"{words}; exit {code}")
        assert (done.stdout.strip(), done.code, done.error) == (b"nope", code, "")


async def test_exec_in_a_container_that_is_killed_and_removed_ends_with_137(node: Node) -> None:
    id = await node.start("app", FOREVER[0])
    start = pb.StreamStart(container=node.ref("app"), command=["sh", "-c", "echo in; exec sleep 1000"], stdout=True)
    call = node.stub.Exec(iter([pb.StreamInput(start=start)]), timeout=60)
    assert (await call.read()).stdout == b"in\n"
    await node.bench.runtime.remove_container(id)
    assert (await ended(call)).code == 137


async def test_exec_with_a_terminal_has_its_size(node: Node) -> None:
    await node.start("app", FOREVER[0])
    start = pb.StreamStart(
        container=node.ref("app"), command=["sh", "-c", "read x; stty size"], stdin=True, stdout=True, tty=True
    )
    call = node.stub.Exec(timeout=60)
    await call.write(pb.StreamInput(start=start))

    async def sized() -> bool:
        await call.write(pb.StreamInput(resize=pb.TerminalSize(width=101, height=33)))
        shown = await node.exec("app", "sh", "-c", "for t in /dev/pts/[0-9]*; do stty size < $t; done")
        return b"33 101" in shown.stdout

    await until(sized)
    await call.write(pb.StreamInput(stdin=b"go\n"))
    done = await ended(call)
    assert b"33 101" in done.stdout and done.code == 0


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def test_a_command_whose_output_nobody_reads_waits(node: Node) -> None:
    await node.start("app", FOREVER[0])
    start = pb.StreamStart(container=node.ref("app"), command=["cat", "/dev/zero"], stdout=True)
    call = node.stub.Exec(iter([pb.StreamInput(start=start)]), timeout=60)
    await call.read()
    await asyncio.sleep(1)
    before = resident_bytes()
    await asyncio.sleep(1)
    assert resident_bytes() - before < 64 << 20
    call.cancel()


async def test_exec_where_nothing_runs_is_not_found(node: Node) -> None:
    start = pb.StreamInput(start=pb.StreamStart(container=node.ref("app"), command=["true"], stdout=True))
    assert await refusal(node.stub.Exec(iter([start]))) == (
        grpc.StatusCode.NOT_FOUND,
        'container not found ("app")',
    )
    assert (await refusal(node.stub.Exec(iter([pb.StreamInput(stdin=b"x")]))))[0] is grpc.StatusCode.INVALID_ARGUMENT


async def test_attach_talks_to_the_container_itself(node: Node) -> None:
    await node.start("app", "while read line; do echo got $line; done; echo end", stdin=True, stdin_once=True)
    start = pb.StreamStart(container=node.ref("app"), stdin=True, stdout=True, stderr=True)
    call = node.stub.Attach(timeout=60)
    await call.write(pb.StreamInput(start=start))
    await call.write(pb.StreamInput(stdin=b"one\n"))
    assert (await call.read()).stdout == b"got one\n"
    await call.write(pb.StreamInput(stdin_closed=True))
    assert (await ended(call)).stdout == b"end\n"
    await node.bench.ended(node.pod, "app")


async def test_port_forward_reaches_the_pods_own_localhost(node: Node) -> None:
    await node.start("app", "echo hi > /tmp/index.html; exec httpd -f -p 127.0.0.1:8080 -h /tmp")
    where = pb.PortForwardStart(namespace="default", pod="web", uid=node.pod.uid, port=8080)

    async def fetch() -> bytes:
        call = node.stub.PortForward(timeout=60)
        await call.write(pb.PortForwardInput(start=where))
        await call.write(pb.PortForwardInput(data=b"GET / HTTP/1.0\r\n\r\n"))
        await call.write(pb.PortForwardInput(closed=True))
        try:
            answer = b""
            while not (output := await call.read()).closed:
                answer += output.data
            call.cancel()
            return answer
        except grpc.aio.AioRpcError as error:
            assert "connection refused" in str(error.details()).lower()
            return b""

    answer = await until(fetch)
    assert answer.startswith(b"HTTP/1.") and answer.endswith(b"hi\n")


async def test_port_forward_where_nobody_listens_is_refused(node: Node) -> None:
    start = pb.PortForwardStart(namespace="default", pod="web", port=81)
    code, words = await refusal(node.stub.PortForward(iter([pb.PortForwardInput(start=start)])))
    assert code is grpc.StatusCode.INTERNAL and "failed to connect to localhost:81" in words
    gone = pb.PortForwardStart(namespace="default", pod="other", port=81)
    assert (await refusal(node.stub.PortForward(iter([pb.PortForwardInput(start=gone)]))))[0] is (
        grpc.StatusCode.NOT_FOUND
    )


async def test_an_engine_that_is_away_is_unavailable(node: Node) -> None:
    await node.start("app", FOREVER[0])
    connection = node.bench.runtime.connection
    address = replace(await connection.address(), path="/nowhere/docker.sock")

    async def nowhere() -> Any:
        return address

    connection.address = nowhere  # type: ignore[method-assign]
    start = pb.StreamInput(start=pb.StreamStart(container=node.ref("app"), stdout=True))
    code, _ = await refusal(node.stub.Attach(iter([start])))
    assert code is grpc.StatusCode.UNAVAILABLE
