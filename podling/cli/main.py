"""The command `podling`. One file a command; what a command needs is imported when it runs."""

import sys

import typer

from podling.cli import (
    apiserver,
    controllers,
    down,
    image,
    kubectl,
    kubelet,
    logs,
    scheduler,
    status,
    store,
    up,
    why,
)
from podling.cli.refusal import Refusal

HELP = "A small, real Kubernetes: kubectl in front, plain Docker containers behind."
PASS_THROUGH = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}

typer_app = typer.Typer(
    name="podling",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
typer_app.command(name="up")(up.up)
typer_app.command(name="down")(down.down)
typer_app.command(name="status")(status.status)
typer_app.command(name="kubectl", context_settings=PASS_THROUGH)(kubectl.kubectl)
typer_app.command(name="logs")(logs.logs)
typer_app.command(name="why")(why.why)
typer_app.command(name="image")(image.image)
typer_app.command(name="apiserver", rich_help_panel="One service alone")(apiserver.apiserver)
typer_app.command(name="store", rich_help_panel="One service alone")(store.store)
typer_app.command(name="scheduler", rich_help_panel="One service alone")(scheduler.scheduler)
typer_app.command(name="controllers", rich_help_panel="One service alone")(controllers.controllers)
typer_app.command(name="kubelet", rich_help_panel="One service alone")(kubelet.kubelet)


def app() -> None:
    """What the console script calls. A refusal is one line for the user, never a traceback."""
    try:
        typer_app()
    except Refusal as refusal:
        print(f"podling: {refusal}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    app()
