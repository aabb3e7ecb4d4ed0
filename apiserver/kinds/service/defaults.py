"""What a Service's fields are when nobody said, and which go when its type changes.

Source: kubernetes/pkg/apis/core/v1/defaults.go, pkg/registry/core/service/{strategy,storage/storage}.go.
"""

from apiserver.kinds.kind import Object
from apiserver.kinds.strategy import drop_status, keep_status
from apiserver.kinds.workload import spec_of, status_of

AFFINITY_SECONDS = 10800
EXTERNAL = ("NodePort", "LoadBalancer")  # types whose ports every node opens
HEADLESS = "None"


def needs_address(spec: Object) -> bool:
    return spec.get("type") != "ExternalName"


def is_headless(spec: Object) -> bool:
    return HEADLESS in (spec.get("clusterIPs") or [spec.get("clusterIP")])


def is_external(spec: Object) -> bool:
    return spec.get("type") in EXTERNAL or bool(needs_address(spec) and spec.get("externalIPs"))


def needs_node_ports(spec: Object) -> bool:
    kind = spec.get("type")
    return kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False)


def needs_health_port(spec: Object) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec["type"] = spec.get("type") or "ClusterIP"
    spec["sessionAffinity"] = spec.get("sessionAffinity") or "None"
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        if client.get("timeoutSeconds") is None:
            client["timeoutSeconds"] = AFFINITY_SECONDS
    for port in spec.get("ports") or ():
        port["protocol"] = port.get("protocol") or "TCP"
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port", 0)
    if is_external(spec) and not spec.get("externalTrafficPolicy"):
        spec["externalTrafficPolicy"] = "Cluster"
    if spec["type"] in ("ClusterIP", *EXTERNAL) and not spec.get("internalTrafficPolicy"):
        spec["internalTrafficPolicy"] = "Cluster"
    if spec["type"] == "LoadBalancer":
        if spec.get("allocateLoadBalancerNodePorts") is None:
            spec["allocateLoadBalancerNodePorts"] = True
        for each in (status_of(obj).get("loadBalancer") or {}).get("ingress") or ():
            if each.get("ip") and each.get("ipMode") is None:
                each["ipMode"] = "VIP"


_drop_status = drop_status("core.v1.Service")


def prepare_create(obj: Object) -> None:
    _drop_status(obj)
    _list_address(spec_of(obj))


def _list_address(spec: Object) -> None:
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]


def prepare_update(new: Object, old: Object) -> None:
    """What the server gave is kept where the writer left it out; what the new type has no use for goes."""
    keep_status(new, old)
    now, was = spec_of(new), spec_of(old)
    if now.get("type") != "LoadBalancer" and status_of(new).get("loadBalancer"):
        new["status"] = {**new["status"], "loadBalancer": {}}
    _follow_address(now, was)
    _keep_given(now, was)
    _drop_useless(now, was)


def _follow_address(now: Object, was: Object) -> None:
    """`clusterIP` is the first of `clusterIPs`; writers that know the older field alone change that alone."""
    if now.get("clusterIP") != was.get("clusterIP"):
        if now.get("clusterIPs") == was.get("clusterIPs"):
            now.pop("clusterIPs", None)
        _list_address(now)


def _keep_given(now: Object, was: Object) -> None:
    if needs_address(now) and needs_address(was):
        if not now.get("clusterIP") and was.get("clusterIP"):
            now["clusterIP"] = was["clusterIP"]
        if not now.get("clusterIPs") and now.get("clusterIP") == was.get("clusterIP"):
            now["clusterIPs"] = was.get("clusterIPs") or []
        for name in ("ipFamilies", "ipFamilyPolicy"):
            if not now.get(name) and was.get(name):
                now[name] = was[name]
    if needs_health_port(now) and needs_health_port(was) and not now.get("healthCheckNodePort"):
        now["healthCheckNodePort"] = was.get("healthCheckNodePort", 0)
    if needs_node_ports(now) and needs_node_ports(was):
        given = {_key(port): port["nodePort"] for port in was.get("ports") or () if port.get("nodePort")}
        taken = {port.get("nodePort") for port in now.get("ports") or ()}
        for port in now.get("ports") or ():
            number = given.get(_key(port))
            if not port.get("nodePort") and number and number not in taken:
                port["nodePort"] = number


def _key(port: Object) -> tuple[str, int]:
    return port.get("protocol", ""), port.get("port", 0)


def _drop_useless(now: Object, was: Object) -> None:
    """Of what the writer did not change."""
    if needs_address(was) and not needs_address(now):
        _drop(now, was, ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"))
    if needs_node_ports(was) and not needs_node_ports(now) and _node_ports(now) == _node_ports(was):
        for port in now.get("ports") or ():
            port.pop("nodePort", None)
    if is_external(was) and not is_external(now):
        _drop(now, was, ("externalTrafficPolicy",))
    if needs_health_port(was) and not needs_health_port(now):
        _drop(now, was, ("healthCheckNodePort",))
    if was.get("type") == "LoadBalancer" and now.get("type") != "LoadBalancer":
        _drop(now, was, ("allocateLoadBalancerNodePorts", "loadBalancerClass"))


def _drop(now: Object, was: Object, names: tuple[str, ...]) -> None:
    for name in names:
        if now.get(name) == was.get(name):
            now.pop(name, None)


def _node_ports(spec: Object) -> list[int | None]:
    return [port.get("nodePort") for port in spec.get("ports") or ()]
