"""Which API is served where: what the faces ask before they serve a request themselves."""

from typing import Any

from apiserver.aggregation.backend import Backend
from apiserver.aggregation.remote import API_SERVICES, Remote, remotes
from apiserver.config import Config
from apiserver.discovery.documents import Elsewhere
from apiserver.lister import Lister
from apiserver.request import Attributes

Object = dict[str, Any]


class Aggregator:
    """`told` is what each server said it serves, kept by the loop: rows of discovery and addresses of OpenAPI."""

    def __init__(self, config: Config, lister: Lister) -> None:
        self._lister = lister
        self.backend = Backend(config, lister)
        self.told: dict[str, tuple[list[Object] | None, dict[str, Object]]] = {}
        self._version = -1
        self._remotes: dict[tuple[str, str], Remote] = {}

    @property
    def remotes(self) -> dict[tuple[str, str], Remote]:
        version = self._lister.version(API_SERVICES)
        if version != self._version:
            self._remotes, self._version = remotes(self._lister.list(API_SERVICES)), version
        return self._remotes

    def serving(self, asked: Attributes) -> Remote | None:
        """Who serves what is asked, if it is another server."""
        if not self.remotes:
            return None
        if asked.resource:
            return self.remotes.get((asked.group, asked.version))
        return self._of_path(asked.path.strip("/").split("/"))

    def _of_path(self, parts: list[str]) -> Remote | None:
        match parts:
            case ["apis", group, version] | ["openapi", "v3", "apis", group, version]:
                return self.remotes.get((group, version))
            case ["api", version] | ["openapi", "v3", "api", version]:
                return self.remotes.get(("", version))
        return None

    def elsewhere(self) -> list[Elsewhere]:
        """For discovery. Of a server that cannot be reached, what it told before is stale."""
        told = {name: rows for name, (rows, _) in self.told.items()}
        return [
            Elsewhere(each.group, each.version, each.priority, told.get(each.name),
                      each.available and told.get(each.name) is not None)
            for each in self.remotes.values()
        ]  # fmt: skip

    def openapi(self) -> dict[str, Object]:
        """The entries of other servers in the index of OpenAPI 3."""
        return {
            path: entry
            for each in self.remotes.values()
            for path, entry in self.told.get(each.name, (None, {}))[1].items()
        }
