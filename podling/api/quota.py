"""What an object counts against the quotas of its namespace, and whether a quota means it. Pure.

The API server asks before it writes, the controller when it counts anew: both must count alike.
Source: kubernetes/pkg/quota/v1/evaluator/core.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from podling.api.pod_resources import Amounts, aggregate, amounts, qos_class
from podling.api.quantity import WHOLE, Quantity, parse

Object = Mapping[str, Any]

ONE = Quantity(WHOLE, "decimal")
NONE = Quantity(0, "decimal")
# Kinds of the core group that have a resource of their own beside `count/…`.
NAMED = ("configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets", "services")
ATTRIBUTES = "VolumeAttributesClass"  # the scope
BARE = ("cpu", "memory", "ephemeral-storage")  # `cpu` is `requests.cpu`
ENDED = ("Succeeded", "Failed")
POD_SCOPES = (
    *("Terminating", "NotTerminating", "BestEffort", "NotBestEffort"),
    *("PriorityClass", "CrossNamespacePodAffinity"),
)


def usage(group: str, plural: str, obj: Object) -> Amounts:
    """By resource, as quotas name them."""
    found: Amounts = {f"count/{plural}{'.' if group else ''}{group}": ONE}
    if group:
        return found
    if plural in NAMED:
        found[plural] = ONE
    measure = _MEASURES.get(plural)
    return found | measure(obj) if measure else found


def _pod(pod: Object) -> Amounts:
    """A pod that has ended, or is gone for good, uses nothing."""
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    if status.get("phase") in ENDED:
        return {}
    found: Amounts = {"pods": ONE}
    requests = _with_overhead(spec, "requests")
    found |= {f"requests.{name}": amount for name, amount in requests.items()}
    found |= {name: requests[name] for name in requests if name in BARE or name.startswith("hugepages-")}
    return found | {f"limits.{name}": amount for name, amount in _with_overhead(spec, "limits").items()}


def _with_overhead(spec: Object, part: str) -> Amounts:
    found = aggregate(dict(spec), part) | amounts((spec.get("resources") or {}).get(part))
    for name, more in amounts(spec.get("overhead")).items():
        before = found.get(name)
        if before is not None or part == "requests":
            found[name] = add(before or NONE, more)
    return found


def _service(service: Object) -> Amounts:
    spec = service.get("spec") or {}
    ports = Quantity(sum(1 for port in spec.get("ports") or () if port.get("nodePort")) * WHOLE, "decimal")
    if spec.get("type") == "LoadBalancer":
        return {"services.loadbalancers": ONE, "services.nodeports": ports}
    return {"services.nodeports": ports} if spec.get("type") == "NodePort" else {}


def _claim(claim: Object) -> Amounts:
    spec = claim.get("spec") or {}
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    found: Amounts = {"requests.storage": parse(asked)} if asked else {}
    if spec.get("storageClassName"):
        suffix = f"{spec['storageClassName']}.storageclass.storage.k8s.io"
        found[f"{suffix}/persistentvolumeclaims"] = ONE
        found |= {f"{suffix}/requests.storage": amount for amount in found.values() if amount is not ONE}
    return found


_MEASURES = {"pods": _pod, "services": _service, "persistentvolumeclaims": _claim}


def add(one: Quantity, other: Quantity) -> Quantity:
    return Quantity(one.nanos + other.nanos, one.family if one.nanos else other.family)


def total(found: Iterable[Amounts], names: Iterable[str]) -> Amounts:
    """The sum of what is counted under these names, 0 where nothing is."""
    sums = dict.fromkeys(names, NONE)
    for each in found:
        for name, amount in each.items():
            if name in sums:
                sums[name] = add(sums[name], amount)
    return sums


def means(spec: Object, group: str, plural: str, obj: Object) -> bool:
    """Whether a quota's scopes hold of the object: those of pods of pods alone, that of attributes of claims."""
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    scopes += (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    if not scopes:
        return True
    if (group, plural) == ("", "persistentvolumeclaims"):
        return all(each.get("scopeName") == ATTRIBUTES and _class_matches(each, *_attributes(obj)) for each in scopes)
    return (group, plural) == ("", "pods") and all(_holds(each, obj.get("spec") or {}) for each in scopes)


def _attributes(claim: Object) -> set[str]:
    """The classes that a claim has, wants, or is on its way to."""
    status = claim.get("status") or {}
    found = {
        (claim.get("spec") or {}).get("volumeAttributesClassName"),
        status.get("currentVolumeAttributesClassName"),
        (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName"),
    }
    return {name for name in found if name}


def _holds(scope: Object, spec: Object) -> bool:
    name = scope.get("scopeName")
    if name == "PriorityClass":
        return _class_matches(scope, *filter(None, [spec.get("priorityClassName")]))
    best_effort, terminating = qos_class(dict(spec)) == "BestEffort", spec.get("activeDeadlineSeconds") is not None
    return {
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
        "Terminating": terminating,
        "NotTerminating": not terminating,
        "CrossNamespacePodAffinity": _looks_abroad(spec),
    }.get(str(name), False)


def _class_matches(scope: Object, *names: str) -> bool:
    """Whether one of the names is meant; without a name none is, which is what two operators ask for."""
    values, operator = scope.get("values") or (), scope.get("operator", "")
    if not names:
        return operator in ("NotIn", "DoesNotExist")
    if operator in ("In", "NotIn"):
        return any((name in values) == (operator == "In") for name in names)
    return bool(operator == "Exists")


def _looks_abroad(spec: Object) -> bool:
    """Whether a term of pod affinity names other namespaces."""
    for kind in ("podAffinity", "podAntiAffinity"):
        found = (spec.get("affinity") or {}).get(kind) or {}
        terms = [*(found.get("requiredDuringSchedulingIgnoredDuringExecution") or ())]
        weighted = found.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [each.get("podAffinityTerm") or {} for each in weighted]
        if any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False


def unsaid(pod: Object, hard: Iterable[str]) -> str:
    """What containers must say because a quota counts it: `limits.memory for: app; requests.cpu for: app`, or ""."""
    spec = pod.get("spec") or {}
    whole = spec.get("resources") or {}
    missing: dict[str, list[str]] = {}
    for name in sorted(hard):
        part, resource = _part(name)
        if not part or resource in (whole.get(part) or {}):
            continue
        for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
            if resource not in ((container.get("resources") or {}).get(part) or {}):
                missing.setdefault(name, []).append(container.get("name", ""))
    return "; ".join(f"{name} for: {','.join(sorted(set(found)))}" for name, found in missing.items())


def _part(name: str) -> tuple[str, str]:
    """Where a container says it, and under which name; ("", "") of what need not be said."""
    if name in ("cpu", "memory"):
        return "requests", name
    part, _, resource = name.partition(".")
    return (part, resource) if part in ("requests", "limits") and resource in ("cpu", "memory") else ("", "")


def exceeded(used: Amounts, more: Amounts, hard: Amounts) -> Sequence[str]:
    """The resources of which there is not enough, sorted."""
    return sorted(
        name
        for name, amount in more.items()
        if name in hard and amount.nanos > 0 and used.get(name, NONE).nanos + amount.nanos > hard[name].nanos
    )


def told(found: Amounts, names: Sequence[str]) -> str:
    """`limits.memory=1Gi,pods=2`"""
    return ",".join(f"{name}={found.get(name, NONE)}" for name in names)
