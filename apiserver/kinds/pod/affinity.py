"""Where a pod wants to be. Source: kubernetes/pkg/apis/core/validation.validateAffinity."""

from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
WEIGHT = "must be in the range 1-100"


def validate_affinity(affinity: Object | None, path: Path) -> ErrorList:
    if affinity is None:
        return []
    errors: ErrorList = []
    if (found := affinity.get("nodeAffinity")) is not None:
        errors += _node(found, path.child("nodeAffinity"))
    for name in ("podAffinity", "podAntiAffinity"):
        if (found := affinity.get(name)) is not None:
            errors += _pod(found, path.child(name))
    return errors


def _node(affinity: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    if (required := affinity.get(REQUIRED)) is not None:
        here = path.child(REQUIRED, "nodeSelectorTerms")
        terms = required.get("nodeSelectorTerms") or ()
        if not terms:
            errors.append(field.required(here, "must have at least one node selector term"))
        for position, term in enumerate(terms):
            errors += validate_node_term(term, here.index(position))
    for position, each in enumerate(affinity.get(PREFERRED) or ()):
        here = path.child(PREFERRED).index(position)
        errors += _weight(each, here)
        errors += validate_node_term(each.get("preference") or {}, here.child("preference"), values=False)
    return errors


def _weight(each: Object, path: Path) -> ErrorList:
    weight = each.get("weight", 0)
    return [] if 1 <= weight <= 100 else [field.invalid(path.child("weight"), weight, WEIGHT)]


def validate_node_selector(selector: Object, path: Path) -> ErrorList:
    path = path.child("nodeSelectorTerms")
    terms = selector.get("nodeSelectorTerms") or ()
    if not terms:
        return [field.required(path, "must have at least one node selector term")]
    return [error for place, term in enumerate(terms) for error in validate_node_term(term, path.index(place))]


def validate_node_term(term: Object, path: Path, *, values: bool = True) -> ErrorList:
    """`values`: whether they must be a label's; where they are only preferred they match nothing."""
    errors: ErrorList = []
    for position, each in enumerate(term.get("matchExpressions") or ()):
        errors += _expression(each, path.child("matchExpressions").index(position), labels=values)
    for position, each in enumerate(term.get("matchFields") or ()):
        errors += _field(each, path.child("matchFields").index(position))
    return errors


def _expression(each: Object, path: Path, *, labels: bool) -> ErrorList:
    operator, values, key = each.get("operator", ""), each.get("values") or [], each.get("key", "")
    here = path.child("values")
    errors: ErrorList = []
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(field.required(here, "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            words = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(field.forbidden(here, words))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            errors.append(field.required(here, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
    else:
        errors.append(field.invalid(path.child("operator"), operator, "not a valid selector operator"))
    errors += names.each(path.child("key"), key, names.qualified(key))
    for position, value in enumerate(values if labels else ()):
        errors += names.each(here.index(position), value, names.label_value(value))
    return errors


def _field(each: Object, path: Path) -> ErrorList:
    operator, values, key = each.get("operator", ""), each.get("values") or [], each.get("key", "")
    errors: ErrorList = []
    if operator in ("In", "NotIn"):
        if len(values) != 1:
            words = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            errors.append(field.required(path.child("values"), words))
    else:
        errors.append(field.invalid(path.child("operator"), operator, "not a valid selector operator"))
    if key != "metadata.name":
        return [*errors, field.invalid(path.child("key"), key, "not a valid field selector key")]
    for position, value in enumerate(values):
        errors += names.each(path.child("values").index(position), value, names.subdomain(value))
    return errors


def _pod(affinity: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, term in enumerate(affinity.get(REQUIRED) or ()):
        errors += _term(term, path.child(REQUIRED).index(position))
    for position, each in enumerate(affinity.get(PREFERRED) or ()):
        here = path.child(PREFERRED).index(position)
        errors += _weight(each, here) + _term(each.get("podAffinityTerm") or {}, here.child("podAffinityTerm"))
    return errors


def _term(term: Object, path: Path) -> ErrorList:
    errors = names.selector(term.get("labelSelector"), path.child("labelSelector"))
    errors += names.selector(term.get("namespaceSelector"), path.child("namespaceSelector"))
    for namespace in term.get("namespaces") or ():
        errors += names.each(path.child("namespace"), namespace, names.label(namespace))
    errors += _label_keys(term, path)
    key = term.get("topologyKey", "")
    if not key:
        errors.append(field.required(path.child("topologyKey"), "can not be empty"))
    return errors + names.each(path.child("topologyKey"), key, names.qualified(key))


def _label_keys(term: Object, path: Path) -> ErrorList:
    matched, mismatched = term.get("matchLabelKeys") or (), term.get("mismatchLabelKeys") or ()
    errors: ErrorList = []
    if (matched or mismatched) and term.get("labelSelector") is None:
        for name in ("matchLabelKeys", "mismatchLabelKeys"):
            if term.get(name):
                errors.append(field.forbidden(path.child(name), "must not be specified when labelSelector is not set"))
    errors += match_label_keys(matched, path.child("matchLabelKeys"))
    errors += match_label_keys(mismatched, path.child("mismatchLabelKeys"))
    errors += _selected_twice(matched, term.get("labelSelector") or {}, path)
    for position, key in enumerate(matched):
        if key in mismatched:
            words = "exists in both matchLabelKeys and mismatchLabelKeys"
            errors.append(field.invalid(path.child("matchLabelKeys").index(position), key, words))
    return errors


def _selected_twice(keys: Sequence[str], selector: Object, path: Path) -> ErrorList:
    """The keys' own expressions are in the selector by now: a second one is the user's. The path is the term's."""
    errors: ErrorList = []
    seen = {*(selector.get("matchLabels") or ())}
    for each in selector.get("matchExpressions") or ():
        key = each.get("key", "")
        if key in keys and key in seen:
            words = "exists in both matchLabelKeys and labelSelector"
            errors.append(field.invalid(path.index(list(keys).index(key)), key, words))
        seen.add(key)
    return errors


def match_label_keys(keys: Sequence[str], path: Path) -> ErrorList:
    errors: ErrorList = []
    for position, key in enumerate(keys):
        errors += names.each(path.index(position), key, names.qualified(key))
    return errors
