"""Which pods go to make room for one that the system needs: a static pod, or one of system priority. Pure.

Of BestEffort, Burstable and Guaranteed pods the later go only for what the earlier cannot give, and of each class those
whose requests come nearest to what is missing. Nobody goes where all together would not be enough.
Source: k8s.io/kubernetes/pkg/kubelet/preemption/preemption.go.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kubelet.cgroups.resources import quality_of
from kubelet.memory import Failure
from kubelet.node.eviction import is_critical
from podling.api import resources
from podling.api.resources import PODS

MESSAGE = "Preempted in order to admit critical pod"
TOLD = "Pod was preempted by Kubelet to accommodate a critical pod."
FAILURE = Failure(
    "Preempting",
    MESSAGE,
    conditions=({"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": TOLD},),
)
Amounts = Mapping[str, int]


def victims(pod: Any, others: Sequence[Any], allocatable: Mapping[str, str]) -> Sequence[Any]:
    """`others` are the node's pods; none go for an ordinary pod, nor where nothing is missing."""
    missing = _missing(pod, others, allocatable)
    weaker = [other for other in others if _outranks(pod, other)]
    if not missing or not is_critical(pod) or _less(missing, weaker):
        return []
    best, burst, guaranteed = (
        [each for each in weaker if quality_of(each) == quality]
        for quality in ("BestEffort", "Burstable", "Guaranteed")
    )
    of_guaranteed = _nearest(guaranteed, _less(missing, [*best, *burst]))
    of_burst = _nearest(burst, _less(missing, [*best, *of_guaranteed]))
    return [*_nearest(best, _less(missing, [*of_burst, *of_guaranteed])), *of_burst, *of_guaranteed]


def _outranks(pod: Any, other: Any) -> bool:
    return not is_critical(other) or (pod.spec.priority or 0) > (other.spec.priority or 0)


def asked(pod: Any) -> Amounts:
    return {**resources.requests(pod.spec), PODS: 1}


def _missing(pod: Any, others: Sequence[Any], allocatable: Mapping[str, str]) -> Amounts:
    found = {}
    for name, wanted in asked(pod).items():
        if name in allocatable:
            used = sum(asked(other).get(name, 0) for other in others)
            found[name] = wanted - max(0, resources.amount(name, allocatable[name]) - used)
    return {name: amount for name, amount in found.items() if amount > 0}


def _less(missing: Amounts, pods: Sequence[Any]) -> Amounts:
    """What is still missing when these pods go."""
    left = {name: amount - sum(asked(pod).get(name, 0) for pod in pods) for name, amount in missing.items()}
    return {name: amount for name, amount in left.items() if amount > 0}


def _nearest(pods: Sequence[Any], missing: Amounts) -> Sequence[Any]:
    """One after another until nothing is missing; each the nearest to what is, and of equals the smaller."""
    left, chosen = list(pods), []
    while missing and left:
        nearest = min(left, key=lambda pod: (_distance(pod, missing), sum(asked(pod).values())))
        left.remove(nearest)
        chosen.append(nearest)
        missing = _less(missing, [nearest])
    return chosen


def _distance(pod: Any, missing: Amounts) -> float:
    """0 where the pod alone gives all of it."""
    given = asked(pod)
    return sum(max(0.0, 1 - given.get(name, 0) / amount) ** 2 for name, amount in missing.items())
