"""The streams end to end: real kubectl, both versions and both protocols, against a node that runs commands here."""

import asyncio
import hashlib
import os
import pty
import signal
from collections.abc import Callable
from typing import Any

import pytest


async def test_exec_runs_a_command_and_tells_its_output_apart(world: Any, kubectl: Any) -> None:
    code, out, err = await world.kubectl(kubectl, "exec", "p", "--", "sh", "-c", "echo out; echo err >&2")
    assert (code, out, err) == (0, b"out\n", b"err\n")


async def test_exec_passes_the_exit_code_on(world: Any, kubectl: Any) -> None:
    code, _, err = await world.kubectl(kubectl, "exec", "p", "--", "sh", "-c", "exit 42")
    assert (code, err) == (42, b"command terminated with exit code 42\n")


async def test_exec_ends_when_standard_input_ends(world: Any, kubectl: Any) -> None:
    code, out, err = await world.kubectl(kubectl, "exec", "-i", "p", "--", "cat", stdin=b"hi\n")
    assert (code, out) == (0, b"hi\n"), err


async def test_exec_carries_ten_megabytes_both_ways_unchanged(world: Any, kubectl: Any) -> None:
    data = os.urandom(10 * 1024 * 1024)
    code, out, err = await world.kubectl(kubectl, "exec", "-i", "p", "--", "cat", stdin=data)
    assert (code, err) == (0, b"")
    assert hashlib.sha256(out).digest() == hashlib.sha256(data).digest()


async def test_exec_of_a_command_that_is_not_there_says_so(world: Any, kubectl: Any) -> None:
    code, _, err = await world.kubectl(kubectl, "exec", "p", "--", "no-such-command")
    assert code == 1
    assert b"Internal error occurred: error executing command in container:" in err
    assert b"No such file or directory: 'no-such-command'" in err


async def test_exec_without_reading_its_input_ends_with_the_command(world: Any, kubectl: Any) -> None:
    code, out, err = await world.kubectl(kubectl, "exec", "-i", "p", "--", "echo", "done", stdin=b"x" * 1_000_000)
    assert (code, out) == (0, b"done\n"), err


async def test_exec_on_a_terminal_gets_the_size_and_its_changes(world: Any, kubectl: Any) -> None:
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    _resize(master, 30, 100)
    sized = "until stty size | grep -q '^[1-9]'; do sleep 0.01; done; stty size"
    changed = "until stty size | grep -q '^40 120'; do sleep 0.01; done; stty size"
    script = f"{sized}; {changed}; read line; echo got $line"
    process = await world.open(kubectl, "exec", "-it", "p", "--", "sh", "-c", script, stdin=slave, stdout=slave)
    os.close(slave)
    seen = await _until(master, b"30 100")
    _resize(master, 40, 120)
    # A terminal of one's own sends no SIGWINCH here, and kubectl may not listen yet when it has told the first size.
    seen += await _until(master, b"40 120", lambda: os.kill(process.pid, signal.SIGWINCH))
    os.write(master, b"word\r")
    seen += await _until(master, b"got word")
    async with asyncio.timeout(60):
        assert await process.wait() == 0
    os.close(master)


def _resize(terminal: int, rows: int, columns: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


async def _until(terminal: int, text: bytes, again: Callable[[], None] = lambda: None) -> bytes:
    """What the terminal shows until the text is there; `again` is done each time that it is not."""
    seen = b""
    async with asyncio.timeout(60):
        while text not in seen:
            try:
                seen += os.read(terminal, 4096)
            except BlockingIOError:
                again()
                await asyncio.sleep(0.05)
    return seen


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ("nope", "container nope is not valid for pod p"),
        ("other", 'error: unable to upgrade connection: container not found ("other")'),
    ],
)
async def test_exec_in_the_wrong_container_is_refused_before_it_begins(
    world: Any, kubectl: Any, container: str, words: str
) -> None:
    world.pod["spec"]["containers"] += [{"name": "other"}, {"name": "waiting"}]
    code, _, err = await world.kubectl(kubectl, "exec", "p", "-c", container, "--", "true")
    assert code == 1
    assert words in err.decode()


async def test_a_kubelet_that_is_away_is_named_and_found_again(world: Any, kubectl: Any) -> None:
    port, world.kubelet_port = world.kubelet_port, 1
    code, _, err = await world.kubectl(kubectl, "exec", "p", "--", "true")
    assert code == 1
    assert b"error dialing backend: dial tcp 127.0.0.1:1: connect: connection refused" in err
    world.kubelet_port = port
    assert (await world.kubectl(kubectl, "exec", "p", "--", "true"))[0] == 0


async def test_attach_joins_standard_input_and_output(world: Any, kubectl: Any) -> None:
    world.pod["spec"]["containers"][0]["stdin"] = True
    code, out, _ = await world.kubectl(kubectl, "attach", "-i", "-q", "p", stdin=b"hello\n")
    assert (code, out) == (0, b"hello\n")


async def test_a_client_that_goes_away_ends_the_command(world: Any, kubectl: Any) -> None:
    process = await world.open(kubectl, "exec", "-i", "p", "--", "sh", "-c", "echo $$; exec sleep 60")
    pid = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    async with asyncio.timeout(60):
        while _runs(pid):  # noqa: ASYNC110 nobody tells when a process of somebody else's ends
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


async def test_port_forward_carries_many_connections_and_half_closes(world: Any, kubectl: Any) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read()
        writer.write(data[::-1])
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    inside = server.sockets[0].getsockname()[1]
    process = await world.open(kubectl, "port-forward", "p", f":{inside}")
    line = (await process.stdout.readline()).decode()
    outside = int(line.split("127.0.0.1:")[1].split(" ")[0])

    async def ask(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", outside)
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer

    sent = [os.urandom(size) for size in (0, 1, 100_000, 3_000_000)] + [os.urandom(1000) for _ in range(10)]
    async with asyncio.timeout(60):
        assert await asyncio.gather(*map(ask, sent)) == [data[::-1] for data in sent]
    process.terminate()
    await process.wait()
    server.close()
    await server.wait_closed()


async def test_port_forward_to_a_port_where_nobody_listens_says_so_and_goes_on(world: Any, kubectl: Any) -> None:
    process = await world.open(kubectl, "port-forward", "p", ":1")
    line = (await process.stdout.readline()).decode()
    outside = int(line.split("127.0.0.1:")[1].split(" ")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", outside)
    async with asyncio.timeout(60):
        assert await reader.read() == b""
        seen = b""
        while b"error forwarding port 1 to pod" not in seen:
            seen = await process.stderr.readline()
    assert b"connection refused" in seen
    writer.close()
    process.kill()
    await process.wait()


async def test_logs_are_shown_and_followed(world: Any, kubectl: Any) -> None:
    code, out, _ = await world.kubectl(kubectl, "logs", "p", "--tail=2", "--timestamps", "--since=10s", "--previous")
    assert (code, out) == (0, b"line 4\nline 5\n")
    asked = world.node.requests[-1]
    assert (asked.tail_lines, asked.timestamps, asked.since_seconds, asked.previous) == (2, True, 10, True)
    assert (asked.container.pod, asked.container.uid, asked.container.container) == ("p", "u", "app")
    process = await world.open(kubectl, "logs", "-f", "p")
    for number in range(1, 6):
        assert await process.stdout.readline() == f"line {number}\n".encode()
    world.node.released.set()
    assert await process.stdout.readline() == b"later\n"
    assert await process.wait() == 0


async def test_logs_of_a_container_that_has_not_started_tell_why(world: Any, kubectl: Any) -> None:
    world.pod["spec"]["containers"] += [{"name": "waiting"}]
    code, _, err = await world.kubectl(kubectl, "logs", "p", "-c", "waiting")
    words = 'Error from server (BadRequest): container "waiting" in pod "p" is waiting to start: ContainerCreating\n'
    assert (code, err.decode()) == (1, words)
