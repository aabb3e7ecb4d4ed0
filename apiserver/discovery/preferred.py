"""Every resource once, in the version that a client without a wish of its own takes. Pure.

Source: k8s.io/client-go/discovery (ServerPreferredResources).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from apiserver.discovery.documents import Elsewhere, groups
from apiserver.kinds.kind import Kind
from podling.api.errors import GroupResource


class Served(NamedTuple):
    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: Sequence[str]
    subresources: Sequence[str]


def preferred(kinds: Iterable[Kind], elsewhere: Iterable[Elsewhere]) -> list[Served]:
    """What is stored here, and what other servers tell of. One that is stale tells nothing."""
    remote = {(each.group, each.version): each for each in elsewhere}
    stored = [kind for kind in kinds if kind.stored and (kind.group, kind.version) not in remote]
    found = {kind.home.resource: _local(kind) for kind in stored if kind.hub is None}
    for kind in stored:
        found.setdefault(kind.home.resource, _local(kind))
    for group, versions in groups((), remote.values()).items():
        for each in (remote[group, version] for version in versions):
            for served in _remote(each):
                found.setdefault(GroupResource(group, served.plural), served)
    return list(found.values())


def _local(kind: Kind) -> Served:
    below = [sub.name for sub in kind.subresources]
    return Served(kind.group, kind.version, kind.plural, kind.kind, kind.namespaced, kind.verbs, below)


def _remote(each: Elsewhere) -> list[Served]:
    return [
        Served(each.group, each.version, row["resource"], row.get("responseKind", {}).get("kind", ""),
               row.get("scope") == "Namespaced", row.get("verbs") or (),
               [sub["subresource"] for sub in row.get("subresources") or ()])
        for row in each.resources or () if each.current
    ]  # fmt: skip


def stale(elsewhere: Iterable[Elsewhere]) -> list[str]:
    """The group versions whose server cannot be asked now."""
    return sorted(f"{each.group}/{each.version}" for each in elsewhere if not each.current)
