"""Event of the core group. Source: kubernetes/pkg/apis/core/validation/events.go and pkg/registry/core/event."""

from collections.abc import Mapping

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.versions import Faces, hub
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

MOST_INSTANCE = 128


def validate(obj: Object) -> ErrorList:
    errors: ErrorList = []
    namespace = obj["metadata"].get("namespace", "")
    involved = (obj.get("involvedObject") or {}).get("namespace", "")
    if namespace != involved and not (not involved and namespace in ("", "default")):
        errors.append(field.invalid(Path("involvedObject.namespace"), involved, "does not match event.namespace"))
    if obj.get("eventTime"):
        errors += _reported(obj)
    return errors


def _reported(obj: Object) -> ErrorList:
    """Events with an event time are of the new form, which asks for more."""
    component, path = obj.get("reportingComponent", ""), Path("reportingComponent")
    errors = [] if component else [field.required(path)]
    errors += names.each(path, component, names.qualified(component))
    instance = obj.get("reportingInstance", "")
    if not instance:
        errors.append(field.required(Path("reportingInstance")))
    if len(instance) > MOST_INSTANCE:
        errors.append(field.invalid(Path("repotingIntance"), "", "can have at most 128 characters"))
    return errors + [field.required(Path(name)) for name in ("action", "reason") if not obj.get(name)]


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
    return "/".join(filter(None, (involved.get("kind", "").lower(), involved.get("name", ""))))


def _source(obj: Object) -> str:
    source = obj.get("source") or {}
    component, host = source.get("component", ""), source.get("host", "")
    component, host = component or obj.get("reportingComponent", ""), host or obj.get("reportingInstance", "")
    return ", ".join(filter(None, (component, host)))


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
