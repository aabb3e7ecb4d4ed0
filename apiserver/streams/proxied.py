"""pods/proxy and services/proxy: HTTP to a pod through this server, as `kubectl proxy` and browsers ask for it.

    …/pods/[scheme:]name[:port]/proxy/path  ──▶  http://its address:port/path

Source of rules and words: k8s.io/kubernetes/pkg/registry/core/{pod/strategy.go,service/storage/storage.go},
k8s.io/apimachinery/pkg/util/proxy. Links in pages are handed on as they are.
"""

import asyncio
import ipaddress
import random
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import aiohttp
from aiohttp import web
from aiohttp.web_request import BaseRequest
from yarl import URL

from apiserver.context import Context
from apiserver.http.address import beyond_proxy
from apiserver.lister import Lister
from apiserver.request import Attributes, Request
from apiserver.streams import relay
from apiserver.streams.remotecommand import PODS
from apiserver.webhook import neterrors
from apiserver.webhook.serviceresolver import ENDPOINTS, SERVICES, Address, resolve
from podling.api.errors import BadRequest, ServiceUnavailable, not_found

Object = Mapping[str, Any]

SCHEMES = ("", "http", "https")
CONNECT_SECONDS = 30.0


class Place(NamedTuple):
    https: bool
    address: Address


async def to_pod(http: BaseRequest, context: Context, request: Request) -> web.StreamResponse:
    return await _proxied(http, pod_place(context.lister, request.attributes), request.decoded["path"])


async def to_service(http: BaseRequest, context: Context, request: Request) -> web.StreamResponse:
    return await _proxied(http, service_place(context.lister, request.attributes), request.decoded["path"])


async def to_node(http: BaseRequest, context: Context, request: Request) -> web.StreamResponse:
    """Kubernetes' kubelets answer HTTP here; ours are spoken to by gRPC."""
    name = request.attributes.name.split(":")[0]
    await context.kubelets.find(context.lister, context.config, name)
    raise ServiceUnavailable(f"error trying to reach service: the kubelet of node {name} answers no HTTP")


def pod_place(lister: Lister, asked: Attributes) -> Place:
    https, name, port = _split(asked.name, "pod")
    pod = lister.get(PODS, asked.namespace, name)
    if pod is None:
        raise not_found(PODS, name)
    address = (pod.get("status") or {}).get("podIP", "")
    return Place(https, _allowed(Address(address, _number(port or _first_port(pod), https))))


def service_place(lister: Lister, asked: Attributes) -> Place:
    """One of the addresses behind it, by chance."""
    https, name, port = _split(asked.name, "service")
    service = lister.get(SERVICES, asked.namespace, name)
    if service is None:
        raise not_found(SERVICES, name)
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        raise not_found(ENDPOINTS, name)
    if not port.isdigit():
        numbers = [str(each["port"]) for each in spec.get("ports") or () if (each.get("name") or "") == port]
        if not numbers:
            raise ServiceUnavailable(f'no endpoints available for service "{asked.name}"')
        port = numbers[0]
    return Place(https, _allowed(random.choice(resolve(lister, asked.namespace, name, int(port)))))


def _split(name: str, what: str) -> tuple[bool, str, str]:
    """`name`, `name:port`, `scheme:name:port`: whether by TLS, the name, the port."""
    parts = name.split(":")
    scheme = parts.pop(0) if len(parts) == 3 else ""
    if len(parts) > 2 or scheme not in SCHEMES or not parts[0]:
        raise BadRequest(f'invalid {what} request "{name}"')
    return scheme == "https", parts[0], parts[1] if len(parts) == 2 else ""


def _first_port(pod: Object) -> str:
    """The first that its containers tell."""
    containers = (pod.get("spec") or {}).get("containers") or ()
    return next((str(ports[0]["containerPort"]) for each in containers if (ports := each.get("ports"))), "")


def _number(port: str, https: bool) -> int:
    if not port:
        return 443 if https else 80
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ServiceUnavailable(f"error trying to reach service: dial tcp: lookup tcp/{port}: unknown port")
    return int(port)


def _allowed(address: Address) -> Address:
    """This server's own addresses are nobody's pod."""
    try:
        found = ipaddress.ip_address(address.host)
    except ValueError:
        raise BadRequest("address not allowed") from None
    if found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified:
        raise BadRequest("address not allowed")
    return address


async def _proxied(http: BaseRequest, place: Place, admitted: str) -> web.StreamResponse:
    """`admitted` is the path as admission left it."""
    path = beyond_proxy(http.raw_path)
    asked, mark, query = path.partition("?")
    if admitted != unquote(asked):
        path = f"/{quote(admitted.lstrip('/'))}{mark}{query}"
    if not path.startswith("/"):  # pages name each other relative to a folder
        before, mark, query = http.raw_path.partition("?")
        return web.Response(status=301, headers={"Location": f"{before}/{mark}{query}"})
    trusted = _anybody() if place.https else None
    if relay.wants_upgrade(http):
        return await _upgrade(http, place, path, trusted)
    async with aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    ) as session:
        url = URL(f"{'https' if place.https else 'http'}://{place.address}{path}", encoded=True)
        body = await relay.body(http)
        try:
            found = await session.request(
                http.method, url, headers=relay.headers(http), data=body, ssl=trusted or False, allow_redirects=False
            )
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _unreachable(error) from None
        async with found:
            return await relay.answer(http, found)


async def _upgrade(http: BaseRequest, place: Place, path: str, trusted: ssl.SSLContext | None) -> web.StreamResponse:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            behind = await relay.dial(place.address.host, place.address.port, trusted)
        return await relay.connect(http, behind, path, relay.headers(http), str(place.address))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError) as error:
        raise _unreachable(error) from None


def _unreachable(error: Exception) -> ServiceUnavailable:
    return ServiceUnavailable(f"error trying to reach service: {neterrors.words(error)}")


def _anybody() -> ssl.SSLContext:
    """Pods show certificates of their own making."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made
