"""Work inside another network namespace, by a thread that enters it and ends.

A socket keeps the namespace that it was born in, so what the thread opens there may be used from any thread later.
Python 3.11 has no os.setns; the C library's is called directly.
"""

import ctypes
import os
import socket
import threading
from collections.abc import Callable
from typing import TypeVar

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

R = TypeVar("R")


class NamespaceGone(Exception):
    """The process that held the namespace has ended."""


def inside(descriptor: int, work: Callable[[], R]) -> R:
    """`work` done by a thread in the namespace of the open /proc/…/ns/net; its result, or its exception raised here."""
    results: list[R] = []
    errors: list[BaseException] = []

    def enter() -> None:
        try:
            if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
                code = ctypes.get_errno()
                raise OSError(code, f"setns: {os.strerror(code)}")
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=enter, name="netns", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def open_namespace(pid: int) -> int:
    """A descriptor of the process' network namespace; the caller closes it."""
    try:
        return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise NamespaceGone(f"process {pid} has ended") from error


def identity(descriptor: int) -> int:
    """The namespace's inode, which tells it from every other that is alive."""
    return os.fstat(descriptor).st_ino


def own_identity() -> int:
    return os.stat("/proc/thread-self/ns/net").st_ino


def dial(pid: int, port: int, timeout_seconds: float) -> socket.socket:
    """A connection to localhost:port as the pod sees it: 127.0.0.1, then ::1. OSError says why not."""
    namespace = open_namespace(pid)
    try:
        return inside(namespace, lambda: _connect(port, timeout_seconds))
    finally:
        os.close(namespace)


def _connect(port: int, timeout_seconds: float) -> socket.socket:
    try:
        return socket.create_connection(("127.0.0.1", port), timeout_seconds)
    except OSError as refused:
        try:
            return socket.create_connection(("::1", port), timeout_seconds)
        except OSError:
            raise refused from None
