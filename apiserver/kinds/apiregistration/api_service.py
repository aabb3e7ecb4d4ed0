"""APIService: who serves a version of a group, this server or another one behind a service.

Source: k8s.io/kube-aggregator/pkg/apis/apiregistration/validation, pkg/registry/apiservice.
"""

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.strategy import drop_status, keep_spec, keep_status, status
from apiserver.kinds.workload import SPEC, STATUS, spec_of, status_of
from apiserver.schema.load import schema
from apiserver.webhook.clientconfig import PORT_WORDS
from podling.api import field
from podling.api.field import ErrorList, Path

AVAILABLE = "Available"
STATUSES = ("False", "True", "Unknown")
MOST_GROUP, MOST_VERSION = 20_000, 1000
KEPT = ("labels", "annotations", "finalizers", "ownerReferences")


def name_of(group: str, version: str) -> str:
    return f"{version}.{group}"


def default(obj: Object) -> None:
    service = spec_of(obj).get("service")
    if service is not None and service.get("port") is None:
        service["port"] = 443


def prepare_create(obj: Object) -> None:
    drop_status(API_SERVICES)(obj)
    if spec_of(obj).get("service") is None:
        obj["status"] = {"conditions": [local_condition(obj["metadata"].get("creationTimestamp"))]}


def local_condition(now: str | None) -> Object:
    words = "Local APIServices are always available"
    told = {"lastTransitionTime": now, "reason": "Local", "message": words}
    return {"type": AVAILABLE, "status": "True", **told}


def keep_all_but_status(new: Object, old: Object) -> None:
    keep_spec(new, old)
    for name in KEPT:
        new["metadata"].pop(name, None)
        if name in old["metadata"]:
            new["metadata"][name] = old["metadata"][name]


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    group, version = spec.get("group", ""), spec.get("version", "")
    errors = _name(obj["metadata"].get("name", ""), name_of(group, version))
    if not group and version != "v1":
        words = "only v1 may have an empty group and it better be legacy kube"
        errors.append(field.required(SPEC.child("group"), words))
    if group:
        errors += names.each(SPEC.child("group"), group, names.subdomain(group))
    errors += names.each(SPEC.child("version"), version, names.label_1035(version))
    errors += _priority(spec, "groupPriorityMinimum", MOST_GROUP) + _priority(spec, "versionPriority", MOST_VERSION)
    service = spec.get("service")
    return errors + (_local(spec) if service is None else _remote(spec, service))


def _name(name: str, wanted: str) -> ErrorList:
    path = Path("metadata.name")
    if name == wanted or names.path_segment(name):
        return []  # names.path_segment is what the kind's name is held against before
    return [field.invalid(path, name, f'must be `spec.version+"."+spec.group`: {field.show(wanted)}')]


def _priority(spec: Object, name: str, most: int) -> ErrorList:
    value = spec.get(name) or 0
    if 0 < value <= most:
        return []
    return [field.invalid(SPEC.child(name), value, f"must be positive and less than {most}")]


def _local(spec: Object) -> ErrorList:
    errors: ErrorList = []
    if bundle := spec.get("caBundle"):
        size = len(bundle) * 3 // 4 - bundle[-2:].count("=")
        errors.append(
            field.invalid(SPEC.child("caBundle"), f"{size} bytes", "local APIServices may not have a caBundle")
        )
    if spec.get("insecureSkipTLSVerify"):
        words = "local APIServices may not have insecureSkipTLSVerify"
        errors.append(field.invalid(SPEC.child("insecureSkipTLSVerify"), True, words))
    return errors


def _remote(spec: Object, service: Object) -> ErrorList:
    path = SPEC.child("service")
    errors = [field.required(path.child(name)) for name in ("namespace", "name") if not service.get(name)]
    port = service.get("port") or 0
    if not 1 <= port <= 65535:
        errors.append(field.invalid(path.child("port"), port, PORT_WORDS))
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        words = "may not be true if caBundle is present"
        errors.append(field.invalid(SPEC.child("insecureSkipTLSVerify"), True, words))
    return errors


def validate_status(new: Object, _old: Object) -> ErrorList:
    errors: ErrorList = []
    for position, condition in enumerate(status_of(new).get("conditions") or ()):
        if condition.get("status") not in STATUSES:
            path = STATUS.child("conditions").index(position).child("status")
            errors.append(field.not_supported(path, condition.get("status", ""), STATUSES))
    return errors


def condition_of(obj: Object) -> Object | None:
    found = status_of(obj).get("conditions") or ()
    return next((each for each in found if each.get("type") == AVAILABLE), None)


def is_available(obj: Object) -> bool:
    return (condition_of(obj) or {}).get("status") == "True"


def _service(obj: Object) -> str:
    service = spec_of(obj).get("service")
    return f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"


def _available(obj: Object) -> str:
    found = condition_of(obj)
    if found is None:
        return "Unknown"
    reason = found.get("reason")
    return f"{found['status']} ({reason})" if reason and found["status"] != "True" else str(found["status"])


API_SERVICES = "apiregistration.v1.APIService"
API_SERVICE = Kind(
    group="apiregistration.k8s.io",
    version="v1",
    kind="APIService",
    plural="apiservices",
    namespaced=False,
    categories=("api-extensions",),
    schema=schema(API_SERVICES),
    default=default,
    prepare_create=prepare_create,
    prepare_update=keep_status,
    validate=validate,
    validate_name=names.path_segment,
    unconditional_update=False,
    subresources=(status(validate_status, keep_all_but_status),),
    columns=(
        columns.NAME,
        Column("Service", "string", "The reference to the service that hosts this API endpoint.", _service),
        Column("Available", "string", "Whether this service is available.", _available),
        columns.AGE,
    ),
)
