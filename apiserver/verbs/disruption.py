"""What a PodDisruptionBudget says to an eviction: the pod may go, and one disruption less is left; or it may not, yet.

Source: k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go.
"""

from typing import Any

from apiserver.context import Context
from apiserver.objects.registry import SERVER, Write
from podling.api import conditions, errors, selectors
from podling.api.errors import GroupResource, TooManyRequests
from podling.api.meta import timestamp

Object = dict[str, Any]

BUDGETS = GroupResource("policy", "poddisruptionbudgets")
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
RETRY_SECONDS = 10
MOST_DISRUPTED = 2000


async def ask(context: Context, pod: Object, dry_run: bool) -> None:
    """Raises `TooManyRequests` where the pod's budget does not let it go now."""
    if is_free(pod):
        return
    budgets = [each for each in context.lister.list(BUDGETS, pod["metadata"]["namespace"]) if covers(each, pod)]
    if len(budgets) > 1:
        raise errors.InternalError(SEVERAL)
    if not budgets or not needs_leave(budgets[0], pod):
        return
    kind = context.kinds.find("policy", "v1", "poddisruptionbudgets")
    assert kind is not None
    name, now = pod["metadata"]["name"], timestamp(context.registry.clock.now())

    async def decremented(budget: Object) -> Object:
        return spend(budget, name, now)

    write = Write(SERVER, subresource="status", raw=True, dry_run=dry_run)
    where = budgets[0]["metadata"]
    await context.registry.update(
        kind, where["namespace"], where["name"], decremented, write, kind.subresource("status")
    )


def is_free(pod: Object) -> bool:
    """A pod that does not run, or that goes already, disrupts nothing by going."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Succeeded", "Failed", "Pending") or bool(pod["metadata"].get("deletionTimestamp"))


def covers(budget: Object, pod: Object) -> bool:
    """A budget without a selector covers nothing, one with an empty selector everything."""
    selector = (budget.get("spec") or {}).get("selector")
    return selector is not None and selectors.matches(selectors.from_object(selector), pod["metadata"].get("labels"))


def needs_leave(budget: Object, pod: Object) -> bool:
    """A pod that is not ready counts for nothing: it may go where enough others are, or where it always may."""
    spec, status = budget.get("spec") or {}, budget.get("status") or {}
    if conditions.holds((pod.get("status") or {}).get("conditions"), "Ready"):
        return True
    if spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return False
    wanted = status.get("desiredHealthy", 0)
    return not (status.get("currentHealthy", 0) >= wanted > 0)


def spend(budget: Object, pod: str, now: str) -> Object:
    """The budget with one disruption less, the pod named among those that go."""
    meta, status = budget["metadata"], budget.setdefault("status", {})
    name, allowed = meta["name"], status.get("disruptionsAllowed", 0)
    if status.get("observedGeneration", 0) < meta.get("generation", 0):
        words = f"The disruption budget {name} is still being processed by the server."
        raise TooManyRequests(REFUSED, {"causes": [_cause(words)], "retryAfterSeconds": RETRY_SECONDS})
    if allowed < 0:
        raise errors.forbidden(BUDGETS, name, "pdb disruptions allowed is negative")
    if len(status.get("disruptedPods") or ()) > MOST_DISRUPTED:
        words = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise errors.forbidden(BUDGETS, name, words)
    if allowed == 0:
        wanted, found = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        words = f"The disruption budget {name} needs {wanted} healthy pods and has {found} currently"
        raise TooManyRequests(REFUSED, {"causes": [_cause(words)]})
    status["disruptionsAllowed"] = allowed - 1
    status["disruptedPods"] = {**(status.get("disruptedPods") or {}), pod: now}
    if allowed == 1:
        _exhausted(status, meta.get("generation", 0), now)
    return budget


def _exhausted(status: Object, generation: int, now: str) -> None:
    told = {
        "type": "DisruptionAllowed",
        "status": "False",
        "reason": "InsufficientPods",
        "message": "",
        "observedGeneration": generation,
    }
    status["conditions"] = conditions.turned(status.get("conditions"), told, now)


def _cause(words: str) -> dict[str, str]:
    return {"reason": "DisruptionBudget", "message": words}
