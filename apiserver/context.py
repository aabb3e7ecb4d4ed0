"""What verbs and handlers reach for: one object a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from apiserver.admission.plugin import Admission
from apiserver.authn.authenticator import Authenticator
from apiserver.authz.authorizer import Chain as Authorizers
from apiserver.feed import Feed
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from podling.storage import Storage

if TYPE_CHECKING:
    from apiserver.registry import Registry
    from apiserver.service import Config


class AdmissionChain(Protocol):
    async def admit(self, write: Admission) -> None: ...

    async def validate(self, write: Admission) -> None: ...


class Kinds:
    """All kinds, found by group, version and plural."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.all = tuple(kinds)
        self._by_path = {(kind.group, kind.version, kind.plural): kind for kind in kinds}
        self._by_kind = {(kind.group, kind.version, kind.kind): kind for kind in kinds}

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._by_path.get((group, version, plural))

    def named(self, group: str, version: str, kind: str) -> Kind | None:
        return self._by_kind.get((group, version, kind))

    def serves(self, group: str, version: str) -> bool:
        return any(kind.group == group and kind.version == version for kind in self.all)


@dataclass(slots=True)
class Context:
    config: "Config"
    storage: Storage
    kinds: Kinds
    feed: Feed
    registry: "Registry"
    authenticator: Authenticator
    authorizer: Authorizers
    admission: AdmissionChain

    @property
    def lister(self) -> Lister:
        return self.feed
