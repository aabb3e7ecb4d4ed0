"""CSIDriver: what a storage driver can do. Source: kubernetes/pkg/apis/storage/validation."""

from typing import Any

from apiserver.kinds import columns
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.workload import SPEC, immutable, spec_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

FLAGS = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "requiresRepublish": False,
    "seLinuxMount": False,
    "storageCapacity": False,
}
GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
MODES = ("Persistent", "Ephemeral")
LEAST_SECONDS, MOST_SECONDS, LEAST_PERIOD_SECONDS = 600, 1 << 32, 10


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    for name, value in FLAGS.items():
        spec[name] = value if spec.get(name) is None else spec[name]
    if spec.get("fsGroupPolicy") is None:
        spec["fsGroupPolicy"] = "ReadWriteOnceWithFSType"
    spec["volumeLifecycleModes"] = spec.get("volumeLifecycleModes") or ["Persistent"]


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    errors: ErrorList = []
    if spec.get("fsGroupPolicy") not in GROUP_POLICIES:
        errors.append(field.not_supported(SPEC.child("fsGroupPolicy"), spec.get("fsGroupPolicy"), GROUP_POLICIES))
    errors += _token_requests(spec.get("tokenRequests") or [], SPEC.child("tokenRequests"))
    if spec.get("serviceAccountTokenInSecrets") is not None and not spec.get("tokenRequests"):
        words = "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
        path = SPEC.child("serviceAccountTokenInSecrets")
        errors.append(field.invalid(path, spec["serviceAccountTokenInSecrets"], words))
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in MODES:
            errors.append(field.not_supported(SPEC.child("volumeLifecycleModes"), mode, MODES))
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < LEAST_PERIOD_SECONDS:
        words = f"must be greater than or equal to {LEAST_PERIOD_SECONDS} seconds"
        errors.append(field.invalid(SPEC.child("nodeAllocatableUpdatePeriodSeconds"), period, words))
    return errors


def _token_requests(found: list[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, each in enumerate(found):
        audience, seconds = each.get("audience", ""), each.get("expirationSeconds")
        here = path.index(position).child("expirationSeconds")
        if audience in seen:
            errors.append(field.duplicate(path.index(position).child("audience"), audience))
        elif seconds is not None and seconds < LEAST_SECONDS:
            errors.append(field.invalid(here, seconds, "may not specify a duration less than 10 minutes"))
        elif seconds is not None and seconds > MOST_SECONDS:
            errors.append(field.invalid(here, seconds, "may not specify a duration larger than 2^32 seconds"))
        seen.add(audience)
    return errors


def _count(new: Object, old: Object) -> None:
    """From 0 on: a new driver has no generation."""
    if spec_of(new) != spec_of(old):
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def validate_update(new: Object, old: Object) -> ErrorList:
    now, was = spec_of(new), spec_of(old)
    errors: ErrorList = []
    if now.get("attachRequired") != was.get("attachRequired"):
        errors += immutable(now.get("attachRequired"), was.get("attachRequired"), SPEC.child("attachedRequired"))
    modes = "volumeLifecycleModes"
    return errors + immutable(now.get(modes), was.get(modes), SPEC.child(modes))


def _audiences(obj: Object) -> str:
    asked = spec_of(obj).get("tokenRequests")
    return ",".join(each.get("audience", "") for each in asked) if asked else "<unset>"


_SPEC = "storage.v1.CSIDriverSpec"


def _flag(title: str, name: str) -> Column:
    return columns.shown(title, _SPEC, f"spec.{name}", missing=FLAGS[name], kind="boolean")


def _modes(obj: Object) -> Any:
    return ",".join(spec_of(obj).get("volumeLifecycleModes") or ()) or columns.NONE


CSI_DRIVER = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="CSIDriver",
    plural="csidrivers",
    namespaced=False,
    schema=schema("storage.v1.CSIDriver"),
    default=default,
    prepare_update=_count,
    validate=validate,
    validate_update=validate_update,
    unconditional_update=False,
    returns_deleted=True,
    columns=(
        columns.NAME,
        _flag("AttachRequired", "attachRequired"),
        _flag("PodInfoOnMount", "podInfoOnMount"),
        _flag("StorageCapacity", "storageCapacity"),
        Column("TokenRequests", "string", columns.documented(_SPEC, "tokenRequests"), _audiences),
        _flag("RequiresRepublish", "requiresRepublish"),
        Column("Modes", "string", columns.documented(_SPEC, "volumeLifecycleModes"), _modes),
        columns.AGE,
    ),
)
