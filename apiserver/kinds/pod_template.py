"""PodTemplate. Source: kubernetes/pkg/apis/core/validation.ValidatePodTemplate."""

from collections.abc import Sequence

from apiserver.kinds import columns
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.pod import template as pods
from apiserver.kinds.pod.warnings import warn_template
from apiserver.schema.load import schema
from podling.api.field import ErrorList, Path

TEMPLATE = Path("template")


def default(obj: Object) -> None:
    pods.default_template(obj.setdefault("template", {}))


def validate(obj: Object) -> ErrorList:
    return pods.validate_template(obj.get("template") or {}, TEMPLATE)


def _in_spec(obj: Object) -> Object:
    """As the other kinds hold it."""
    return {"spec": {"template": obj.get("template") or {}}}


def _warn(obj: Object) -> Sequence[str]:
    return warn_template(obj.get("template") or {}, TEMPLATE)


POD_TEMPLATE = Kind(
    group="",
    version="v1",
    kind="PodTemplate",
    plural="podtemplates",
    schema=schema("core.v1.PodTemplate"),
    default=default,
    validate=validate,
    warn=_warn,
    warn_update=pods.warn_update(_warn),
    generation=("template",),
    columns=(
        columns.NAME,
        *(columns.of_part(each, _in_spec, priority=0) for each in pods.COLUMNS),
        Column(
            "Pod Labels",
            "string",
            "The labels for the pod template.",
            lambda obj: columns.labelled(((obj.get("template") or {}).get("metadata") or {}).get("labels")),
        ),
    ),
)
