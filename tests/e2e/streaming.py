"""kubectl as bytes: a client that speaks one of the two protocols, in one namespace."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from typing import Any

PROTOCOLS = ("websocket", "spdy")
PATIENCE_SECONDS = 60.0


class Client:
    def __init__(self, program: str, environment: dict[str, str], namespace: str, protocol: str) -> None:
        answer = "true" if protocol == "websocket" else "false"
        names = ("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "KUBECTL_PORT_FORWARD_WEBSOCKETS")
        self.environment = {**environment, **dict.fromkeys(names, answer)}
        self._command, self.protocol = [program, "-n", namespace], protocol

    def __call__(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [*self._command, *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done

    @contextlib.contextmanager
    def open(self, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """A command that goes on; killed at the end of the block."""
        pipe = subprocess.PIPE
        options = {"stdin": pipe, "stdout": pipe, "stderr": pipe, **options}
        with subprocess.Popen([*self._command, *arguments], env=self.environment, **options) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextlib.contextmanager
    def forwarding(self, pod: str, *ports: str) -> Iterator[tuple[list[int], subprocess.Popen[bytes]]]:
        """The ports of this machine, in the order asked."""
        with self.open("port-forward", "--address", "127.0.0.1", pod, *ports) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline().decode() for _ in ports]
            assert all("127.0.0.1:" in line for line in lines), (lines, process.stderr and process.stderr.read())
            yield [int(line.split("127.0.0.1:")[1].split(" ")[0]) for line in lines], process


class Terminal:
    """A pseudo terminal with kubectl at its other end."""

    def __init__(self, client: Client, *arguments: str, rows: int = 24, columns: int = 80) -> None:
        self._master, slave = pty.openpty()
        self.resize(rows, columns)
        with contextlib.ExitStack() as stack:
            opened = client.open(*arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
            self.process = stack.enter_context(opened)
            self._stack = stack.pop_all()
        os.close(slave)
        os.set_blocking(self._master, False)
        self.seen = ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        os.close(self._master)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if hasattr(self, "process"):  # which has no terminal of its own that would tell it
            self.process.send_signal(signal.SIGWINCH)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, text: str) -> str:
        """All that was shown up to now, once it has the text; what comes later is looked at from there on."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.seen:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            self._read()
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def _read(self) -> None:
        try:
            self.seen += os.read(self._master, 1 << 16).decode(errors="replace")
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:  # nobody has the other end
            self.process.wait(PATIENCE_SECONDS)
            raise AssertionError(f"kubectl ended with {self.process.returncode}: {self.seen!r}") from None
