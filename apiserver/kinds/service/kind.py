"""Service, declared."""

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Kind, Object, Subresource
from apiserver.kinds.load_balancer import shown_balancer, warn_balancer
from apiserver.kinds.service.allocate import allocate
from apiserver.kinds.service.defaults import default, prepare_create, prepare_update
from apiserver.kinds.service.validate import validate, validate_status, validate_update, warn
from apiserver.kinds.strategy import status
from apiserver.kinds.workload import spec_of
from apiserver.schema.load import schema


def _external(obj: Object) -> str:
    spec, kind = spec_of(obj), spec_of(obj).get("type")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    found = list(spec.get("externalIPs") or ())
    if kind != "LoadBalancer":
        return ",".join(found) or columns.NONE
    return ",".join(filter(None, [shown_balancer(obj), *found])) or "<pending>"


def _ports(obj: Object) -> str:
    found = []
    for port in spec_of(obj).get("ports") or ():
        number = f"{port.get('port', 0)}:{port['nodePort']}" if port.get("nodePort") else str(port.get("port", 0))
        found.append(f"{number}/{port.get('protocol', '')}")
    return ",".join(found) or columns.NONE


_SPEC = "core.v1.ServiceSpec"
SERVICE = Kind(
    group="",
    version="v1",
    kind="Service",
    plural="services",
    short_names=("svc",),
    categories=("all",),
    schema=schema("core.v1.Service"),
    default=default,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    allocate=allocate,
    validate_create=validate,
    validate_update=validate_update,  # looks at the change first, at the rest then
    validate_name=names.label,
    warn=warn,
    returns_deleted=True,
    create_on_update=True,
    selectable=lambda obj: {
        "spec.clusterIP": spec_of(obj).get("clusterIP", ""),
        "spec.type": spec_of(obj).get("type", ""),
    },
    subresources=(
        Subresource("proxy", ("create", "delete", "get", "patch", "update"), kind="ServiceProxyOptions"),
        status(validate_status, warn=warn_balancer),
    ),
    columns=(
        columns.NAME,
        columns.shown("Type", _SPEC, "spec.type"),
        Column(
            "Cluster-IP",
            "string",
            columns.documented(_SPEC, "clusterIP"),
            lambda obj: spec_of(obj).get("clusterIP") or columns.NONE,
        ),
        Column("External-IP", "string", columns.documented(_SPEC, "externalIPs"), _external),
        Column("Port(s)", "string", columns.documented(_SPEC, "ports"), _ports),
        columns.AGE,
        Column(
            "Selector",
            "string",
            columns.documented(_SPEC, "selector"),
            lambda obj: columns.labelled(spec_of(obj).get("selector")),
            priority=1,
        ),
    ),
)
