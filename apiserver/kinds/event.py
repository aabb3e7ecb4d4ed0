"""Event of the core group. Source: kubernetes/pkg/apis/core/validation/events.go and pkg/registry/core/event."""

from collections.abc import Mapping

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.versions import Faces, hub
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

MOST_BYTES, MOST_MESSAGE = 128, 1024


def validate(obj: Object, reporter: str = "reportingComponent") -> ErrorList:
    """`reporter` is what the version calls that field. Those with an event time are of the new form: it asks more."""
    namespace = obj["metadata"].get("namespace", "")
    involved = (obj.get("involvedObject") or {}).get("namespace", "")
    new = bool(obj.get("eventTime"))
    nowhere = not involved and namespace in (("default", "kube-system") if new else ("", "default"))
    errors: ErrorList = []
    if namespace != involved and not nowhere and not (new and involved):
        errors.append(field.invalid(Path("involvedObject.namespace"), involved, "does not match event.namespace"))
    return errors + _reported(obj, reporter) if new else errors


def _reported(obj: Object, reporter: str) -> ErrorList:
    component, path = obj.get("reportingComponent", ""), Path(reporter)
    errors = [] if component else [field.required(path)]
    errors += names.each(path, component, names.qualified(component))
    for name, most in (("reportingInstance", MOST_BYTES), ("action", MOST_BYTES), ("reason", MOST_BYTES)):
        if not obj.get(name):
            errors.append(field.required(Path(name)))
        errors += _short(obj, name, most)
    return errors + _short(obj, "message", MOST_MESSAGE)


def _short(obj: Object, name: str, most: int) -> ErrorList:
    if len((obj.get(name) or "").encode()) <= most:
        return []
    return [field.invalid(Path(name), "", f"can have at most {most} characters")]


def _selectable(obj: Object) -> Mapping[str, str]:
    involved, source = obj.get("involvedObject") or {}, (obj.get("source") or {}).get("component", "")
    fields = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    found = {f"involvedObject.{name}": involved.get(name, "") for name in fields}
    reporting = obj.get("reportingComponent", "")
    return {
        **found,
        "reason": obj.get("reason", ""),
        "reportingComponent": reporting,
        "source": source or reporting,
        "type": obj.get("type", ""),
    }


def _first(obj: Object) -> str:
    return columns.age(obj.get("firstTimestamp") or obj.get("eventTime"))


def _last(obj: Object) -> str:
    if series := obj.get("series"):
        return columns.age(series.get("lastObservedTime"))
    return columns.age(obj["lastTimestamp"]) if obj.get("lastTimestamp") else _first(obj)


def _object(obj: Object) -> str:
    involved = obj.get("involvedObject") or {}
    kind, name = involved.get("kind", "").lower(), involved.get("name", "")
    return f"{kind}/{name}" if name else str(kind)


def _source(obj: Object) -> str:
    source = obj.get("source") or {}
    component, host = source.get("component", ""), source.get("host", "")
    component, host = component or obj.get("reportingComponent", ""), host or obj.get("reportingInstance", "")
    return f"{component}, {host}" if host else str(component)


def _count(obj: Object) -> int:
    series = obj.get("series")
    return int(series.get("count", 0) if series else obj.get("count") or 1)


def _documented(name: str) -> str:
    return columns.documented("core.v1.Event", name)


EVENT = hub(
    Kind(
        group="",
        version="v1",
        kind="Event",
        plural="events",
        ttl_seconds=3600,
        short_names=("ev",),
        schema=schema("core.v1.Event"),
        validate=validate,
        validate_name=names.path_segment,
        create_on_update=True,
        selectable=_selectable,
        columns=(
            Column("Last Seen", "string", _documented("lastTimestamp"), _last),
            columns.shown("Type", "core.v1.Event", "type"),
            columns.shown("Reason", "core.v1.Event", "reason"),
            Column("Object", "string", _documented("involvedObject"), _object),
            Column(
                "Subobject",
                "string",
                columns.documented("core.v1.ObjectReference", "fieldPath"),
                lambda obj: (obj.get("involvedObject") or {}).get("fieldPath", ""),
                priority=1,
            ),
            Column("Source", "string", _documented("source"), _source, priority=1),
            Column("Message", "string", _documented("message"), lambda obj: obj.get("message", "").strip()),
            Column("First Seen", "string", _documented("firstTimestamp"), _first, priority=1),
            Column("Count", "string", _documented("count"), _count, priority=1),
            Column("Name", "string", columns.NAME.description, columns.NAME.cell, priority=1),
        ),
    ),
    Faces(),
)
