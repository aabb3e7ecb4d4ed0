"""What writers do to one object, and what must become of it. Pure.

Every write leaves its number in the object: in the annotation `op`, or, in the status, as `observedGeneration`. So each
change in the store is known to be one writer's, and its outcome can be told from the state before it.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.scenarios.api_model.truth import Item, Object

COLLECTION = "/apis/apps/v1/namespaces/{}/deployments"
COLORS = ("red", "green", "blue")
SHARDS = 8
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
JSON_PATCH, APPLY = "application/json-patch+json", "application/apply-patch+yaml"


@dataclass
class Operation:
    """One write as it was asked for. `base` is the revision that it insists on, 0 for none."""

    id: int
    verb: str
    key: str
    color: str = ""
    replicas: int = 0
    base: int = 0
    seen: str = ""  # the number that a JSON patch tests for
    uid: str = ""
    body: Any = field(default=None, repr=False)


def deployment(key: str, number: int, color: str, replicas: int) -> Object:
    namespace, _, name = key.partition("/")
    shard = str(sum(name.encode()) % SHARDS)
    pod = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"shard": shard, "color": color},
            "annotations": {"op": str(number)},
        },
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": pod},
    }


def request(op: Operation, current: Object | None) -> tuple[str, str, str, Any]:
    """(method, path and query, content type, body) of an operation; `current` is what the writer read."""
    namespace, _, name = op.key.partition("/")
    collection = COLLECTION.format(namespace)
    path, number = f"{collection}/{name}", str(op.id)
    annotations, labels = {"op": number}, {"color": op.color}
    if op.verb == "create":
        return "POST", collection, "application/json", deployment(op.key, op.id, op.color, op.replicas)
    if op.verb in ("replace", "overwrite"):
        body = deployment(op.key, op.id, op.color, op.replicas)
        if op.base:
            body["metadata"]["resourceVersion"] = str(op.base)
        return "PUT", path, "application/json", body
    if op.verb in ("merge", "rehearse"):
        query = "?dryRun=All" if op.verb == "rehearse" else ""
        return "PATCH", path + query, MERGE, {"metadata": {"annotations": annotations, "labels": labels}}
    if op.verb == "strategic":
        return "PATCH", path, STRATEGIC, {"metadata": {"annotations": annotations}, "spec": {"replicas": op.replicas}}
    if op.verb == "json":
        at = "/metadata/annotations/op"
        steps = [{"op": "test", "path": at, "value": op.seen}, {"op": "replace", "path": at, "value": number}]
        return "PATCH", path, JSON_PATCH, steps
    if op.verb == "apply":
        manager = f"m{op.id % 3}"
        return (
            "PATCH",
            f"{path}?fieldManager={manager}&force=true",
            APPLY,
            deployment(op.key, op.id, op.color, op.replicas),
        )
    if op.verb == "status":
        return "PATCH", f"{path}/status", MERGE, {"status": {"replicas": op.replicas, "observedGeneration": op.id}}
    if op.verb == "put status":
        assert current is not None
        body = {**current, "status": {"replicas": op.replicas, "observedGeneration": op.id}}
        return "PUT", f"{path}/status", "application/json", body
    preconditions = {"preconditions": {"resourceVersion": str(op.base)}} if op.base else None
    return "DELETE", path, "application/json", preconditions


def number_of(before: Object | None, after: Object) -> int:
    """Whose write made `after` of `before`; 0 where nobody's number is new."""
    spec, status = _op(after), _observed(after)
    if spec != (before and _op(before)):
        return int(spec or 0)
    return status if before is None or status != _observed(before) else 0


def _op(obj: Object) -> str:
    return str(obj["metadata"].get("annotations", {}).get("op", ""))


def _observed(obj: Object) -> int:
    return int(obj.get("status", {}).get("observedGeneration", 0))


def outcome(op: Operation, before: Item | None) -> dict[str, Any] | str:
    """How the object looks after the operation (`view`), or why it cannot have been carried out."""
    if op.base and (before is None or before.revision != op.base):
        return f"it insisted on revision {op.base}, what was there is {before.revision if before else 'nothing'}"
    if op.verb == "create" and before is not None:
        return "it creates what is there"
    if op.verb not in ("create", "apply") and before is None:
        return "it changes what is not there"
    if op.seen and (before is None or _op(before.object) != op.seen):
        return f"it tested for {op.seen}"
    old = view(before.object) if before else {"status": {}, "generation": 1}
    if op.verb in ("status", "put status"):
        return {**old, "status": _status(op.replicas, op.id)}
    new = {**old, "op": str(op.id)}
    if op.verb != "json":
        new["color"] = old.get("color") if op.verb == "strategic" else op.color
        new["replicas"] = old["replicas"] if op.verb == "merge" else op.replicas
    if before:
        new["generation"] = old["generation"] + 1  # a Deployment's counts its annotations too
    return new


def _status(replicas: int, observed: int) -> dict[str, int]:
    """Go leaves out zeros."""
    return {name: value for name, value in (("replicas", replicas), ("observedGeneration", observed)) if value}


def view(obj: Object) -> dict[str, Any]:
    """The parts that operations change, and `generation`, which counts the changes."""
    meta, status = obj["metadata"], obj.get("status", {})
    return {
        "op": _op(obj),
        "color": meta["labels"]["color"],
        "replicas": obj["spec"]["replicas"],
        "generation": meta["generation"],
        "status": _status(status.get("replicas", 0), status.get("observedGeneration", 0)),
    }
