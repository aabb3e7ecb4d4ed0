"""Which nodes a pod may be on, by their labels and names: nodeSelector and required node affinity.

Source: k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from podling.api import selectors

Matches = Callable[[Mapping[str, str], str], bool]  # of a node's labels and name


def required(spec: Any) -> Matches | None:
    """Of a typed PodSpec; None where any node will do."""
    selector: Mapping[str, str] = spec.nodeSelector or {}
    affinity = spec.affinity and spec.affinity.nodeAffinity
    wanted = affinity and affinity.requiredDuringSchedulingIgnoredDuringExecution
    if not selector and not wanted:
        return None
    terms = [matcher(term) for term in wanted.nodeSelectorTerms] if wanted else None

    def matches(labels: Mapping[str, str], name: str) -> bool:
        if any(labels.get(key) != value for key, value in selector.items()):
            return False
        return terms is None or any(term(labels, name) for term in terms)

    return matches


def matcher(term: Any) -> Matches:
    """One NodeSelectorTerm: all its expressions over labels and fields; a term without any matches nothing."""
    expressions = _requirements(term.matchExpressions)
    fields = _requirements(term.matchFields)

    def matches(labels: Mapping[str, str], name: str) -> bool:
        return selectors.matches(expressions, labels) and selectors.matches(fields, {"metadata.name": name})

    return matches if expressions or fields else lambda labels, name: False


def _requirements(found: Iterable[Any] | None) -> list[selectors.Requirement]:
    return [selectors.from_expression(expression.to_dict()) for expression in found or ()]
