"""RoleBinding and ClusterRoleBinding. Source: kubernetes/pkg/apis/rbac/validation and .../rbac/v1/defaults.go."""

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.roles import GROUP
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

SUBJECT_KINDS = ("ServiceAccount", "User", "Group")


def default(obj: Object) -> None:
    reference = obj.setdefault("roleRef", {})
    if not reference.get("apiGroup"):
        reference["apiGroup"] = GROUP
    for subject in obj.get("subjects") or ():
        if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = GROUP


def _validate(obj: Object, kinds: tuple[str, ...], *, namespaced: bool) -> ErrorList:
    reference, path = obj["roleRef"], Path("roleRef")
    errors: ErrorList = []
    if reference.get("apiGroup") != GROUP:
        errors.append(field.not_supported(path.child("apiGroup"), reference.get("apiGroup", ""), (GROUP,)))
    if reference.get("kind") not in kinds:
        errors.append(field.not_supported(path.child("kind"), reference.get("kind", ""), kinds))
    if not reference.get("name"):
        errors.append(field.required(path.child("name")))
    else:
        errors += names.each(path.child("name"), reference["name"], names.path_segment(reference["name"]))
    for position, subject in enumerate(obj.get("subjects") or ()):
        errors += _subject(subject, Path("subjects").index(position), namespaced=namespaced)
    return errors


def _subject(subject: Object, path: Path, *, namespaced: bool) -> ErrorList:
    kind, name, group = subject.get("kind", ""), subject.get("name", ""), subject.get("apiGroup", "")
    errors = [] if name else [field.required(path.child("name"))]
    if kind == "ServiceAccount":
        if name:
            errors += names.each(path.child("name"), name, names.subdomain(name))
        if group:
            errors.append(field.not_supported(path.child("apiGroup"), group, ("",)))
        if not namespaced and not subject.get("namespace"):
            errors.append(field.required(path.child("namespace")))
    elif kind in SUBJECT_KINDS:
        if group != GROUP:
            errors.append(field.not_supported(path.child("apiGroup"), group, (GROUP,)))
    else:
        errors.append(field.not_supported(path.child("kind"), kind, SUBJECT_KINDS))
    return errors


def validate_update(new: Object, old: Object) -> ErrorList:
    reference = new["roleRef"]
    if reference == old.get("roleRef"):
        return []
    shown = {
        "APIGroup": reference.get("apiGroup", ""),
        "Kind": reference.get("kind", ""),
        "Name": reference.get("name", ""),
    }
    return [field.invalid(Path("roleRef"), shown, "cannot change roleRef")]


def _of_kind(kind: str, obj: Object) -> str:
    found = [subject for subject in obj.get("subjects") or () if subject.get("kind") == kind]
    if kind == "ServiceAccount":
        return columns.joined([f"{each.get('namespace', '')}/{each.get('name', '')}" for each in found])
    return columns.joined([each.get("name", "") for each in found])


def _columns(type_name: str, noun: str) -> tuple[Column, ...]:
    return (
        columns.NAME,
        Column(
            "Role",
            "string",
            columns.documented(type_name, "roleRef").removesuffix(" This field is immutable."),
            lambda obj: "/".join((obj.get("roleRef") or {}).get(name, "") for name in ("kind", "name")),
        ),
        columns.AGE,
        Column("Users", "string", f"Users in the {noun}", lambda obj: _of_kind("User", obj), priority=1),
        Column("Groups", "string", f"Groups in the {noun}", lambda obj: _of_kind("Group", obj), priority=1),
        Column(
            "ServiceAccounts",
            "string",
            f"ServiceAccounts in the {noun}",
            lambda obj: _of_kind("ServiceAccount", obj),
            priority=1,
        ),
    )


ROLE_BINDING = Kind(
    group=GROUP,
    version="v1",
    kind="RoleBinding",
    plural="rolebindings",
    schema=schema("rbac.v1.RoleBinding"),
    default=default,
    validate=lambda obj: _validate(obj, ("Role", "ClusterRole"), namespaced=True),
    validate_update=validate_update,
    validate_name=names.path_segment,
    create_on_update=True,
    columns=_columns("rbac.v1.RoleBinding", "roleBinding"),
)
CLUSTER_ROLE_BINDING = Kind(
    group=GROUP,
    version="v1",
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    namespaced=False,
    schema=schema("rbac.v1.ClusterRoleBinding"),
    default=default,
    validate=lambda obj: _validate(obj, ("ClusterRole",), namespaced=False),
    validate_update=validate_update,
    validate_name=names.path_segment,
    create_on_update=True,
    columns=_columns("rbac.v1.ClusterRoleBinding", "clusterRoleBinding"),
)
