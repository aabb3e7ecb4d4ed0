"""What a command tells while it works: a line a finished step; on a terminal, also what it waits for now."""

import sys
import time
from typing import Any


class Progress:
    """`with Progress() as progress:`. Steps come out as `✓ apiserver  0.8 s`; times count from the start."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._status: Any = None
        self._console: Any = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.waiting("")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def waiting(self, text: str) -> None:
        """What it waits for, replaced by the next; nothing when standard output is no terminal."""
        if not sys.stdout.isatty():
            return
        if self._status is not None:
            self._status.stop()
            self._status = None
        if text:
            self._status = self._rich().status(text)
            self._status.start()

    def done(self, step: str, note: str = "") -> None:
        time_and_note = f"{self.seconds:5.1f} s  {note}".rstrip()
        if sys.stdout.isatty():
            self._rich().print(f"[green]✓[/green] {step:<14} [dim]{time_and_note}[/dim]", highlight=False)
        else:
            print(f"✓ {step:<14} {time_and_note}", flush=True)

    def say(self, text: str) -> None:
        if sys.stdout.isatty():
            self._rich().print(text, highlight=False, markup=False, soft_wrap=True)
        else:
            print(text, flush=True)

    def _rich(self) -> Any:
        if self._console is None:
            from rich.console import Console

            self._console = Console()
        return self._console
