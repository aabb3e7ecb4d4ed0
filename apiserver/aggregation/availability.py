"""Can the server behind an APIService be reached? The Available condition, and what it serves.

Source: k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go.
"""

import asyncio
from typing import Any, NamedTuple

import aiohttp
import msgspec

from apiserver.aggregation import identity
from apiserver.aggregation.backend import Backend
from apiserver.aggregation.remote import Remote
from apiserver.lister import Lister
from apiserver.request import User
from apiserver.webhook import neterrors
from apiserver.webhook.serviceresolver import SERVICES, Address, slices_of
from podling.api.errors import ApiError
from podling.api.field import show

Object = dict[str, Any]

AGGREGATOR = User("system:kube-aggregator", ("system:masters",))
SECONDS = 5.0
ATTEMPTS = 5
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


class Condition(NamedTuple):
    status: str
    reason: str
    message: str


PASSED = Condition("True", "Passed", "all checks passed")


def service_condition(lister: Lister, remote: Remote) -> Condition | None:
    """What is wrong with the service itself; None where nothing is."""
    who = f'service/{remote.service} in "{remote.namespace}"'
    service = lister.get(SERVICES, remote.namespace, remote.service)
    if service is None:
        return Condition("False", "ServiceNotFound", f"{who} is not present")
    spec = service.get("spec") or {}
    if spec.get("type", "ClusterIP") != "ClusterIP":
        return None
    port = next((each for each in spec.get("ports") or () if each["port"] == remote.port), None)
    if port is None:
        return Condition("False", "ServicePortError", f"{who} is not listening on port {remote.port}")
    return None


def endpoints_condition(lister: Lister, remote: Remote) -> Condition:
    """Of a service that leads nowhere."""
    who = f'service/{remote.service} in "{remote.namespace}"'
    if not slices_of(lister, remote.namespace, remote.service):
        return Condition("False", "EndpointsNotFound", f"cannot find endpointslices for {who}")
    service = lister.get(SERVICES, remote.namespace, remote.service) or {}
    ports = (service.get("spec") or {}).get("ports") or ()
    name = next((each.get("name", "") for each in ports if each["port"] == remote.port), "")
    words = f"endpointslices for {who} have no addresses with port name {show(name)}"
    return Condition("False", "MissingEndpoints", words)


async def check(lister: Lister, backend: Backend, remote: Remote) -> Condition:
    if (wrong := service_condition(lister, remote)) is not None:
        return wrong
    try:
        addresses = sorted(backend.addresses(remote))
    except ApiError:
        return endpoints_condition(lister, remote)
    words = ""
    for address in addresses[:ATTEMPTS]:
        url = f"https://{address}{remote.path}"
        code, words = await _asked(backend, remote, address, url)
        if 200 <= code < 300:
            return PASSED
        if code:
            words = f"bad status from {url}: {code}"
        words = f"failing or missing response from {url}: {words}"
    return Condition("False", "FailedDiscoveryCheck", words)


async def _asked(backend: Backend, remote: Remote, address: Address, url: str) -> tuple[int, str]:
    """(status, why there is none)."""
    try:
        async with asyncio.timeout(SECONDS):
            headers = dict(identity.headers(AGGREGATOR))
            async with await backend.request(remote, address, "GET", remote.path, headers, unverified=True) as found:
                return found.status, ""
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return 0, f'Get "{url}": {neterrors.words(error, remote.server_name)}'


async def get(backend: Backend, remote: Remote, path: str, accept: str = "application/json") -> Any:
    """A JSON document of the server; None where it has none or does not answer."""
    try:
        async with asyncio.timeout(SECONDS):
            headers = {**dict(identity.headers(AGGREGATOR)), "Accept": accept}
            address = backend.addresses(remote)[0]
            async with await backend.request(remote, address, "GET", path, headers) as found:
                return msgspec.json.decode(await found.read()) if found.status == 200 else None
    except (ApiError, aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return None


async def resources(backend: Backend, remote: Remote) -> list[Object] | None:
    """The rows of aggregated discovery of what is served: as the server tells them, or made of its resource list."""
    found = await get(backend, remote, "/apis", DISCOVERY)
    if isinstance(found, dict) and found.get("kind") == "APIGroupDiscoveryList":
        for group in found.get("items") or ():
            for version in group.get("versions") or ():
                if (group.get("metadata", {}).get("name"), version.get("version")) == (remote.group, remote.version):
                    return list(version.get("resources") or ())
    listed = await get(backend, remote, remote.path)
    return rows(listed.get("resources") or (), remote) if isinstance(listed, dict) else None


def rows(listed: Any, remote: Remote) -> list[Object]:
    """An APIResourceList's resources in the form of aggregated discovery."""
    found: dict[str, Object] = {}
    for each in listed:
        name, _, sub = each["name"].partition("/")
        kind = {"group": each.get("group", ""), "version": each.get("version", ""), "kind": each["kind"]}
        if not sub:
            kind = {**kind, "group": kind["group"] or remote.group, "version": kind["version"] or remote.version}
            found[name] = {
                "resource": name,
                "responseKind": kind,
                "scope": "Namespaced" if each.get("namespaced") else "Cluster",
                "singularResource": each.get("singularName", ""),
                "verbs": each.get("verbs") or [],
                **{key: each[key] for key in ("shortNames", "categories") if each.get(key)},
            }
        elif name in found:
            row = {"subresource": sub, "responseKind": kind, "verbs": each.get("verbs") or []}
            found[name].setdefault("subresources", []).append(row)
    return list(found.values())
