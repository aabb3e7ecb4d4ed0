"""Where a load balancer is reached: the status of Services and Ingresses."""

from collections.abc import Sequence

from apiserver.kinds.addresses import warn_address
from apiserver.kinds.kind import Object
from apiserver.kinds.workload import STATUS, status_of

INGRESS = STATUS.child("loadBalancer", "ingress")


def balanced(obj: Object) -> list[Object]:
    return (status_of(obj).get("loadBalancer") or {}).get("ingress") or []


def shown_balancer(obj: Object) -> str:
    return ",".join(sorted({each.get("ip") or each.get("hostname") or "" for each in balanced(obj)} - {""}))


def warn_balancer(obj: Object) -> Sequence[str]:
    found = enumerate(balanced(obj))
    return [words for place, each in found for words in warn_address(each.get("ip") or "", INGRESS.index(place))]
