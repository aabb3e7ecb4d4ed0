"""`podling down`: nothing of the cluster is left running or on the engine; its objects stay, without --delete."""

import shutil
import time
from typing import TYPE_CHECKING, Annotated

import typer

from podling.cli import power
from podling.cli.options import DEFAULT_NAME, Name
from podling.cli.progress import Progress
from podling.cli.refusal import Refusal

if TYPE_CHECKING:
    from podling.state import State

STOP_SECONDS = 40.0


def down(
    name: Name = DEFAULT_NAME,
    delete: Annotated[bool, typer.Option("--delete", help="Forget the cluster's objects, too.")] = False,
) -> None:
    """Stop a cluster. `podling up` brings it back with its objects and pods, unless --delete was given.

    Pods are killed, unless the cluster's kubelet configuration gives them time (shutdownGracePeriod): then they end in
    order, and are Failed, as after the shutdown of a machine."""
    from podling import kubeconfig
    from podling.state import State, StateError, clusters

    try:
        state = State(name)
        with Progress() as progress, state.locked():
            if not state.folder.exists():
                others = ", ".join(other.name for other in clusters())
                raise Refusal(f"there is no cluster {name}{f'; there are {others}' if others else ''}")
            power.end_pods(state, progress)
            progress.waiting("stopping the services")
            stop(state)
            progress.done("services", "stopped")
            progress.waiting("removing the containers")
            if remove_containers(name):
                progress.done("containers", "removed")
            else:
                progress.say("No Docker engine answers: what it keeps of this cluster goes at the next `podling down`.")
            remove_volumes(state)
            if delete:
                kubeconfig.remove(kubeconfig.default_path(kubeconfig.context_name(name)), name)
                shutil.rmtree(state.folder)
                progress.done("objects", "deleted")
    except (StateError, kubeconfig.KubeconfigError) as error:
        raise Refusal(str(error)) from None


def stop(state: "State") -> None:
    """The supervisor stops its services; a killed one left them to us."""
    from podling.cli.report import end, end_leftovers, read_report

    report = read_report(state)
    if state.is_running and report is not None:
        end({report.pid: report.born}, STOP_SECONDS)
    deadline = time.monotonic() + STOP_SECONDS
    while state.is_running:  # it had not written its report yet, or is about to let go of its lock
        if (report := read_report(state)) is not None:
            end({report.pid: report.born}, STOP_SECONDS)
        if time.monotonic() > deadline:
            raise Refusal(f"the supervisor of cluster {state.name} does not end; see {state.log('supervisor')}")
        time.sleep(0.02)
    end_leftovers(state)
    state.supervisor_file.unlink(missing_ok=True)


def remove_containers(name: str) -> bool:
    """Everything on the engine with the cluster's label, and its network; False where no engine answers."""
    from kubelet.docker.cleanup import remove_cluster
    from podling.cli import engine

    found = engine.find()
    remove_cluster(name)
    return found is not None


def remove_volumes(state: "State") -> None:
    """The pods' files. A pod that comes back is a new one to its volumes, as after a node's loss.

    Nothing is deleted while a mount is left: behind one may be a directory of the host that a pod had mounted.
    """
    from kubelet.volumes.mounts import unmount_below

    folder = state.folder / "kubelet"
    try:
        unmount_below(folder)
    except OSError as error:
        raise Refusal(
            f"{error.filename} cannot be unmounted ({error.strerror}); unmount it, then `podling down` again"
        ) from None
    shutil.rmtree(folder, ignore_errors=True)
