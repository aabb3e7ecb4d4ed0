"""A service as a process: how it is started, how it ends.

Two ways to start one: `fork` from the supervisor, which has loaded what takes long (the default), or `spawn`
a new interpreter (PODLING_START=spawn; to compare). In both the service gets SIGTERM when its supervisor dies, however
that dies.
"""

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from podling.cli import logs
from podling.cli.refusal import Refusal
from podling.cli.services import API_SERVER, ITS_CLIENTS, Service, load
from podling.state import Cluster, State

PR_SET_PDEATHSIG = 1
YOUNG_OBJECTS = 5_000  # made between two rounds of the collector: one request makes as many that hold no cycle
MOST_DESCRIPTORS = 1024  # that the supervisor has ever open

log = logging.getLogger(__name__)


def fork(service: Service, state: State, cluster: Cluster) -> int:
    """The child's pid. Only from a process with one thread, which has opened no gRPC channel and no event loop.

    What is loaded moves out of the collector's sight first, so that its pages stay shared.
    """
    load(API_SERVER if service.stage == 1 else ITS_CLIENTS)
    gc.freeze()
    gc.enable()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.closerange(3, MOST_DESCRIPTORS)  # the supervisor's lock above all: it must end with the supervisor
        end_with(parent)
        os.setpgid(0, 0)
        redirect(state.log(service.name))
        name_process(f"podling-{service.name}")
        code = serve(lambda: service.serve(state, cluster))
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def spawn(service: Service, state: State, cluster: Cluster) -> int:
    """The same in a new interpreter, which reads the cluster from its state directory again."""
    path = state.log(service.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    file_actions = [
        (os.POSIX_SPAWN_OPEN, 1, str(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    arguments = [
        sys.executable,
        "-m",
        "podling.cli.process",
        str(os.getpid()),
        str(state.root),
        state.name,
        service.name,
    ]
    return os.posix_spawn(
        sys.executable, arguments, dict(os.environ), file_actions=file_actions, setpgroup=0, setsigmask=[]
    )


def end_with(parent: int) -> None:
    """Be sent SIGTERM when the parent dies; at once if it has died already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def name_process(name: str) -> None:
    """What `ps -o comm` and `top` show; 15 characters at most."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name[:15])


def redirect(path: Path) -> None:
    """Standard output and error go to the log, standard input is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    logs.rotate(path)
    for descriptor, target, flags in (
        (0, "/dev/null", os.O_RDONLY),
        (1, str(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        opened = os.open(target, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.dup2(1, 2)


def serve(run: Callable[[], Awaitable[None]]) -> int:
    """Run a service until SIGTERM or SIGINT cancels it; the exit code: 0 when it ended as asked, 1 when it failed."""
    from podling.loop.service import configure_logging

    configure_logging(os.environ.get("PODLING_LOG", "INFO").upper())
    gc.set_threshold(YOUNG_OBJECTS)
    try:
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_until_signalled(run))


async def _until_signalled(run: Callable[[], Awaitable[None]]) -> int:
    task = asyncio.ensure_future(run())
    loop = asyncio.get_running_loop()
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        pass
    except Refusal as refusal:
        log.error("service cannot run: %s", refusal)
        return 1
    except Exception:
        log.exception("service failed")
        return 1
    return 0 if asked else 1


def main() -> None:
    """The spawned interpreter: parent pid, state root, cluster, service."""
    from podling.cli.services import services

    parent, root, cluster_name, service_name = sys.argv[1:]
    end_with(int(parent))
    name_process(f"podling-{service_name}")
    state = State(cluster_name, Path(root))
    cluster = state.load()
    service = next(one for one in services(cluster) if one.name == service_name)
    sys.exit(serve(lambda: service.serve(state, cluster)))


if __name__ == "__main__":
    main()
