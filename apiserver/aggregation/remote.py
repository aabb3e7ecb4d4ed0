"""APIServices that name another server, as the aggregator reads them. Pure."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from apiserver.discovery.priorities import Priority
from apiserver.kinds.apiregistration.api_service import is_available
from podling.api.errors import GroupResource

Object = dict[str, Any]

API_SERVICES = GroupResource("apiregistration.k8s.io", "apiservices")


class Remote(NamedTuple):
    """One version of a group, and the service that serves it."""

    name: str
    group: str
    version: str
    namespace: str
    service: str
    port: int
    ca_bundle: str
    insecure: bool
    available: bool
    priority: Priority

    @property
    def server_name(self) -> str:
        return f"{self.service}.{self.namespace}.svc"

    @property
    def path(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


def read(found: Object) -> Remote | None:
    """None for one that is served here."""
    spec = found["spec"]
    service = spec.get("service")
    if service is None:
        return None
    return Remote(
        name=found["metadata"]["name"],
        group=spec.get("group", ""),
        version=spec.get("version", ""),
        namespace=service.get("namespace", ""),
        service=service.get("name", ""),
        port=service.get("port") or 443,
        ca_bundle=spec.get("caBundle") or "",
        insecure=bool(spec.get("insecureSkipTLSVerify")),
        available=is_available(found),
        priority=Priority(spec.get("groupPriorityMinimum", 0), spec.get("versionPriority", 0)),
    )


def remotes(objects: Iterable[Object]) -> dict[tuple[str, str], Remote]:
    found = (read(each) for each in objects)
    return {(each.group, each.version): each for each in found if each is not None}
