"""Where a Service is reached from here: the addresses of the pods behind it. Pure.

A service's own address has no proxy yet, and kube-apiserver with --enable-aggregator-routing goes to the endpoints,
too. They are looked up in the service's EndpointSlices, else in its Endpoints, else (nobody writes either yet) among
the ready pods that its selector means. Source of rules and words: k8s.io/apiserver/pkg/util/proxy.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from apiserver.lister import Lister
from podling.api import selectors
from podling.api.errors import GroupResource, NotFound, ServiceUnavailable

Object = dict[str, Any]

SERVICES = GroupResource("", "services")
SLICES = GroupResource("discovery.k8s.io", "endpointslices")
ENDPOINTS = GroupResource("", "endpoints")
PODS = GroupResource("", "pods")
SERVICE_NAME = "kubernetes.io/service-name"


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def resolve(lister: Lister, namespace: str, name: str, port: int) -> list[Address]:
    """At least one address. Raises NotFound or ServiceUnavailable, in the words that users of webhooks know."""
    service = lister.get(SERVICES, namespace, name)
    if service is None:
        raise NotFound(f'service "{name}" not found')
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return [Address(spec.get("externalName", ""), port)]
    wanted = next((each for each in spec.get("ports") or () if each["port"] == port), None)
    if wanted is None:
        raise ServiceUnavailable(f'no service port {port} found for service "{name}"')
    found = list(dict.fromkeys(_behind(lister, service, wanted)))
    if not found:
        raise ServiceUnavailable(f'no endpoints available for service "{name}"')
    return found


def _behind(lister: Lister, service: Object, wanted: Object) -> Iterator[Address]:
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    if slices := slices_of(lister, namespace, name):
        return _of_slices(slices, wanted.get("name", ""))
    if endpoints := lister.get(ENDPOINTS, namespace, name):
        return _of_endpoints(endpoints, wanted.get("name", ""))
    return _of_pods(lister, service, wanted)


def slices_of(lister: Lister, namespace: str, name: str) -> list[Object]:
    found = lister.list(SLICES, namespace)
    return [each for each in found if (each["metadata"].get("labels") or {}).get(SERVICE_NAME) == name]


def _of_slices(slices: Iterable[Object], port_name: str) -> Iterator[Address]:
    for each in slices:
        ports = [port["port"] for port in each.get("ports") or () if (port.get("name") or "") == port_name]
        for endpoint in each.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                yield from (Address(endpoint["addresses"][0], port) for port in ports)


def _of_endpoints(endpoints: Object, port_name: str) -> Iterator[Address]:
    for subset in endpoints.get("subsets") or ():
        ports = [port["port"] for port in subset.get("ports") or () if (port.get("name") or "") == port_name]
        for address in subset.get("addresses") or ():
            yield from (Address(address["ip"], port) for port in ports)


def _of_pods(lister: Lister, service: Object, wanted: Object) -> Iterator[Address]:
    selector = (service.get("spec") or {}).get("selector")
    if not selector:
        return
    meant = selectors.from_object({"matchLabels": selector})
    for pod in lister.list(PODS, service["metadata"]["namespace"]):
        address = (pod.get("status") or {}).get("podIP")
        if not address or not selectors.matches(meant, pod["metadata"].get("labels")) or not _is_ready(pod):
            continue
        if (port := _target(pod, wanted)) is not None:
            yield Address(address, port)


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _target(pod: Object, wanted: Object) -> int | None:
    """The pod's port: a number, or the name of a port of one of its containers."""
    target = wanted.get("targetPort") or wanted["port"]
    if isinstance(target, int):
        return target
    for container in (pod.get("spec") or {}).get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == target:
                return int(port["containerPort"])
    return None
