"""What is served: groups, versions, resources, in Kubernetes' two forms. Pure.

    /api, /apis, /apis/<group>           APIVersions, APIGroupList, APIGroup
    /api/v1, /apis/<group>/<version>     APIResourceList
    /api, /apis asked as APIGroupDiscoveryList    everything at once (aggregated discovery)

Groups come in the order of `GROUPS`, which kubectl's short names and mappings rely on; others after them by name.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from apiserver.discovery.priority import priority
from apiserver.kinds.kind import Kind, Subresource

Object = dict[str, Any]

AGGREGATED = "apidiscovery.k8s.io/v2"

# Source: the priorities of kube-aggregator's group registration.
GROUPS = (
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
)


def groups(kinds: Iterable[Kind]) -> dict[str, list[str]]:
    """The named groups in their order, each with its versions, best first."""
    versions: dict[str, list[str]] = {}
    for kind in kinds:
        if kind.group and kind.version not in versions.setdefault(kind.group, []):
            versions[kind.group].append(kind.version)
    rank = {group: place for place, group in enumerate(GROUPS)}
    ordered = sorted(versions, key=lambda group: (rank.get(group, len(GROUPS)), group))
    return {group: sorted(versions[group], key=priority) for group in ordered}


def api_versions(server: str) -> Object:
    """`server` is host:port."""
    everywhere = {"clientCIDR": "0.0.0.0/0", "serverAddress": server}
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [everywhere]}


def group_list(kinds: Iterable[Kind]) -> Object:
    found = [_group(group, versions) for group, versions in groups(kinds).items()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def group(kinds: Iterable[Kind], name: str) -> Object | None:
    versions = groups(kinds).get(name)
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


def aggregated(kinds: Iterable[Kind], core: bool) -> Object:
    """Aggregated discovery: of the core API, or of all named groups."""
    kinds = list(kinds)
    named = {"": ["v1"]} if core else groups(kinds)
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [
                {
                    "version": version,
                    "resources": [_discovered(kind) for kind in _of(kinds, name, version)],
                    "freshness": "Current",
                }
                for version in versions
            ],
        }
        for name, versions in named.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": AGGREGATED, "metadata": {}, "items": items}


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
