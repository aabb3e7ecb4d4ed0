"""Which writes a webhook or a policy means: rules, selectors of namespaces and objects, equivalent resources. Pure.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/predicates, plugin/policy/matching.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from apiserver.admission.plugin import Admission
from apiserver.kinds.kind import Kind
from apiserver.lister import Lister
from podling.api import selectors
from podling.api.errors import ApiError, GroupResource, not_found

Object = Mapping[str, Any]

NAMESPACES = GroupResource("", "namespaces")
GROUP = "admissionregistration.k8s.io"


class Wanted(NamedTuple):
    """What is to be matched: a webhook's or a policy's rules and selectors. `excluded` rules are a policy's alone."""

    rules: Sequence[Object]
    namespace_selector: Object | None = None
    object_selector: Object | None = None
    equivalent: bool = True
    excluded: Sequence[Object] = ()

    @classmethod
    def of(cls, found: Object) -> "Wanted":
        """Of a webhook (`rules`) or of a policy's MatchResources (`resourceRules`)."""
        return cls(
            rules=found.get("rules") or found.get("resourceRules") or (),
            namespace_selector=found.get("namespaceSelector"),
            object_selector=found.get("objectSelector"),
            equivalent=found.get("matchPolicy", "Equivalent") == "Equivalent",
            excluded=found.get("excludeResourceRules") or (),
        )


def is_exempt(write: Admission) -> bool:
    """Webhooks and policies never judge their own configuration: a wrong one could not be mended."""
    return write.kind.group == GROUP


def namespace_of(write: Admission) -> str:
    """A namespace is in itself."""
    return write.name if write.kind.resource == NAMESPACES else write.namespace


class Matcher:
    """`served` gives all kinds of now: other versions of a resource are equivalent to it."""

    def __init__(self, lister: Lister, served: Callable[[], Iterable[Kind]]) -> None:
        self._lister, self._served = lister, served

    def match(self, write: Admission, wanted: Wanted) -> Kind | None:
        """The kind in whose version the write is meant, None where it is not. Raises NotFound where its namespace is
        needed and not there."""
        try:
            unknown: ApiError | None = None
            if not self._in_namespace(write, wanted.namespace_selector):
                return None
        except ApiError as error:  # told only where everything else matches
            unknown = error
        if not _object_matches(write, wanted.object_selector):
            return None
        if wanted.excluded and self.by_rules(write, wanted.excluded, wanted.equivalent):
            return None
        found = self.by_rules(write, wanted.rules, wanted.equivalent)
        if found is not None and unknown is not None:
            raise unknown
        return found

    def by_rules(self, write: Admission, rules: Sequence[Object], equivalent: bool) -> Kind | None:
        if any(rule_matches(rule, write, write.kind) for rule in rules):
            return write.kind
        if not equivalent or not rules:
            return None
        others = [kind for kind in self._served() if kind.home is write.kind.home and kind is not write.kind]
        return next((kind for rule in rules for kind in others if rule_matches(rule, write, kind)), None)

    def namespace(self, write: Admission) -> dict[str, Any] | None:
        """The namespace that a write is in; raises NotFound; None for what is in none."""
        name = namespace_of(write)
        if not name:
            return None
        found = self._lister.get(NAMESPACES, "", name)
        if found is None:
            raise not_found(NAMESPACES, name)
        return found

    def _in_namespace(self, write: Admission, selector: Object | None) -> bool:
        is_namespace = write.kind.resource == NAMESPACES
        if _is_empty(selector) or not (write.namespace or is_namespace):
            return True
        if is_namespace and not write.subresource and write.operation in ("CREATE", "UPDATE"):
            found = write.object  # the one kept is not up to date yet
        else:
            found = self.namespace(write)
        return _labels_match(found, selector)


def rule_matches(rule: Object, write: Admission, kind: Kind) -> bool:
    """Is the write meant, if it is of `kind`?"""
    return (
        _in_scope(rule.get("scope") or "*", write)
        and _any(rule.get("operations"), write.operation)
        and _any(rule.get("apiGroups"), kind.group)
        and _any(rule.get("apiVersions"), kind.version)
        and any(_names(each, kind.plural, write.subresource) for each in rule.get("resources") or ())
        and (not rule.get("resourceNames") or write.name in rule["resourceNames"])
    )


def _in_scope(scope: str, write: Admission) -> bool:
    in_cluster = write.kind.resource == NAMESPACES or not write.namespace
    return scope == "*" or (scope == "Cluster") == in_cluster


def _any(items: Sequence[str] | None, asked: str) -> bool:
    return any(item in ("*", asked) for item in items or ())


def _names(resource: str, plural: str, subresource: str) -> bool:
    """`pods`, `pods/*`, `*/scale`"""
    wanted, _, sub = resource.partition("/")
    return wanted in ("*", plural) and sub in ("*", subresource)


def _is_empty(selector: Object | None) -> bool:
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def _labels_match(obj: Object | None, selector: Object | None) -> bool:
    labels = ((obj or {}).get("metadata") or {}).get("labels")
    return selectors.matches(selectors.from_object(selector), labels)


def _object_matches(write: Admission, selector: Object | None) -> bool:
    """The new object or the old one."""
    if _is_empty(selector):
        return True
    return any(_labels_match(each, selector) for each in (write.object, write.old) if each and "metadata" in each)
