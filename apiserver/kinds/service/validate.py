"""A Service's rules. Source: kubernetes/pkg/apis/core/validation.ValidateService."""

from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.addresses import validate_cidr, warn_address, warn_cidr
from apiserver.kinds.endpoints import validate_reachable
from apiserver.kinds.kind import Object
from apiserver.kinds.load_balancer import INGRESS, balanced
from apiserver.kinds.pod.dns import loose_address, validate_address
from apiserver.kinds.pod.ports import PROTOCOLS, number, port_or_name
from apiserver.kinds.service.defaults import is_external, is_headless, needs_health_port
from apiserver.kinds.workload import SPEC, spec_of
from podling.api import field
from podling.api.field import ErrorList, Path

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
AFFINITIES = ("ClientIP", "None")
TRAFFIC = ("Cluster", "Local")
DISTRIBUTIONS = ("PreferClose", "PreferSameNode", "PreferSameZone")
ADDRESS_MODES = ("Proxy", "VIP")
TOPOLOGY_HINTS = "service.kubernetes.io/topology-aware-hints"
TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"
KUBELET_PORT = 10250
MOST_AFFINITY_SECONDS = 86400


def validate(obj: Object) -> ErrorList:
    spec = spec_of(obj)
    kind, ports, headless = spec.get("type", ""), spec.get("ports") or [], is_headless(spec)
    errors = _topology(obj["metadata"].get("annotations") or {})
    if not ports and not headless and kind != "ExternalName":
        errors.append(field.required(SPEC.child("ports")))
    errors += _of_type(spec, kind, headless)
    errors += _ports(ports)
    errors += names.labels(spec.get("selector"), SPEC.child("selector"))
    errors += _affinity(spec)
    errors += _external_addresses(spec.get("externalIPs") or ())
    if kind not in TYPES:
        errors.append(field.not_supported(SPEC.child("type"), kind, TYPES))
    errors += _node_ports(ports, kind) + _twice(ports)
    return errors + _source_ranges(obj, kind) + _load_balancer(spec, kind) + _traffic(spec)


def _topology(annotations: Object) -> ErrorList:
    mode, hints = annotations.get(TOPOLOGY_MODE), annotations.get(TOPOLOGY_HINTS)
    if mode is None or hints is None or mode == hints:
        return []
    words = f"must match annotations[{TOPOLOGY_HINTS}] when both are specified"
    return [field.invalid(Path("metadata.annotations").key(TOPOLOGY_MODE), mode, words)]


def validate_update(new: Object, old: Object) -> ErrorList:
    now, was = spec_of(new), spec_of(old)
    errors: ErrorList = []
    if now.get("type") == was.get("type") == "LoadBalancer" and (
        now.get("loadBalancerClass") != was.get("loadBalancerClass")
    ):
        path = SPEC.child("loadBalancerClass")
        errors.append(field.invalid(path, now.get("loadBalancerClass"), "may not change once set"))
    name = "healthCheckNodePort"
    if needs_health_port(now) and needs_health_port(was) and now.get(name) != was.get(name):
        errors.append(field.forbidden(SPEC.child(name), "field is immutable"))
    return errors + validate(new)


def validate_status(new: Object, _old: Object) -> ErrorList:
    """Source: validation.ValidateLoadBalancerStatus."""
    found, path = balanced(new), INGRESS
    if found and spec_of(new).get("type") != "LoadBalancer":
        return [field.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")]
    return [error for position, each in enumerate(found) for error in _ingress(each, path.index(position))]


def _ingress(each: Object, path: Path) -> ErrorList:
    address, mode, host = each.get("ip") or "", each.get("ipMode"), each.get("hostname") or ""
    errors = validate_address(address, path.child("ip")) if address else []
    here = path.child("ipMode")
    if address and mode is None:
        errors.append(field.required(here, "must be specified when `ip` is set"))
    elif mode is not None and not address:
        errors.append(field.forbidden(here, "may not be specified when `ip` is not set"))
    elif mode is not None and mode not in ADDRESS_MODES:
        errors.append(field.not_supported(here, mode, ADDRESS_MODES))
    if host:
        errors += names.each(path.child("hostname"), host, names.subdomain(host))
        if loose_address(host) is not None:
            errors.append(field.invalid(path.child("hostname"), host, "must be a DNS name, not an IP address"))
    return errors


def _of_type(spec: Object, kind: str, headless: bool) -> ErrorList:
    errors: ErrorList = []
    addresses = spec.get("clusterIPs") or []
    if kind == "LoadBalancer":
        for position, port in enumerate(spec.get("ports") or ()):
            if port.get("port") == KUBELET_PORT:
                words = f"may not expose port {KUBELET_PORT} externally since it is used by kubelet"
                errors.append(field.invalid(SPEC.child("ports").index(position), KUBELET_PORT, words))
    if kind in ("LoadBalancer", "NodePort") and headless:
        words = f"may not be set to 'None' for {kind} services"
        errors.append(field.invalid(SPEC.child("clusterIPs").index(0), addresses[0], words))
    if kind != "ExternalName":
        return errors
    if addresses or spec.get("clusterIP"):
        errors.append(field.forbidden(SPEC.child("clusterIPs"), "may not be set for ExternalName services"))
    for name in ("ipFamilies", "ipFamilyPolicy"):
        if spec.get(name):
            errors.append(field.forbidden(SPEC.child(name), "may not be set for ExternalName services"))
    host, path = (spec.get("externalName") or "").removesuffix("."), SPEC.child("externalName")
    return errors + (names.each(path, host, names.subdomain(host)) if host else [field.required(path)])


def _ports(ports: Sequence[Object]) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, port in enumerate(ports):
        path, name = SPEC.child("ports").index(position), port.get("name", "")
        if not name and len(ports) > 1:
            errors.append(field.required(path.child("name")))
        elif name:
            errors += names.each(path.child("name"), name, names.label(name))
            if name in seen:
                errors.append(field.duplicate(path.child("name"), name))
            seen.add(name)
        errors += number(port.get("port", 0), path.child("port"))
        protocol = port.get("protocol", "")
        if protocol not in PROTOCOLS:
            errors.append(field.not_supported(path.child("protocol"), protocol, PROTOCOLS))
        errors += port_or_name(port.get("targetPort") or 0, path.child("targetPort"))
        if port.get("appProtocol") is not None:
            errors += names.each(path.child("appProtocol"), port["appProtocol"], names.qualified(port["appProtocol"]))
    return errors


def _affinity(spec: Object) -> ErrorList:
    affinity, path = spec.get("sessionAffinity", ""), SPEC.child("sessionAffinityConfig")
    config = spec.get("sessionAffinityConfig")
    if affinity not in AFFINITIES:
        return [field.not_supported(SPEC.child("sessionAffinity"), affinity, AFFINITIES)]
    if affinity == "None":
        words = "must not be set when session affinity is None"
        return [] if config is None else [field.forbidden(path, words)]
    seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds")
    here = path.child("clientIP", "timeoutSeconds")
    if seconds is None:
        return [field.required(here, "when session affinity type is ClientIP")]
    if 0 < seconds <= MOST_AFFINITY_SECONDS:
        return []
    return [field.invalid(here, seconds, f"must be greater than 0 and less than {MOST_AFFINITY_SECONDS}")]


def _external_addresses(addresses: Sequence[str]) -> ErrorList:
    errors: ErrorList = []
    for position, text in enumerate(addresses):
        path = SPEC.child("externalIPs").index(position)
        errors += validate_address(text, path) or validate_reachable(text, path)
    return errors


def _node_ports(ports: Sequence[Object], kind: str) -> ErrorList:
    given = [(SPEC.child("ports").index(place).child("nodePort"), port) for place, port in enumerate(ports)]
    given = [(path, port) for path, port in given if port.get("nodePort")]
    errors: ErrorList = []
    if kind == "ClusterIP":
        errors += [field.forbidden(path, "may not be used when `type` is 'ClusterIP'") for path, _ in given]
    seen: set[tuple[str, int]] = set()
    for path, port in given:
        node_port = port["nodePort"]
        key = (port.get("protocol", ""), node_port)
        if key in seen:
            errors.append(field.duplicate(path, node_port))
        seen.add(key)
    return errors


def _twice(ports: Sequence[Object]) -> ErrorList:
    errors: ErrorList = []
    seen: set[tuple[str, int]] = set()
    for position, port in enumerate(ports):
        key = (port.get("protocol", ""), port.get("port", 0))
        if key in seen:
            shown = {"protocol": key[0], "port": key[1], "targetPort": 0}
            errors.append(field.duplicate(SPEC.child("ports").index(position), shown))
        seen.add(key)
    return errors


def _source_ranges(obj: Object, kind: str) -> ErrorList:
    """Of the field, or of the annotation that was before it. Kubernetes writes the field with a capital here."""
    ranges, path = spec_of(obj).get("loadBalancerSourceRanges") or [], SPEC.child("LoadBalancerSourceRanges")
    paths = [path.index(place) for place in range(len(ranges))]
    annotations = obj["metadata"].get("annotations") or {}
    if not ranges and SOURCE_RANGES in annotations:
        path, text = Path("metadata.annotations").key(SOURCE_RANGES), annotations[SOURCE_RANGES].strip()
        ranges = text.split(",") if text else []
        paths = [path] * len(ranges)
    elif not ranges:
        return []
    errors = [field.forbidden(path, ONLY_BALANCED)] if kind != "LoadBalancer" else []
    pairs = zip(ranges, paths, strict=True)
    return errors + [error for cidr, here in pairs for error in validate_cidr(cidr.strip(), here)]


def _load_balancer(spec: Object, kind: str) -> ErrorList:
    errors: ErrorList = []
    given = spec.get("allocateLoadBalancerNodePorts")
    if kind != "LoadBalancer" and given is not None:
        errors.append(field.forbidden(SPEC.child("allocateLoadBalancerNodePorts"), ONLY_BALANCED))
    if kind != "LoadBalancer" and spec.get("loadBalancerClass") is not None:
        errors.append(field.forbidden(SPEC.child("loadBalancerClass"), ONLY_BALANCED))
    elif spec.get("loadBalancerClass") is not None:
        name = spec["loadBalancerClass"]
        errors += names.each(SPEC.child("loadBalancerClass"), name, names.qualified(name))
    return errors


def _traffic(spec: Object) -> ErrorList:
    errors: ErrorList = []
    outside, inside = spec.get("externalTrafficPolicy") or "", spec.get("internalTrafficPolicy")
    path = SPEC.child("externalTrafficPolicy")
    if not is_external(spec):
        if outside:
            errors.append(field.invalid(path, outside, "may only be set for externally-accessible services"))
    elif not outside:
        errors.append(field.required(path, ""))
    elif outside not in TRAFFIC:
        errors.append(field.not_supported(path, outside, TRAFFIC))
    health = spec.get("healthCheckNodePort") or 0
    if health and not (spec.get("type") == "LoadBalancer" and outside == "Local"):
        words = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.append(field.invalid(SPEC.child("healthCheckNodePort"), health, words))
    if inside is None:
        if spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer"):
            errors.append(field.required(SPEC.child("internalTrafficPolicy")))
    elif inside not in TRAFFIC:
        errors.append(field.not_supported(SPEC.child("internalTrafficPolicy"), inside, TRAFFIC))
    chosen = spec.get("trafficDistribution")
    if chosen is not None and chosen not in DISTRIBUTIONS:
        errors.append(field.not_supported(SPEC.child("trafficDistribution"), chosen, DISTRIBUTIONS))
    return errors


def warn(obj: Object) -> list[str]:
    """Source: kubernetes/pkg/api/service.GetWarningsForService."""
    spec, kind = spec_of(obj), spec_of(obj).get("type")
    found: list[str] = []
    if TOPOLOGY_HINTS in (obj["metadata"].get("annotations") or {}):
        words = "please use service.kubernetes.io/topology-mode instead"
        found.append(f"annotation {TOPOLOGY_HINTS} is deprecated, {words}")
    if not is_headless(spec):
        found += _warn_addresses(spec.get("clusterIPs") or (), "clusterIPs")
    if is_headless(spec) and kind == "ClusterIP":
        ignored = {"loadBalancerIP": spec.get("loadBalancerIP"), "externalIPs": spec.get("externalIPs")}
        ignored["SessionAffinity"] = spec.get("sessionAffinity") not in ("", "None", None)
        found += [f"spec.{name} is ignored for headless services" for name, given in ignored.items() if given]
    if spec.get("externalIPs"):
        found.append("spec.externalIPs is deprecated")
    found += _warn_addresses(spec.get("externalIPs") or (), "externalIPs")
    found += warn_address(spec.get("loadBalancerIP") or "", SPEC.child("loadBalancerIP"))
    for place, cidr in enumerate(spec.get("loadBalancerSourceRanges") or ()):
        found += warn_cidr(cidr, SPEC.child("loadBalancerSourceRanges").index(place))
    if kind == "ExternalName" and spec.get("externalIPs"):
        found.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if kind != "ExternalName" and spec.get("externalName"):
        found.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.get("trafficDistribution") == "PreferClose":
        found.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return found


def _warn_addresses(texts: Sequence[str], name: str) -> list[str]:
    return [words for place, text in enumerate(texts) for words in warn_address(text, SPEC.child(name).index(place))]
