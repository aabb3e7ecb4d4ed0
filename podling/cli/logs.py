"""`podling logs [service]`: what the services wrote."""

import os
from pathlib import Path
from typing import Annotated

import typer

from podling.cli.options import DEFAULT_NAME, Name
from podling.cli.refusal import Refusal

MOST_LOG_BYTES = 10 << 20


def logs(
    service: Annotated[str, typer.Argument(help="apiserver, scheduler, kubelet-n1, …; all of them without it")] = "",
    name: Name = DEFAULT_NAME,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    tail: Annotated[int, typer.Option(help="So many lines of each.")] = 100,
) -> None:
    """The services' logs (`podling kubectl logs` shows those of pods)."""
    from podling.state import State, StateError

    try:
        state = State(name)
    except StateError as error:
        raise Refusal(str(error)) from None
    found = sorted(path.stem for path in state.logs.glob("*.log"))
    if not found:
        raise Refusal(f"cluster {name} has no logs; `podling up --name {name}` starts it")
    if service and service not in found:
        raise Refusal(f'cluster {name} has no log of "{service}", but of {", ".join(found)}')
    chosen = [str(state.log(one)) for one in ([service] if service else found)]
    os.execvp("tail", ["tail", "-n", str(tail), *(["-F"] if follow else []), *chosen])


def last_lines(path: Path, count: int) -> list[str]:
    """The end of a log, for an error message; [] where there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 65536))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def rotate(path: Path) -> None:
    """Keep one older log. The file is emptied in place, so that whoever appends to it goes on."""
    try:
        if path.stat().st_size > MOST_LOG_BYTES:
            path.with_suffix(".log.1").write_bytes(path.read_bytes())
            os.truncate(path, 0)
    except FileNotFoundError:
        pass
