"""The `scale` subresource: how many replicas a workload has, read and written as a Scale of autoscaling/v1.

Source: ScaleREST of kubernetes/pkg/registry/apps/deployment/storage and its likes.
"""

from collections.abc import Callable

from apiserver.kinds.columns import AGE, NAME, shown
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Kind, Object, Subresource, View
from apiserver.kinds.strategy import READ_WRITE
from apiserver.schema.load import schema
from podling.api.field import ErrorList, Path

SCALE = Kind(
    "autoscaling",
    "v1",
    "Scale",
    "scales",
    schema("autoscaling.v1.Scale"),
    columns=(
        NAME,
        shown("Desired", "autoscaling.v1.ScaleSpec", "spec.replicas", missing=0, kind="integer"),
        shown("Available", "autoscaling.v1.ScaleStatus", "status.replicas", missing=0, kind="integer"),
        AGE,
    ),
)
META = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale(selector: Callable[[Object], str]) -> Subresource:
    """`selector` prints which pods are counted."""

    def read(obj: Object) -> Object:
        meta = {name: obj["metadata"][name] for name in META if name in obj["metadata"]}
        status, wanted = obj.get("status") or {}, (obj.get("spec") or {}).get("replicas", 0)
        counted = {"replicas": status.get("replicas", 0)} | ({"selector": text} if (text := selector(obj)) else {})
        spec = {"replicas": wanted} if wanted else {}
        return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": counted}

    return Subresource(
        "scale",
        READ_WRITE,
        kind=SCALE.kind,
        group=SCALE.group,
        version=SCALE.version,
        schema=SCALE.schema,
        view=View(read, _write, _validate, SCALE),
    )


def _write(wanted: Object, obj: Object) -> None:
    obj.setdefault("spec", {})["replicas"] = (wanted.get("spec") or {}).get("replicas", 0)


def _validate(wanted: Object) -> ErrorList:
    return validate_not_negative((wanted.get("spec") or {}).get("replicas"), Path("spec.replicas"))
