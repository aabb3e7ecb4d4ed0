"""Node. Source: kubernetes/pkg/apis/core/validation.ValidateNode and pkg/registry/core/node."""

import json

from apiserver.kinds import columns
from apiserver.kinds.addresses import validate_cidr, warn_cidr
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Column, Kind, Object, Subresource
from apiserver.kinds.pod.amounts import is_extended
from apiserver.kinds.taints import validate_taints
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, FieldError, Path
from podling.api.quantity import WHOLE, parse

ROLE_PREFIX, ROLE_LABEL = "node-role.kubernetes.io/", "kubernetes.io/role"


def default(obj: Object) -> None:
    status = obj.setdefault("status", {})
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])
    spec = obj.setdefault("spec", {})
    cidr, cidrs = spec.get("podCIDR"), spec.get("podCIDRs") or []
    if cidr and cidrs[:1] != [cidr]:
        spec["podCIDRs"] = [cidr]
    elif cidrs and not cidr:
        spec["podCIDR"] = cidrs[0]


def validate(obj: Object) -> ErrorList:
    spec = obj.get("spec") or {}
    errors = validate_taints(spec.get("taints") or [], Path("metadata.taints")) + _resources(obj)
    cidrs, path = spec.get("podCIDRs") or [], Path("spec.podCIDRs")
    for position, cidr in enumerate(cidrs):
        errors += validate_cidr(cidr, path.index(position))
    if len({":" in cidr for cidr in cidrs}) < len(cidrs):
        errors.append(field.invalid(path, cidrs, "may specify no more than one CIDR for each IP family"))
    twice = [position for position, cidr in enumerate(cidrs) if cidr in cidrs[:position]]
    return errors + [field.duplicate(path.index(position), cidrs[position]) for position in twice]


def _resources(obj: Object) -> ErrorList:
    errors: ErrorList = []
    for part in ("capacity", "allocatable"):
        for name, text in sorted(((obj.get("status") or {}).get(part) or {}).items()):
            amount, path = parse(text), Path("status").child(part, name)
            errors += validate_not_negative(text, path)
            if amount.nanos % WHOLE and (name == "pods" or is_extended(name)):
                errors.append(field.invalid(path, text, "must be an integer"))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    """Amounts and taints are looked at here and in `validate`: Kubernetes names their errors twice."""
    errors = _resources(new)
    seen: list[tuple[str, str]] = []
    for position, address in enumerate((new.get("status") or {}).get("addresses") or ()):
        key = (address.get("type", ""), address.get("address", ""))
        if key in seen:
            shown = json.dumps({"Type": key[0], "Address": key[1]}, separators=(",", ":"))
            path = Path("status.addresses").index(position)
            errors.append(FieldError("FieldValueDuplicate", str(path), f"Duplicate value: {shown}"))
        seen.append(key)
    before, now = old.get("spec") or {}, new.get("spec") or {}
    if kept := before.get("podCIDRs"):
        given = now.get("podCIDRs") or []
        changed = (
            [one for one, other in zip(kept, given, strict=True) if one != other] if len(given) == len(kept) else [""]
        )
        errors += [field.forbidden(Path("spec.podCIDRs"), _only_once("podCIDR")) for _ in changed]
    if before.get("providerID") and now.get("providerID") != before["providerID"]:
        errors.append(field.forbidden(Path("spec.providerID"), _only_once("providerID")))
    errors += validate_taints(now.get("taints") or [], Path("metadata.taints"))
    if (now.get("externalID") or "") != (before.get("externalID") or ""):
        errors.append(field.forbidden(Path("spec.externalID"), "may not be updated"))
    return errors


def _only_once(name: str) -> str:
    return f'node updates may not change {name} except from "" to valid'


def warn(obj: Object) -> list[str]:
    spec = obj.get("spec") or {}
    words = "spec.externalID: this field is deprecated, and is unused by Kubernetes"
    found = [words] if spec.get("externalID") else []
    path = Path("spec.podCIDRs")
    return found + [
        words for place, cidr in enumerate(spec.get("podCIDRs") or ()) for words in warn_cidr(cidr, path.index(place))
    ]


def _drop_config(obj: Object) -> None:
    """What nodes were configured from once."""
    (obj.get("spec") or {}).pop("configSource", None)


def _keep_status(new: Object, old: Object) -> None:
    new["status"] = old.get("status", {})
    _drop_config(new)


def _keep_spec(new: Object, old: Object) -> None:
    new["spec"] = old.get("spec", {})
    (new.get("status") or {}).pop("config", None)


def _status(obj: Object) -> str:
    ready = next(
        (each for each in (obj.get("status") or {}).get("conditions") or () if each.get("type") == "Ready"), None
    )
    words = ["Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"]
    return ",".join([*words, "SchedulingDisabled"] if (obj.get("spec") or {}).get("unschedulable") else words)


def _roles(obj: Object) -> str:
    found: set[str] = set()
    for key, value in (obj["metadata"].get("labels") or {}).items():
        if key.startswith(ROLE_PREFIX) and key != ROLE_PREFIX:
            found.add(key.removeprefix(ROLE_PREFIX))
        elif key == ROLE_LABEL and value:
            found.add(value)
    return ",".join(sorted(found)) or columns.NONE


def _address(obj: Object, kind: str) -> str:
    addresses = (obj.get("status") or {}).get("addresses") or ()
    return next((each.get("address", "") for each in addresses if each.get("type") == kind), columns.NONE)


def _info(obj: Object, name: str) -> str:
    return str(((obj.get("status") or {}).get("nodeInfo") or {}).get(name, ""))


def _kernel(obj: Object) -> str:
    version, architecture = _info(obj, "kernelVersion"), _info(obj, "architecture")
    return f"{version} ({architecture})" if version and architecture else version or columns.UNKNOWN


_INFO = "core.v1.NodeSystemInfo"
_ADDRESSES = columns.documented("core.v1.NodeStatus", "addresses")
NODE = Kind(
    group="",
    version="v1",
    kind="Node",
    plural="nodes",
    namespaced=False,
    short_names=("no",),
    schema=schema("core.v1.Node"),
    default=default,
    prepare_create=_drop_config,
    prepare_update=_keep_status,
    validate=validate,
    validate_update=validate_update,
    warn=warn,
    selectable=lambda obj: {
        "spec.unschedulable": str(bool((obj.get("spec") or {}).get("unschedulable"))).lower(),
    },
    subresources=(
        Subresource("proxy", ("create", "delete", "get", "patch", "update"), kind="NodeProxyOptions"),
        Subresource("status", ("get", "patch", "update"), prepare_update=_keep_spec, validate_update=validate_update),
    ),
    columns=(
        columns.NAME,
        Column("Status", "string", "The status of the node", _status),
        Column("Roles", "string", "The roles of the node", _roles),
        columns.AGE,
        Column(
            "Version", "string", columns.documented(_INFO, "kubeletVersion"), lambda obj: _info(obj, "kubeletVersion")
        ),
        Column("Internal-IP", "string", _ADDRESSES, lambda obj: _address(obj, "InternalIP"), priority=1),
        Column("External-IP", "string", _ADDRESSES, lambda obj: _address(obj, "ExternalIP"), priority=1),
        Column(
            "OS-Image",
            "string",
            columns.documented(_INFO, "osImage"),
            lambda obj: _info(obj, "osImage") or columns.UNKNOWN,
            priority=1,
        ),
        Column("Kernel-Version", "string", columns.documented(_INFO, "kernelVersion"), _kernel, priority=1),
        Column(
            "Container-Runtime",
            "string",
            columns.documented(_INFO, "containerRuntimeVersion"),
            lambda obj: _info(obj, "containerRuntimeVersion") or columns.UNKNOWN,
            priority=1,
        ),
    ),
)
