"""What is served: groups, versions, resources, in Kubernetes' two forms. Pure.

    /api, /apis, /apis/<group>           APIVersions, APIGroupList, APIGroup
    /api/v1, /apis/<group>/<version>     APIResourceList
    /api, /apis asked as APIGroupDiscoveryList    everything at once (aggregated discovery)

Groups come in the order of their priorities, which kubectl's short names and mappings rely on.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from apiserver.discovery.priorities import PRIORITIES, REGISTRATION, Priority, ordered, priority_of
from apiserver.kinds.kind import Kind, Subresource

Object = dict[str, Any]

AGGREGATED = "apidiscovery.k8s.io/v2"

BUILT_IN = {REGISTRATION, *(group for group, _ in PRIORITIES)}


class Elsewhere(NamedTuple):
    """A version of a group that another server serves: its rows of aggregated discovery, as it told them last.
    `current`: it can be asked now."""

    group: str
    version: str
    priority: Priority
    resources: Sequence[Object] | None = None
    current: bool = False


def groups(kinds: Iterable[Kind], elsewhere: Iterable[Elsewhere] = ()) -> dict[str, list[str]]:
    """The named groups in their order, each with its versions, best first."""
    remote = {(each.group, each.version): each.priority for each in elsewhere}
    local = {(kind.group, kind.version) for kind in kinds if kind.group} - set(remote)
    found = [(group, version, priority_of(group, version)) for group, version in local]
    return ordered([*found, *((group, version, number) for (group, version), number in remote.items())])


def api_versions(server: str) -> Object:
    """`server` is host:port."""
    everywhere = {"clientCIDR": "0.0.0.0/0", "serverAddress": server}
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [everywhere]}


def group_list(kinds: Iterable[Kind], elsewhere: Iterable[Elsewhere] = ()) -> Object:
    found = [_group(group, versions) for group, versions in groups(kinds, elsewhere).items()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def group(kinds: Iterable[Kind], name: str, elsewhere: Iterable[Elsewhere] = ()) -> Object | None:
    versions = groups(kinds, elsewhere).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def _group(name: str, versions: Sequence[str]) -> Object:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def resource_list(kinds: Iterable[Kind], group: str, version: str) -> Object | None:
    """None where the version is not served."""
    found = _of(kinds, group, version)
    if not found:
        return None
    resources = [row for kind in found for row in (_resource(kind), *(_sub(kind, sub) for sub in _subs(kind)))]
    body: Object = {"kind": "APIResourceList"}
    if group:
        body["apiVersion"] = "v1"
    return body | {"groupVersion": f"{group}/{version}" if group else version, "resources": resources}


def _of(kinds: Iterable[Kind], group: str, version: str) -> list[Kind]:
    return sorted((kind for kind in kinds if (kind.group, kind.version) == (group, version)), key=lambda k: k.plural)


def _subs(kind: Kind) -> list[Subresource]:
    return list(kind.subresources) if kind.custom else sorted(kind.subresources, key=lambda sub: sub.name)


def _resource(kind: Kind) -> Object:
    row: Object = {
        "name": kind.plural,
        "singularName": kind.singular or kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": _verbs(kind),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    if kind.stored:
        row["storageVersionHash"] = storage_version_hash(kind)
    return row


def _verbs(kind: Kind) -> list[str]:
    """Custom kinds tell theirs in an order of their own."""
    return list(kind.verbs) if kind.custom else sorted(kind.verbs)


def _sub(kind: Kind, sub: Subresource) -> Object:
    row: Object = {"name": f"{kind.plural}/{sub.name}", "singularName": "", "namespaced": kind.namespaced}
    if sub.version:
        row |= {"group": sub.group, "version": sub.version}
    return row | {"kind": sub.kind or kind.kind, "verbs": sorted(sub.verbs)}


def storage_version_hash(kind: Kind) -> str:
    """Changes when the form in which objects are stored does."""
    text = f"{kind.group}/{kind.home.version}/{kind.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def aggregated(kinds: Iterable[Kind], core: bool, elsewhere: Sequence[Elsewhere] = ()) -> Object:
    """Aggregated discovery: of the core API, or of all named groups."""
    kinds = list(kinds)
    remote = {(each.group, each.version): each for each in elsewhere}
    named = {"": ["v1"]} if core else groups(kinds, elsewhere)
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [_version(kinds, name, version, remote.get((name, version))) for version in versions],
        }
        for name, versions in named.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": AGGREGATED, "metadata": {}, "items": items}


def _version(kinds: Iterable[Kind], group: str, version: str, remote: Elsewhere | None) -> Object:
    if remote is None:
        resources: Sequence[Object] = [_discovered(kind) for kind in _of(kinds, group, version)]
        return {"version": version, "resources": resources, "freshness": "Current"}
    told = {"resources": remote.resources} if remote.resources else {}
    return {"version": version, **told, "freshness": "Current" if remote.current else "Stale"}


def _discovered(kind: Kind) -> Object:
    row: Object = {
        "resource": kind.plural,
        "responseKind": {"group": "", "version": "", "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular or kind.kind.lower(),
        "verbs": _verbs(kind),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    if kind.subresources:
        row["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": {"group": sub.group, "version": sub.version, "kind": sub.kind or kind.kind},
                "verbs": sorted(sub.verbs),
            }
            for sub in _subs(kind)
        ]
    return row
