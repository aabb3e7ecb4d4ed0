"""Which address and ports a Service gets, and what is wrong with those that it asks for. Only chance is not pure.

Who is written meanwhile must be known in `others`: the registry lets one Service at a time through here.
Source: kubernetes/pkg/registry/core/service/storage/alloc.go, ipallocator, portallocator.
"""

import ipaddress
import random
from collections.abc import Iterable, Sequence

from apiserver.kinds.kind import Object, Ranges
from apiserver.kinds.pod.dns import validate_address
from apiserver.kinds.service.defaults import (
    EXTERNAL,
    HEADLESS,
    is_headless,
    needs_address,
    needs_health_port,
    needs_node_ports,
)
from apiserver.kinds.workload import SPEC, spec_of
from podling.api import field
from podling.api.errors import InternalError
from podling.api.field import ErrorList

POLICIES = ("SingleStack", "PreferDualStack", "RequireDualStack")
ADDRESS_FAMILIES, OURS = ("IPv4", "IPv6"), "IPv4"
ADDRESSES, PORTS = SPEC.child("clusterIPs"), SPEC.child("ports")
FAMILIES, POLICY = SPEC.child("ipFamilies"), SPEC.child("ipFamilyPolicy")
TRIES = 1000


def allocate(new: Object, old: Object | None, others: Iterable[Object], ranges: Ranges) -> ErrorList:
    """Fills in what is missing. `old` is None on a create; `others` are all other services."""
    spec, was = spec_of(new), spec_of(old or {})
    if not needs_address(spec):
        return []
    if errors := _families(spec, was):
        return errors
    taken = [spec_of(other) for other in others]
    errors = _address(spec, was, taken, ranges) or _node_ports(spec, was, taken, ranges)
    if not errors and needs_health_port(spec) and not needs_health_port(was):
        _health_port(spec, taken, ranges)
    return errors


def _related(spec: Object) -> ErrorList:
    """Whether addresses, families and policy agree. Source: validation.ValidateServiceClusterIPsRelatedFields."""
    one, every = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    families, policy = spec.get("ipFamilies") or [], spec.get("ipFamilyPolicy")
    errors: ErrorList = []
    if one and not every:
        errors.append(field.required(ADDRESSES))
    elif one and every[0] != one:
        errors.append(field.invalid(ADDRESSES, every, "first value must match `clusterIP`"))
    elif not one and every:
        errors.append(field.invalid(ADDRESSES, every, "must be empty when `clusterIP` is not specified"))
    for position, family in enumerate(families):
        if family not in ADDRESS_FAMILIES:
            errors.append(field.not_supported(FAMILIES.index(position), family, ADDRESS_FAMILIES))
        if family in families[:position]:
            errors.append(field.duplicate(FAMILIES.index(position), family))
    if policy is not None and policy not in POLICIES:
        errors.append(field.not_supported(POLICY, policy, sorted(POLICIES)))
    wrong = _each_address(every)
    errors += wrong
    if len(every) > 2:
        errors.append(field.invalid(ADDRESSES, every, "may only hold up to 2 values"))
    if wrong:
        return errors
    if len(every) > 1 and {_family(text) for text in every} != set(ADDRESS_FAMILIES):
        errors.append(field.invalid(ADDRESSES, every, "may specify no more than one IP for each IP family"))
    if errors or every == [HEADLESS]:
        return errors
    for position, (text, family) in enumerate(zip(every, families, strict=False)):
        if _family(text) != family:
            words = f"expected an {family} value as indicated by `ipFamilies[{position}]`"
            errors.append(field.invalid(ADDRESSES.index(position), text, words))
    return errors


def _each_address(every: Sequence[str]) -> ErrorList:
    errors: ErrorList = []
    for position, text in enumerate(every):
        if position or text != HEADLESS:
            errors += validate_address(text, ADDRESSES.index(position))
        elif len(every) > 1:
            errors.append(field.invalid(ADDRESSES, every, "'None' must be the first and only value"))
    return errors


def _family(text: str) -> str:
    return "IPv6" if ":" in text else "IPv4"


def _families(spec: Object, was: Object) -> ErrorList:
    """podling's clusters have IPv4 alone."""
    headless = is_headless(spec) and not spec.get("selector")
    policy = spec.get("ipFamilyPolicy") or ("RequireDualStack" if headless else "SingleStack")
    spec["ipFamilyPolicy"] = policy
    if errors := _related(spec):
        return errors
    families, every = list(spec.get("ipFamilies") or ()), spec.get("clusterIPs") or []
    if policy == "SingleStack":
        needs = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
        if len(every) == 2:
            errors.append(field.invalid(POLICY, policy, f"{needs} cluster IPs are specified"))
        if len(families) == 2:
            errors.append(field.invalid(POLICY, policy, f"{needs} IP families are specified"))
    for position, text in enumerate(every):
        if text != HEADLESS and position >= len(families):
            if _family(text) == OURS:
                families.append(OURS)
            else:
                words = f"{_family(text)} is not configured on this cluster"
                errors.append(field.invalid(ADDRESSES.index(position), every, words))
    if errors:
        return errors
    if headless:
        families = families or [OURS]
        if len(families) < 2 and policy != "SingleStack":
            families += [name for name in ADDRESS_FAMILIES if name not in families]
        spec["ipFamilies"] = families
        return []
    if policy == "RequireDualStack":
        errors.append(field.invalid(POLICY, policy, "this cluster is not configured for dual-stack services"))
    for position, name in enumerate(families):
        if name != OURS:
            errors.append(field.invalid(FAMILIES.index(position), name, "not configured on this cluster"))
    spec["ipFamilies"] = families or [OURS]
    return errors or _unchanged(spec, was)


def _unchanged(spec: Object, was: Object) -> ErrorList:
    """The first address and the first family stay. Source: validation.ValidateServiceUpdate."""
    errors: ErrorList = []
    if not needs_address(was):
        return errors
    for path, name in ((ADDRESSES, "clusterIPs"), (FAMILIES, "ipFamilies")):
        now, before = spec.get(name) or [], was.get(name) or []
        if now and before and now[0] != before[0]:
            errors.append(field.invalid(path.index(0), now, "may not change once set"))
    return errors


def _address(spec: Object, was: Object, taken: Sequence[Object], ranges: Ranges) -> ErrorList:
    if is_headless(spec):
        spec["clusterIP"], spec["clusterIPs"] = HEADLESS, [HEADLESS]
        return []
    network = ipaddress.ip_network(ranges.addresses)
    used = {text for other in taken for text in other.get("clusterIPs") or ()}
    asked = spec.get("clusterIP")
    if asked and asked == was.get("clusterIP"):
        return []
    if asked:
        if ipaddress.ip_address(asked) not in network:
            words = f"failed to allocate IP {asked}: the provided network does not match the current range"
        elif asked in used:
            words = f"failed to allocate IP {asked}: provided IP is already allocated"
        else:
            return []
        return [field.invalid(ADDRESSES, spec["clusterIPs"], words)]
    free = _chosen(range(2, network.num_addresses - 1), {int(ipaddress.ip_address(each)) - int(network[0])
                                                        for each in used if each != HEADLESS})  # fmt: skip
    if free is None:
        return [field.wrong(ADDRESSES, "failed to allocate a serviceIP: range is full")]
    spec["clusterIP"] = str(network[free])
    spec["clusterIPs"] = [spec["clusterIP"]]
    return []


def _chosen(numbers: range, used: set[int]) -> int | None:
    """One that is free, by chance; None where there is none."""
    for _ in range(TRIES):
        if (number := random.choice(numbers)) not in used:
            return number
    return next((number for number in numbers if number not in used), None)


def _node_ports(spec: Object, was: Object, taken: Sequence[Object], ranges: Ranges) -> ErrorList:
    """A number is one service's, whatever the protocol; ports of one number share it where the service is new."""
    if spec.get("type") not in EXTERNAL:
        return []
    ports, kept = spec.get("ports") or [], {port.get("nodePort") for port in was.get("ports") or ()}
    used = _used(taken)
    mine: set[int] = set()
    shared: dict[int, int] = {}
    low, high = ranges.node_ports
    for position, port in enumerate(ports):
        asked = port.get("nodePort") or 0
        if not asked and not needs_node_ports(spec):
            continue
        here, same = PORTS.index(position).child("nodePort"), port.get("port", 0)
        if not asked and not was:
            asked = shared.get(same) or next((each["nodePort"] for each in ports if _is_given(each, same)), 0)
        if asked and asked not in kept and asked != shared.get(same):
            if not low <= asked <= high:
                words = f"provided port is not in the valid range. The range of valid ports is {low}-{high}"
                return [field.invalid(here, asked, words)]
            if asked in (used if was else used | mine):
                return [field.invalid(here, asked, "provided port is already allocated")]
        number = asked or _chosen(range(low, high + 1), used | mine | {each.get("nodePort", 0) for each in ports})
        if number is None:
            return [field.wrong(here, "failed to allocate a nodePort: range is full")]
        port["nodePort"] = number
        shared.setdefault(same, number)
        mine.add(number)
    return []


def _is_given(port: Object, number: int) -> bool:
    return port.get("port") == number and bool(port.get("nodePort"))


def _used(services: Sequence[Object]) -> set[int]:
    found = {port.get("nodePort", 0) for each in services for port in each.get("ports") or ()}
    return found | {each.get("healthCheckNodePort", 0) for each in services}


def _health_port(spec: Object, taken: Sequence[Object], ranges: Ranges) -> None:
    """Where a load balancer asks a node whether it has pods of the service: of TCP, among the node ports."""
    used = _used(taken) | {port.get("nodePort", 0) for port in spec.get("ports") or ()}
    low, high = ranges.node_ports
    asked = spec.get("healthCheckNodePort") or 0
    if asked and (asked in used or not low <= asked <= high):
        why = "provided port is already allocated"
        if asked not in used:
            why = f"provided port is not in the valid range. The range of valid ports is {low}-{high}"
        words = f"failed to allocate requested HealthCheck NodePort {asked}: {why}"
        raise InternalError(f"Internal error occurred: {words}", {"causes": [{"message": words}]})
    free = asked or _chosen(range(low, high + 1), used)
    if free is None:
        words = "failed to allocate a HealthCheck NodePort 0: range is full"
        raise InternalError(f"Internal error occurred: {words}", {"causes": [{"message": words}]})
    spec["healthCheckNodePort"] = free
