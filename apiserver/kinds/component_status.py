"""ComponentStatus: is the scheduler well, are the controllers, is the store. Asked for when somebody looks."""

from typing import Any

from apiserver.kinds import columns
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.schema.load import schema


def _healthy(obj: Object) -> Object:
    return next((each for each in obj.get("conditions") or () if each.get("type") == "Healthy"), {})


def _status(obj: Object) -> Any:
    found = _healthy(obj)
    return "Unknown" if not found else "Healthy" if found.get("status") == "True" else "Unhealthy"


def _words(name: str) -> Column:
    documented = f"{name} of the component conditions"
    return Column(name, "string", documented, lambda obj: _healthy(obj).get(name.lower(), ""))


COMPONENT_STATUS = Kind(
    group="",
    version="v1",
    kind="ComponentStatus",
    plural="componentstatuses",
    short_names=("cs",),
    namespaced=False,
    schema=schema("core.v1.ComponentStatus"),
    verbs=("get", "list"),
    deprecated="v1 ComponentStatus is deprecated in v1.19+",
    stored=False,
    columns=(
        columns.NAME,
        Column("Status", "string", "Status of the component conditions", _status),
        _words("Message"),
        _words("Error"),
    ),
)
