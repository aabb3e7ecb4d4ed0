"""A request handed on to the API server that serves it, and its answer handed back, as they come.

    client ──HTTPS──▶ who, may they ──▶ X-Remote-*, front proxy's certificate ──HTTPS──▶ the service's pod
    Upgrade: websocket, SPDY ──▶ the same head on a connection of its own ──▶ bytes both ways

Source: k8s.io/kube-aggregator/pkg/apiserver/handler_proxy.go, k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go.
"""

import asyncio
import logging

import aiohttp
from aiohttp import web
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict

from apiserver.aggregation import identity
from apiserver.aggregation.backend import Backend
from apiserver.aggregation.remote import Remote
from apiserver.request import Attributes, User
from apiserver.streams import relay
from apiserver.webhook import neterrors
from apiserver.webhook.serviceresolver import Address
from podling.api.errors import ApiError

log = logging.getLogger(__name__)

LASTING = ("attach", "exec", "log", "portforward", "proxy")  # subresources, of whatever group


def lasts(http: BaseRequest, asked: Attributes) -> bool:
    """As long as its client likes."""
    return asked.subresource in LASTING or relay.wants_upgrade(http)


async def forward(backend: Backend, http: BaseRequest, remote: Remote, user: User) -> web.StreamResponse:
    if not remote.available:
        return refusal("service unavailable")
    try:
        address = backend.addresses(remote)[0]
    except ApiError as error:
        log.warning("service of an API not resolved apiservice=%s error=%s", remote.name, error)
        return refusal("service unavailable")
    try:
        if relay.wants_upgrade(http):
            return await _upgrade(backend, http, remote, address, user)
        return await _hand_on(backend, http, remote, address, user)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return refusal(f"error trying to reach service: {neterrors.words(error, remote.server_name)}")


def refusal(words: str, code: int = 503) -> web.Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=code, text=words + "\n", headers=headers)


def _headers(http: BaseRequest, user: User) -> CIMultiDict[str]:
    found = relay.headers(http)
    for name, value in identity.headers(user):
        found.add(name, value)
    return found


async def _hand_on(
    backend: Backend, http: BaseRequest, remote: Remote, address: Address, user: User
) -> web.StreamResponse:
    body = await relay.body(http)
    async with await backend.request(remote, address, http.method, http.raw_path, _headers(http, user), body) as found:
        return await relay.answer(http, found)


async def _upgrade(
    backend: Backend, http: BaseRequest, remote: Remote, address: Address, user: User
) -> web.StreamResponse:
    trusted = await backend.trusted(remote)
    try:
        behind = await relay.dial(address.host, address.port, trusted, remote.server_name)
    except OSError as error:
        return refusal(f"error dialing backend: {error}")
    try:
        return await relay.connect(http, behind, http.raw_path, _headers(http, user), str(address))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
        return refusal(f"error reading the answer of the service: {error}")
