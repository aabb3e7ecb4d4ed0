"""PodMetrics and NodeMetrics: what containers and nodes use, behind kubectl top. Made when asked for, stored nowhere.

Kubernetes has them from metrics-server, an API server beside its own; so they are served by clusters of `podling up`,
and not by an API server alone. Source: k8s.io/metrics/pkg/apis/metrics/v1beta1, sigs.k8s.io/metrics-server/pkg/api.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from apiserver.kinds.kind import Column, Kind, Object
from apiserver.schema.load import QUANTITY, STRING, TIME, schema
from apiserver.schema.schema import Field, Schema
from podling.api.quantity import Quantity, parse

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
_NAME = "io.k8s.metrics.pkg.apis.metrics.v1beta1."
_USAGE = Field(Schema("object", values=QUANTITY), "The usage: cpu in cores, memory as its working set.", required=True)
_COMMON = {
    **{name: schema("core.v1.Node").fields[name] for name in ("apiVersion", "kind")},
    "metadata": replace(schema("core.v1.Node").fields["metadata"], absent="struct"),
    "timestamp": Field(TIME, "The end of the window that the metrics were collected in.", required=True),
    "window": Field(STRING, "The window that the metrics were collected in: [Timestamp-Window, Timestamp].", True),
}
_CONTAINER = Schema(
    "object",
    name=f"{_NAME}ContainerMetrics",
    description="ContainerMetrics sets resource usage metrics of a container.",
    fields={"name": Field(STRING, "The container's name in its pod.", required=True), "usage": _USAGE},
)


def _column(name: str, cell: Callable[[Object], Any], format: str) -> Column:
    return Column(name, "string", "Name of the resource" if name == "Name" else "", cell, format=format)


def _sum(resource: str) -> Callable[[Object], str]:
    """Of a pod's containers, or of a node."""

    def cell(body: Object) -> str:
        usages = [each["usage"] for each in body.get("containers") or [body]]
        found = [parse(usage[resource]) for usage in usages]
        return str(Quantity(sum(each.nanos for each in found), found[0].family))

    return cell


COLUMNS = (
    _column("Name", lambda body: body["metadata"]["name"], "name"),
    _column("cpu", _sum("cpu"), "quantity"),
    _column("memory", _sum("memory"), "quantity"),
    _column("Window", lambda body: body["window"], "duration"),
)


def _kind(name: str, plural: str, namespaced: bool, about: str, **fields: Field) -> Kind:
    return Kind(
        group=GROUP,
        version=VERSION,
        kind=name,
        plural=plural,
        namespaced=namespaced,
        schema=Schema("object", name=_NAME + name, description=about, fields=_COMMON | fields),
        verbs=("get", "list"),
        columns=COLUMNS,
        stored=False,
    )


POD_METRICS = _kind(
    "PodMetrics",
    "pods",
    True,
    "PodMetrics sets resource usage metrics of a pod.",
    containers=Field(Schema("array", items=_CONTAINER), "Metrics of all running containers.", required=True),
)
NODE_METRICS = _kind("NodeMetrics", "nodes", False, "NodeMetrics sets resource usage metrics of a node.", usage=_USAGE)
METRICS: tuple[Kind, ...] = (NODE_METRICS, POD_METRICS)
