"""What verbs and handlers reach for: one object a server."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from apiserver.admission import Chain
from apiserver.aggregation.aggregator import Aggregator
from apiserver.audit.auditor import Auditor
from apiserver.authn.authenticator import Authenticator
from apiserver.authn.tokens import Issuer
from apiserver.authz.authorizer import Chain as Authorizers
from apiserver.config import Config
from apiserver.fairness.gate import Gate
from apiserver.http.inflight import InFlight
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from apiserver.objects.feed import Feed
from apiserver.objects.registry import Registry
from apiserver.streams.kubelets import Kubelets
from apiserver.webhook.client import WebhookClient
from podling.storage import Storage


class Kinds:
    """All kinds, found by group, version and plural. Custom ones come and go; `generation` counts how often."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.generation = 0
        self.changed = asyncio.Event()  # is set with the next change, and then another one takes its place
        self._set(kinds)

    def _set(self, kinds: Iterable[Kind]) -> None:
        self.all = tuple(kinds)
        self.generation += 1
        self.changed.set()
        self.changed = asyncio.Event()
        self._by_path = {(kind.group, kind.version, kind.plural): kind for kind in self.all}
        self._versions = {(kind.group, kind.version) for kind in self.all}
        self._builtin = {(kind.group, kind.version) for kind in self.all if not kind.custom}
        self._by_kind = {(kind.group, kind.version, kind.kind): kind for kind in self.all}

    def add(self, kinds: Sequence[Kind]) -> None:
        """All versions of one resource, in place of those served so far."""
        resources = {kind.resource for kind in kinds}
        self._set((*(kind for kind in self.all if kind.resource not in resources), *kinds))

    def remove(self, group: str, plural: str) -> None:
        self._set(kind for kind in self.all if kind.resource != (group, plural))

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._by_path.get((group, version, plural))

    def named(self, group: str, version: str, kind: str) -> Kind | None:
        return self._by_kind.get((group, version, kind))

    def is_custom(self, group: str, version: str) -> bool:
        """Whether all kinds of a group's version come from CustomResourceDefinitions."""
        return (group, version) not in self._builtin

    def serves(self, group: str, version: str) -> bool:
        return (group, version) in self._versions


@dataclass(slots=True)
class Context:
    config: Config
    storage: Storage
    kinds: Kinds
    feed: Feed
    registry: Registry
    authenticator: Authenticator
    authorizer: Authorizers
    admission: Chain
    gate: Gate
    auditor: Auditor | None
    webhooks: WebhookClient
    aggregator: Aggregator
    bootstrapped: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: InFlight = field(default_factory=InFlight)
    documenting: asyncio.Lock = field(default_factory=asyncio.Lock)  # OpenAPI documents are made one after another
    kubelets: Kubelets = field(default_factory=Kubelets)

    @property
    def issuer(self) -> Issuer:
        return self.authenticator.issuer

    @property
    def lister(self) -> Lister:
        return self.feed
