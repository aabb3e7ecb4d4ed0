"""The environment variables that tell a container of the services of its namespace, and of the API server. Pure.

    REDIS_SERVICE_HOST=10.97.0.11   REDIS_SERVICE_PORT=6379   REDIS_SERVICE_PORT_METRICS=9121
    REDIS_PORT=tcp://10.97.0.11:6379   REDIS_PORT_6379_TCP{,_PROTO,_PORT,_ADDR}

Source: k8s.io/kubernetes/pkg/kubelet/envvars, getServiceEnvVarMap of pkg/kubelet/kubelet_pods.go.
"""

from collections.abc import Iterable
from typing import Any

from lightkube.models.core_v1 import Service, ServicePort, ServiceSpec
from lightkube.models.meta_v1 import ObjectMeta

API_NAMESPACE, API_NAME = "default", "kubernetes"


def api_service(address: str) -> Service:
    """The service `kubernetes` as pods know it; `address` is host:port of the API server."""
    host, _, port = address.rpartition(":")
    return Service(
        metadata=ObjectMeta(name=API_NAME, namespace=API_NAMESPACE),
        spec=ServiceSpec(clusterIP=host, ports=[ServicePort(name="https", port=int(port), protocol="TCP")]),
    )


def variables(services: Iterable[Any], namespace: str, *, links: bool) -> dict[str, str]:
    """Those of the namespace where the pod wants them (`enableServiceLinks`); the API server's always."""
    chosen: dict[str, Any] = {}
    for service in services:
        if service.spec is None or service.spec.clusterIP in (None, "", "None"):
            continue
        name, where = service.metadata.name, service.metadata.namespace
        if (where, name) == (API_NAMESPACE, API_NAME):
            chosen.setdefault(name, service)
        elif where == namespace and links:
            chosen[name] = service
    found: dict[str, str] = {}
    for service in chosen.values():
        found |= _of_service(service)
    return found


def _of_service(service: Any) -> dict[str, str]:
    prefix, host, ports = _variable(service.metadata.name), service.spec.clusterIP, service.spec.ports or ()
    found = {f"{prefix}_SERVICE_HOST": host}
    for index, port in enumerate(ports):
        protocol = port.protocol or "TCP"
        url, one = f"{protocol.lower()}://{_bracketed(host)}:{port.port}", f"{prefix}_PORT_{port.port}_{protocol}"
        if index == 0:
            found |= {f"{prefix}_SERVICE_PORT": str(port.port), f"{prefix}_PORT": url}
        if port.name:
            found[f"{prefix}_SERVICE_PORT_{_variable(port.name)}"] = str(port.port)
        found |= {one: url, f"{one}_PROTO": protocol.lower(), f"{one}_PORT": str(port.port), f"{one}_ADDR": host}
    return found


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
