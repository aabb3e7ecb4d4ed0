"""FlowSchema: which requests belong to which priority level, and which of them to the same flow.

Source: kubernetes/pkg/apis/flowcontrol/{v1/defaults.go,validation}.
"""

from collections.abc import Callable, Sequence

from apiserver.kinds import columns, names
from apiserver.kinds.flowcontrol import conditions
from apiserver.kinds.flowcontrol.presets import EXEMPT, GROUP, SCHEMAS, mandatory_spec
from apiserver.kinds.go import internal
from apiserver.kinds.kind import Column, Kind, Object
from apiserver.kinds.strategy import drop_status, keep_status, status
from apiserver.kinds.workload import SPEC, spec_of, status_of
from apiserver.schema.load import schema
from podling.api import field
from podling.api.field import ErrorList, Path

TYPE = "flowcontrol.v1.FlowSchema"
PRECEDENCE, MOST_PRECEDENCE = 1000, 10000
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
DISTINGUISHERS = ("ByNamespace", "ByUser")
SUBJECTS = {"User": "user", "Group": "group", "ServiceAccount": "serviceAccount"}
NAMESPACES_WORDS = "each member of this list must be '*' or a DNS-1123 label; "


def default(obj: Object) -> None:
    spec = spec_of(obj)
    if not spec.get("matchingPrecedence"):
        obj.setdefault("spec", spec)["matchingPrecedence"] = PRECEDENCE


def validate(obj: Object) -> ErrorList:
    name, spec = obj["metadata"].get("name", ""), spec_of(obj)
    errors = _spec(name, spec)
    fixed = mandatory_spec(SCHEMAS, name)
    if fixed is not None and spec != fixed:
        shown = internal(spec, f"{TYPE}Spec")
        errors.append(field.invalid(SPEC, shown, f"spec of '{name}' must equal the fixed value"))
    return errors + conditions.validate(obj)


def _spec(name: str, spec: Object) -> ErrorList:
    errors = _precedence(name, spec.get("matchingPrecedence") or 0, SPEC.child("matchingPrecedence"))
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in DISTINGUISHERS:
        shown = {"Type": method.get("type", "")}
        errors.append(field.not_supported(SPEC.child("distinguisherMethod", "type"), shown, DISTINGUISHERS))
    level, path = (
        (spec.get("priorityLevelConfiguration") or {}).get("name", ""),
        SPEC.child("priorityLevelConfiguration"),
    )
    if level:
        errors += names.each(path.child("name"), level, names.subdomain(level))
    else:
        errors.append(field.required(path.child("name"), "must reference a priority level"))
    for position, rules in enumerate(spec.get("rules") or ()):
        errors += _rules(rules, SPEC.child("rules").index(position))
    return errors


def _precedence(name: str, found: int, path: Path) -> ErrorList:
    errors: ErrorList = []
    if found <= 0:
        errors.append(field.invalid(path, found, "must be a positive value"))
    if found > MOST_PRECEDENCE:
        errors.append(field.invalid(path, found, f"must not be greater than {MOST_PRECEDENCE}"))
    if found == 1 and name != EXEMPT:
        errors.append(field.invalid(path, found, "only the schema named 'exempt' may have matchingPrecedence 1"))
    return errors


def _rules(rules: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    subjects, resources, others = (rules.get(name) or [] for name in ("subjects", "resourceRules", "nonResourceRules"))
    for position, subject in enumerate(subjects):
        errors += _subject(subject, path.child("subjects").index(position))
    if not subjects:
        errors.append(field.required(path.child("subjects"), "subjects must contain at least one value"))
    if not resources and not others:
        words = "at least one of resourceRules and nonResourceRules has to be non-empty"
        errors.append(field.required(path, words))
    for position, rule in enumerate(resources):
        errors += _resource_rule(rule, path.child("resourceRules").index(position))
    for position, rule in enumerate(others):
        errors += _other_rule(rule, path.child("nonResourceRules").index(position))
    return errors


def _subject(subject: Object, path: Path) -> ErrorList:
    kind = subject.get("kind", "")
    if kind not in SUBJECTS:
        return [field.not_supported(path.child("kind"), kind, sorted(SUBJECTS))]
    name = SUBJECTS[kind]
    here, found = path.child(name), subject.get(name)
    if found is None:
        errors = [field.required(here, f"{name} is required when subject kind is '{kind}'")]
    elif kind == "ServiceAccount":
        errors = _account(found, here)
    else:
        errors = [] if found.get("name") else [field.required(here.child("name"))]
    # Kubernetes looks at the account before the others, and at the user before the group.
    for other_kind, other in sorted(
        SUBJECTS.items(), key=lambda each: ("serviceAccount", "user", "group").index(each[1])
    ):
        if other_kind != kind and subject.get(other) is not None:
            words = f"{other} is forbidden when subject kind is not '{other_kind}'"
            errors.append(field.forbidden(path.child(other), words))
    return errors


def _account(found: Object, path: Path) -> ErrorList:
    name, namespace = found.get("name", ""), found.get("namespace", "")
    errors: ErrorList = []
    if not name:
        errors.append(field.required(path.child("name")))
    elif name != "*":
        errors += names.each(path.child("name"), name, names.subdomain(name))
    if namespace:
        return errors + names.each(path.child("namespace"), namespace, names.label(namespace))
    return [*errors, field.required(path.child("namespace"), "must specify namespace for service account")]


def _alone(found: Sequence[str], path: Path, noun: str) -> ErrorList:
    """A star stands alone."""
    if "*" not in found or len(found) == 1:
        return []
    return [field.invalid(path, list(found), f"if '*' is present, must not specify other {noun}")]


def _verbs(rule: Object, path: Path) -> ErrorList:
    verbs, here = rule.get("verbs") or [], path.child("verbs")
    if not verbs:
        return [field.required(here, "verbs must contain at least one value")]
    if "*" not in verbs and not set(verbs) <= set(VERBS):
        return [field.not_supported(here, verbs, VERBS)]
    return _alone(verbs, here, "verbs")


def _resource_rule(rule: Object, path: Path) -> ErrorList:
    errors = _verbs(rule, path)
    for name, one, many in (("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")):
        found = rule.get(name) or []
        if not found:
            errors.append(field.required(path.child(name), f"resource rules must supply at least one {one}"))
        errors += _alone(found, path.child(name), many)
    namespaces, here = rule.get("namespaces") or [], path.child("namespaces")
    if not namespaces and not rule.get("clusterScope"):
        words = "resource rules that are not cluster scoped must supply at least one namespace"
        errors.append(field.required(here, words))
    elif "*" in namespaces:
        errors += _alone(namespaces, here, "namespaces")
    else:
        for position, name in enumerate(namespaces):
            wrong = [NAMESPACES_WORDS + found for found in names.label(name)]
            errors += names.each(here.index(position), name, wrong)
    return errors


def _other_rule(rule: Object, path: Path) -> ErrorList:
    errors = _verbs(rule, path)
    urls, here = rule.get("nonResourceURLs") or [], path.child("nonResourceURLs")
    if not urls:
        errors.append(field.required(here, "nonResourceURLs must contain at least one value"))
    elif "*" in urls:
        errors += _alone(urls, here, "non-resource URLs")
    else:
        for position, url in enumerate(urls):
            words = next((words for wrong, words in URL_RULES if wrong(url)), "") if url != "/" else ""
            errors += [field.invalid(here.index(position), url, words)] if words else []
    return errors


URL_RULES: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda url: not url, "must not be empty"),
    (lambda url: not url.startswith("/"), "must start with slash"),
    (lambda url: " " in url, "must not contain white-space"),
    (lambda url: "//" in url, "must not contain double slash"),
    (
        lambda url: url.count("*") > 1 or ("*" in url and not url.endswith("/*")),
        "wildcard can only do suffix matching",
    ),
)


def _method(obj: Object) -> str:
    return (spec_of(obj).get("distinguisherMethod") or {}).get("type") or columns.NONE


def _missing(obj: Object) -> str:
    for condition in status_of(obj).get("conditions") or ():
        if condition.get("type") == "Dangling":
            return str(condition.get("status", ""))
    return "?"


def _order(obj: Object) -> tuple[int, str]:
    return spec_of(obj).get("matchingPrecedence", 0), obj["metadata"].get("name", "")


FLOW_SCHEMA = Kind(
    group=GROUP,
    version="v1",
    kind="FlowSchema",
    plural="flowschemas",
    namespaced=False,
    schema=schema(TYPE),
    default=default,
    prepare_create=drop_status(TYPE),
    prepare_update=keep_status,
    validate=validate,
    generation=("spec",),
    subresources=(status(conditions.validate_status),),
    row_order=_order,
    columns=(
        columns.NAME,
        Column(
            "PriorityLevel",
            "string",
            columns.documented("flowcontrol.v1.PriorityLevelConfigurationReference", "name"),
            lambda obj: (spec_of(obj).get("priorityLevelConfiguration") or {}).get("name", ""),
        ),
        columns.shown("MatchingPrecedence", f"{TYPE}Spec", "spec.matchingPrecedence", missing=0),
        Column("DistinguisherMethod", "string", columns.documented(f"{TYPE}Spec", "distinguisherMethod"), _method),
        columns.AGE,
        Column("MissingPL", "string", "references a broken or non-existent PriorityLevelConfiguration", _missing),
    ),
)
