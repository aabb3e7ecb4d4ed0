"""How far a pull has come, from the engine's words about each layer. Pure.

Pulling fs layer → Waiting → Downloading n/m → Download complete → Extracting n/m → Pull complete
Already exists
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DONE = ("Pull complete", "Already exists")
LAYER_WORDS = (
    *("Pulling fs layer", "Waiting", "Downloading", "Verifying Checksum", "Download complete", "Extracting"),
    *DONE,
)


@dataclass
class _Layer:
    current: int = 0
    total: int = 0
    done: bool = False


@dataclass
class PullProgress:
    """`word` takes one of the engine's; `str` is what an Event tells."""

    layers: dict[str, _Layer] = field(default_factory=dict)

    def word(self, word: Mapping[str, Any]) -> None:
        status, id = word.get("status", ""), word.get("id", "")
        if status not in LAYER_WORDS or not id:
            return
        layer = self.layers.setdefault(id, _Layer())
        detail = word.get("progressDetail") or {}
        if status == "Downloading" and detail.get("total"):
            layer.current, layer.total = int(detail.get("current", 0)), int(detail["total"])
        elif status in ("Verifying Checksum", "Download complete", "Extracting"):
            layer.current = layer.total
        elif status in DONE:
            layer.current, layer.done = layer.total, True

    def __str__(self) -> str:
        if not self.layers:
            return "waiting for the registry"
        done = sum(layer.done for layer in self.layers.values())
        current = sum(layer.current for layer in self.layers.values())
        total = sum(layer.total for layer in self.layers.values())
        layers = f"{done} of {len(self.layers)} layers"
        return f"{layers}, {current / 1e6:.1f} of {total / 1e6:.1f} MB" if total else layers
