"""PodDisruptionBudgets: how many of their pods are healthy, how many should be, how many may go.

`judge` is pure. The API server spends what is allowed when a pod is evicted, and names the pod in `disruptedPods`; it
counts as gone until it is, or for two minutes. Source: k8s.io/kubernetes/pkg/controller/disruption.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from controllers.controller import Context, Source, itself, run
from controllers.disruption_scale import Scales, Unscaled
from podling.api import selectors
from podling.api.errors import Conflict, NotFound
from podling.api.meta import timestamp
from podling.client.codec import plain
from podling.client.events import EventRecorder, reference
from podling.client.resource import POD_DISRUPTION_BUDGETS, PODS
from podling.loop.reconcile import After

GOING = timedelta(minutes=2)  # how long an evicted pod that is still there counts as gone
RETRY_SECONDS = 10.0
UNMANAGED = (
    "Some pods that this PodDisruptionBudget selects have no controller: how many there should be is not known, and "
    'nothing may go on their account. An integer as ".spec.minAvailable" counts them.'
)


class Verdict(NamedTuple):
    current_healthy: int
    desired_healthy: int
    expected_pods: int
    allowed: int
    disrupted: Mapping[str, datetime]


def judge(spec: Any, pods: Sequence[Any], expected: int, disrupted: Mapping[str, datetime], now: datetime) -> Verdict:
    """`expected`: what the pods' controllers are scaled to; for a plain minAvailable how many pods there are."""
    by_name = {pod.metadata.name: pod for pod in pods}
    going = {
        name: since
        for name, since in disrupted.items()
        if name in by_name and not by_name[name].metadata.deletionTimestamp and since + GOING > now
    }
    healthy = sum(_is_ready(pod) and pod.metadata.name not in going for pod in pods)
    desired = _desired(spec, expected)
    allowed = max(0, healthy - desired) if expected > 0 else 0
    return Verdict(healthy, desired, expected, allowed, going)


def _desired(spec: Any, expected: int) -> int:
    if spec.maxUnavailable is not None:
        return max(0, expected - _scaled(spec.maxUnavailable, expected))
    return _scaled(spec.minAvailable, expected) if spec.minAvailable is not None else 0


def _scaled(value: Any, whole: int) -> int:
    """A percentage is rounded up."""
    if isinstance(value, str) and value.endswith("%"):
        return math.ceil(int(value[:-1]) * whole / 100)
    return int(value)


def _is_ready(pod: Any) -> bool:
    conditions = (pod.status.conditions if pod.status else None) or ()
    ready = any(each.type == "Ready" and each.status == "True" for each in conditions)
    return ready and not pod.metadata.deletionTimestamp


def counts_scale(spec: Any) -> bool:
    """Whether the pods' controllers must be asked."""
    return spec.maxUnavailable is not None or isinstance(spec.minAvailable, str)


async def control(context: Context) -> None:
    budgets, pods = context.informers.get(POD_DISRUPTION_BUDGETS), context.informers.get(PODS)
    scales = Scales(context.client, context.informers)
    recorder = EventRecorder(context.client, "controllermanager", clock=context.clock)

    def covering(key: str, old: Any, new: Any) -> list[str]:
        return [
            f"{budget.metadata.namespace}/{budget.metadata.name}"
            for budget in budgets.values()
            if any(pod is not None and covers(budget, pod) for pod in (old, new))
        ]

    def of_namespace(key: str, old: Any, new: Any) -> list[str]:
        namespace = key.partition("/")[0]
        return [
            f"{namespace}/{each.metadata.name}" for each in budgets.values() if each.metadata.namespace == namespace
        ]

    async def reconcile(key: str) -> After | None:
        budget = budgets.get(key)
        if budget is None:
            return None
        found = [pod for pod in pods.values() if covers(budget, pod)]
        disrupted = dict((budget.status.disruptedPods if budget.status else None) or {})
        now = context.clock.now()
        try:
            count, unmanaged = await scales.expected(found) if counts_scale(budget.spec) else (len(found), [])
        except Unscaled as error:
            words = f"Failed to calculate the number of expected pods: {error}"
            recorder.event(_reference(budget), "Warning", "CalculateExpectedPodCountFailed", words)
            await write(budget, _failed(budget, str(error), now))
            return After(RETRY_SECONDS) if error.passing else None
        if unmanaged:
            recorder.event(_reference(budget), "Warning", "UnmanagedPods", UNMANAGED)
        verdict = judge(budget.spec, found, count, disrupted, now)
        await write(budget, _status(budget, verdict, now))
        ends = [since + GOING for since in verdict.disrupted.values()]
        return After((min(ends) - now).total_seconds() + 1) if ends else None

    async def write(budget: Any, status: dict[str, Any]) -> None:
        if status == _told(budget):
            return
        meta = {"resourceVersion": budget.metadata.resourceVersion}
        body = {"metadata": meta, "status": {**status, "disruptedPods": _replaced(budget, status)}}
        name, namespace = budget.metadata.name, budget.metadata.namespace
        try:
            await context.client.patch(POD_DISRUPTION_BUDGETS, name, body, namespace, subresource="status")
        except (NotFound, Conflict):
            return  # its informer will tell

    sources = [
        Source(budgets, itself),
        Source(pods, covering),
        *(Source(informer, of_namespace) for informer in scales.informers),
    ]
    async with asyncio.TaskGroup() as group:
        group.create_task(recorder.run())
        group.create_task(run("disruption", context.clock, sources, reconcile))


def covers(budget: Any, pod: Any) -> bool:
    selector = budget.spec.selector
    if selector is None or pod.metadata.namespace != budget.metadata.namespace:
        return False
    return selectors.matches(selectors.from_object(selector), pod.metadata.labels)


def _reference(budget: Any) -> dict[str, str]:
    return reference("PodDisruptionBudget", budget.metadata, "policy/v1")


def _status(budget: Any, verdict: Verdict, now: datetime) -> dict[str, Any]:
    enough = verdict.allowed > 0
    reason = "SufficientPods" if enough else "InsufficientPods"
    return {
        "observedGeneration": budget.metadata.generation,
        "currentHealthy": verdict.current_healthy,
        "desiredHealthy": verdict.desired_healthy,
        "expectedPods": verdict.expected_pods,
        "disruptionsAllowed": verdict.allowed,
        "disruptedPods": {name: timestamp(since) for name, since in verdict.disrupted.items()},
        "conditions": [_condition(budget, "True" if enough else "False", reason, "", now)],
    }


def _failed(budget: Any, words: str, now: datetime) -> dict[str, Any]:
    """Nothing may go while nobody knows how many there should be."""
    told = _told(budget)
    condition = _condition(budget, "False", "SyncFailed", words, now)
    return {
        **told,
        "observedGeneration": budget.metadata.generation,
        "disruptionsAllowed": 0,
        "conditions": [condition],
    }


def _condition(budget: Any, status: str, reason: str, message: str, now: datetime) -> dict[str, Any]:
    known = (budget.status.conditions if budget.status else None) or ()
    old = next((each for each in known if each.type == "DisruptionAllowed"), None)
    since = old.lastTransitionTime if old is not None and old.status == status else now
    return {
        "type": "DisruptionAllowed",
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": budget.metadata.generation,
        "lastTransitionTime": timestamp(since),
    }


def _told(budget: Any) -> dict[str, Any]:
    """The status as it is now, in the form of `_status`."""
    return {"disruptedPods": {}, **(plain(budget.status) or {})}


def _replaced(budget: Any, status: dict[str, Any]) -> dict[str, str | None]:
    """A merge patch takes away only what it names."""
    gone = dict.fromkeys((budget.status.disruptedPods if budget.status else None) or {})
    return {**gone, **status.get("disruptedPods", {})}
