"""What pods ask of other pods: terms of (anti-)affinity, in a form that equal pods share.

A Likeness is all that a selector sees of a pod. The pods of one template are alike and carry equal terms, so the
snapshot counts them once a kind and a node, and a decision looks at kinds instead of pods.
Source: k8s.io/kube-scheduler/framework: AffinityTerm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from podling.api.selectors import Selector, from_object, matches

Namespaces = Mapping[str, Mapping[str, str]]  # labels by name


@dataclass(frozen=True)
class Likeness:
    namespace: str
    items: frozenset[tuple[str, str]]
    owner: str  # the uid of its controller, or ""
    terminating: bool
    labels: Mapping[str, str] = field(compare=False)


class Term(NamedTuple):
    """`selector` None selects nothing, () everything; `namespace_selector` None adds no namespaces."""

    topology_key: str
    selector: Selector | None
    namespaces: frozenset[str]
    namespace_selector: Selector | None

    def matches(self, pod: Likeness, namespaces: Namespaces) -> bool:
        if self.selector is None or not self._reaches(pod.namespace, namespaces):
            return False
        return matches(self.selector, pod.labels)

    def _reaches(self, namespace: str, namespaces: Namespaces) -> bool:
        if namespace in self.namespaces:
            return True
        return self.namespace_selector is not None and matches(self.namespace_selector, namespaces.get(namespace))


class Weighted(NamedTuple):
    """Anti-affinity weighs less than nothing."""

    term: Term
    weight: int


class Terms(NamedTuple):
    """`affinity` and `anti` are required."""

    affinity: tuple[Term, ...] = ()
    anti: tuple[Term, ...] = ()
    preferred: tuple[Weighted, ...] = ()


def terms_of(affinity: Any, namespace: str) -> Terms:
    """Of a typed Affinity, or None."""
    together, apart = (affinity.podAffinity, affinity.podAntiAffinity) if affinity is not None else (None, None)
    return Terms(
        _required(together, namespace),
        _required(apart, namespace),
        (*_preferred(together, namespace, 1), *_preferred(apart, namespace, -1)),
    )


def _required(affinity: Any, namespace: str) -> tuple[Term, ...]:
    found = affinity.requiredDuringSchedulingIgnoredDuringExecution if affinity is not None else None
    return tuple(_term(each, namespace) for each in found or ())


def _preferred(affinity: Any, namespace: str, sign: int) -> tuple[Weighted, ...]:
    found = affinity.preferredDuringSchedulingIgnoredDuringExecution if affinity is not None else None
    return tuple(Weighted(_term(each.podAffinityTerm, namespace), sign * each.weight) for each in found or ())


def _term(term: Any, namespace: str) -> Term:
    """Where it names no namespaces it means the pod's own. `matchLabelKeys` are in the selector: the API server wrote
    them there when the pod was created."""
    named = frozenset(term.namespaces or ())
    if not named and term.namespaceSelector is None:
        named = frozenset({namespace})
    return Term(term.topologyKey, selector_of(term.labelSelector), named, selector_of(term.namespaceSelector))


def selector_of(selector: Any) -> Selector | None:
    return None if selector is None else from_object(selector)
