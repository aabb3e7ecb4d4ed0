"""Event of events.k8s.io: the core group's Event by other names, and with stricter rules.

Source: kubernetes/pkg/apis/events/v1/conversion.go, pkg/apis/core/validation/events.go.
"""

from apiserver.kinds import event as core
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Object
from apiserver.kinds.versions import face
from apiserver.kinds.workload import IMMUTABLE
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

NAMES = {  # the core group's, and here
    "count": "deprecatedCount",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "involvedObject": "regarding",
    "lastTimestamp": "deprecatedLastTimestamp",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
}
_BACK = {here: there for there, here in NAMES.items()}
_ALWAYS = ("reportingComponent", "reportingInstance")  # written there even when they are empty
UNSET = ("firstTimestamp", "lastTimestamp", "count", "source")
FIXED = (
    *("involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason", "type"),
    *("eventTime", "action", "related", "reportingController", "reportingInstance"),
)
TYPES = ("Normal", "Warning")
REFERENCES = {
    "involvedObject": "core.v1.ObjectReference",
    "related": "core.v1.ObjectReference",
    "source": "core.v1.EventSource",
}


def to_hub(obj: Object) -> Object:
    made = {_BACK.get(name, name): value for name, value in obj.items()}
    return {**dict.fromkeys(_ALWAYS, ""), **made}


def from_hub(obj: Object) -> Object:
    return {NAMES.get(name, name): value for name, value in obj.items() if value or name not in _ALWAYS}


def validate(obj: Object) -> ErrorList:
    return core.validate(to_hub(obj), "reportingController")


def validate_create(obj: Object) -> ErrorList:
    """What the core group lets pass. Fields are named as there."""
    event = to_hub(obj)
    errors = _series(event)
    if not event.get("eventTime"):
        errors.append(field.required(Path("eventTime")))
    if event.get("type") not in TYPES:
        errors.append(field.invalid(Path("type"), "", f"has invalid value: {event.get('type', '')}"))
    return errors + [field.invalid(Path(name), "", "needs to be unset") for name in UNSET if event.get(name)]


def _series(event: Object) -> ErrorList:
    found = event.get("series")
    if found is None:
        return []
    errors: ErrorList = []
    if found.get("count", 0) < 2:
        errors.append(field.invalid(Path("series.count"), "", "should be at least 2"))
    if not found.get("lastObservedTime"):
        errors.append(field.required(Path("series.lastObservedTime")))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    """Only the series goes on."""
    now, was = to_hub(new), to_hub(old)
    errors = _series(now) if now.get("series") != was.get("series") else []
    for name in FIXED:
        there = "reportingComponent" if name == "reportingController" else name
        if (now.get(there) or None) != (was.get(there) or None):
            errors.append(field.invalid(Path(name), _shown(name, now.get(there)), IMMUTABLE))
    return errors


def _shown(name: str, value: object) -> object:
    return internal(value, REFERENCES[name]) if name in REFERENCES and isinstance(value, dict) else value


_REGARDING = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
EVENTS_EVENT = face(
    core.EVENT,
    group="events.k8s.io",
    version="v1",
    schema=schema("events.v1.Event"),
    to_hub=to_hub,
    from_hub=from_hub,
    validate_name=None,
    validate=validate,
    validate_create=validate_create,
    validate_update=validate_update,
    field_labels={
        "metadata.name": "metadata.name",
        "metadata.namespace": "metadata.namespace",
        "reason": "reason",
        "reportingController": "reportingComponent",
        "type": "type",
        **{f"regarding.{name}": f"involvedObject.{name}" for name in _REGARDING},
    },
)
