"""`podling image NAME…`: see that the engine has an image, with or without a registry."""

from typing import Annotated

import typer

from podling.cli.progress import Progress
from podling.cli.refusal import Refusal


def image(names: Annotated[list[str], typer.Argument(help="nginx, busybox, nigelpoulton/k8sbook:1.0, …")]) -> None:
    """Bring images to the engine: what it has, else from the registry, else built here from Debian's packages."""
    from podling.cli import engine
    from podling.images.provide import ImageUnavailable, provide

    with Progress() as progress:
        found = engine.find_or_start(progress.say)
        away: set[str] = set()
        for name in names:
            progress.waiting(f"getting the image {name}")
            try:
                progress.done(name, provide(found, name, progress.say, away).value)
            except ImageUnavailable as error:
                raise Refusal(str(error)) from None
