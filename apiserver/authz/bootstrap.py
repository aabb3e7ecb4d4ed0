"""The roles and bindings that every cluster has from its first start: `bootstrap.json`, from Kubernetes 1.36.

A later start puts back what is missing from them (rules, labels, subjects) and leaves what was added, unless the
annotation rbac.authorization.kubernetes.io/autoupdate is "false".
Source: k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy, pkg/registry/rbac/reconciliation.
"""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from apiserver.authz.rbac import GROUP
from apiserver.authz.rules import covers
from podling.api.errors import ApiError

if TYPE_CHECKING:
    from apiserver.context import Kinds
    from apiserver.kinds.kind import Kind
    from apiserver.objects.cached import Cached
    from apiserver.objects.registry import Registry

log = logging.getLogger(__name__)

AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
BOOTSTRAPPING = "kubernetes.io/bootstrapping"
PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "Role": "roles",
    "RoleBinding": "rolebindings",
}

Object = dict[str, Any]

# Comes with metrics-server; who may view a namespace may see what its pods use.
METRICS_READER: Object = {
    "kind": "ClusterRole",
    "name": "system:aggregated-metrics-reader",
    "labels": {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true" for role in ("view", "edit", "admin")},
    "rules": [{"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}],
}


async def ensure(registry: "Registry", kinds: "Kinds") -> int:
    """Make and mend the bootstrap roles and bindings; how many were written. Their namespaces must exist."""
    due = []
    metrics = [METRICS_READER] if kinds.serves("metrics.k8s.io", "v1beta1") else []
    for wanted in [*wanted_objects(), *(_object(row) for row in metrics)]:
        kind = kinds.find(GROUP, "v1", PLURALS[wanted["kind"]])
        assert kind is not None
        metadata = wanted["metadata"]
        namespace = metadata.get("namespace", "")
        found = registry.feed.of(kind).get(namespace, metadata["name"])
        if found is None:
            due.append(registry.create(kind, namespace, wanted))
        elif reconciled(found.object, wanted) is not None:
            due.append(_mend(registry, kind, wanted))
    for failure in await asyncio.gather(*due, return_exceptions=True):
        if isinstance(failure, ApiError):
            log.warning("bootstrap role not written error=%s", failure)
        elif isinstance(failure, BaseException):
            raise failure
    if due:
        log.info("bootstrap roles written count=%d", len(due))
    return len(due)


async def _mend(registry: "Registry", kind: "Kind", wanted: Object) -> "Cached":
    from apiserver.objects.registry import by_server

    async def change(found: Object) -> Object:
        return reconciled(found, wanted) or found

    metadata = wanted["metadata"]
    return await registry.update(kind, metadata.get("namespace", ""), metadata["name"], change, by_server())


def wanted_objects() -> list[Object]:
    """Every bootstrap object, as it is created."""
    table = msgspec.json.decode(Path(__file__).with_name("bootstrap.json").read_bytes())
    return [_object(row) for row in table]


def _object(row: Object) -> Object:
    kind = row["kind"]
    metadata: Object = {"name": row["name"]}
    if "namespace" in row:
        metadata["namespace"] = row["namespace"]
    metadata["labels"] = {BOOTSTRAPPING: "rbac-defaults", **row.get("labels", {})}
    metadata["annotations"] = {AUTOUPDATE: "true"}
    body: Object = {"kind": kind, "apiVersion": f"{GROUP}/v1", "metadata": metadata}
    if kind.endswith("Role"):
        body["rules"] = row.get("rules")
    return body | {key: row[key] for key in ("aggregationRule", "roleRef", "subjects") if key in row}


def reconciled(found: Object, wanted: Object) -> Object | None:
    """`found` with what `wanted` has and it lacks; None where nothing is missing, or it may not be touched."""
    metadata = found["metadata"]
    if (metadata.get("annotations") or {}).get(AUTOUPDATE) == "false":
        return None
    mended = {**found, "metadata": dict(metadata)}
    for name in ("labels", "annotations"):
        mended["metadata"][name] = {**wanted["metadata"][name], **(metadata.get(name) or {})}
    if wanted.get("aggregationRule"):
        mended["aggregationRule"] = found.get("aggregationRule") or wanted["aggregationRule"]
    elif "rules" in wanted:
        have = found.get("rules") or []
        missing = [rule for rule in wanted["rules"] or () if covers(have, [rule])]
        mended["rules"] = [*have, *missing] if missing else found.get("rules")
    if "subjects" in wanted:
        have = found.get("subjects") or []
        missing = [subject for subject in wanted["subjects"] if subject not in have]
        mended["subjects"] = [*have, *missing] if missing else found.get("subjects")
    return mended if mended != found else None
