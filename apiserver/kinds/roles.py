"""Role and ClusterRole. Source: kubernetes/pkg/apis/rbac/validation."""

from apiserver.kinds import columns, names
from apiserver.kinds.kind import Kind, Object
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

GROUP = "rbac.authorization.k8s.io"


def _rule(rule: Object, path: Path, *, namespaced: bool) -> ErrorList:
    errors: ErrorList = []
    if not rule.get("verbs"):
        errors.append(field.required(path.child("verbs"), "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            words = "namespaced rules cannot apply to non-resource URLs"
            errors.append(field.invalid(path.child("nonResourceURLs"), urls, words))
        if any(rule.get(name) for name in ("apiGroups", "resources", "resourceNames")):
            words = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(field.invalid(path.child("nonResourceURLs"), urls, words))
        return errors
    if not rule.get("apiGroups"):
        errors.append(field.required(path.child("apiGroups"), "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        errors.append(field.required(path.child("resources"), "resource rules must supply at least one resource"))
    return errors


def _rules(obj: Object, *, namespaced: bool) -> ErrorList:
    errors: ErrorList = []
    for position, rule in enumerate(obj.get("rules") or ()):
        errors += _rule(rule, Path("rules").index(position), namespaced=namespaced)
    return errors


def validate_role(obj: Object) -> ErrorList:
    return _rules(obj, namespaced=True)


def validate_cluster_role(obj: Object) -> ErrorList:
    errors = _rules(obj, namespaced=False)
    selectors = (obj.get("aggregationRule") or {}).get("clusterRoleSelectors")
    if obj.get("aggregationRule") is None:
        return errors
    path = Path("aggregationRule.clusterRoleSelectors")
    if not selectors:
        words = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        return [*errors, field.required(path, words)]
    for position, selector in enumerate(selectors):
        errors += names.selector(selector, path.index(position))
    return errors


def _stored(obj: Object, _: Object | None = None) -> None:
    """A list of nothing is stored as no list."""
    obj["rules"] = obj.get("rules") or None


ROLE = Kind(
    group=GROUP,
    version="v1",
    kind="Role",
    plural="roles",
    schema=schema("rbac.v1.Role"),
    prepare_create=_stored,
    prepare_update=_stored,
    validate=validate_role,
    validate_name=names.path_segment,
    create_on_update=True,
    columns=(columns.NAME, columns.CREATED_AT),
)
CLUSTER_ROLE = Kind(
    group=GROUP,
    version="v1",
    kind="ClusterRole",
    plural="clusterroles",
    namespaced=False,
    schema=schema("rbac.v1.ClusterRole"),
    prepare_create=_stored,
    prepare_update=_stored,
    validate=validate_cluster_role,
    validate_name=names.path_segment,
    create_on_update=True,
    columns=(columns.NAME, columns.CREATED_AT),
)
