"""Calls of podling's own services on what another API server serves: they come by gRPC and go on by HTTP.

Source of the words for what is no Status: k8s.io/apimachinery/pkg/api/errors (NewGenericServerResponse).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp
import msgspec
from multidict import CIMultiDict

from apiserver.aggregation import identity
from apiserver.aggregation.backend import Backend
from apiserver.aggregation.remote import Remote
from apiserver.http.address import path_of
from apiserver.request import Request
from apiserver.webhook import neterrors
from podling.api import errors
from podling.api.errors import ApiError, GroupResource, ServiceUnavailable
from podling.api.field import show

SECONDS = 30.0
FAILURES = (aiohttp.ClientError, OSError, TimeoutError, ValueError)  # what no JSON is among the last
METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
WORDS = {
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    503: "the server is currently unable to handle the request",
}


class Listed(NamedTuple):
    items: list[bytes]
    resource_version: str
    continue_: str


class Event(NamedTuple):
    type: str
    object: bytes


class Handed(NamedTuple):
    """What came back: an answer's body, JSON; of a watch its events, which end in an ApiError."""

    body: bytes = b""
    events: AsyncGenerator[Event, None] | None = None


async def hand_on(backend: Backend, remote: Remote, request: Request) -> Handed:
    """Raises ApiError: what the other server refuses, or that it cannot be asked."""
    if request.attributes.verb == "watch":
        return Handed(events=_watch(backend, remote, request))
    try:
        async with asyncio.timeout(SECONDS), _asked(backend, remote, request) as answer:
            return Handed(await answer.read())
    except FAILURES as error:
        raise _away(error, remote) from None


async def _watch(backend: Backend, remote: Remote, request: Request) -> AsyncGenerator[Event, None]:
    try:
        async with _asked(backend, remote, request) as answer:
            rest = b""
            async for piece in answer.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    event = msgspec.json.decode(line, type=_Line)
                    yield Event(event.type, bytes(event.object))
    except FAILURES as error:
        raise _away(error, remote) from None
    raise ServiceUnavailable("the watch has ended")


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Metadata(msgspec.Struct, rename={"continue_": "continue"}):
    resourceVersion: str = ""
    continue_: str = ""


class _List(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    items: list[msgspec.Raw] | None = None


def listed(body: bytes) -> Listed:
    """Raises ServiceUnavailable for what is no list."""
    try:
        found = msgspec.json.decode(body, type=_List)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ServiceUnavailable(f"the answer is no list: {error}") from None
    return Listed([bytes(each) for each in found.items or ()], found.metadata.resourceVersion, found.metadata.continue_)


@asynccontextmanager
async def _asked(backend: Backend, remote: Remote, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
    asked = request.attributes
    method = METHODS[asked.verb]
    if not remote.available:
        raise refusal(503, b"", method, GroupResource(asked.group, asked.resource))
    headers = CIMultiDict([*identity.headers(asked.user), ("Accept", "application/json")])
    if request.body:
        headers["Content-Type"] = request.content_type
    query = {**request.options, **({"watch": "true"} if asked.verb == "watch" else {})}
    target = path_of(asked) + (f"?{urlencode(query)}" if query else "")
    address = backend.addresses(remote)[0]
    async with await backend.request(remote, address, method, target, headers, request.body or None) as answer:
        if answer.status >= 400:
            body = await answer.read()
            raise refusal(answer.status, body, method, GroupResource(asked.group, asked.resource))
        yield answer


def refusal(code: int, body: bytes, method: str, of: GroupResource) -> ApiError:
    """What the other server says, or what a client would make of it where it is no Status."""
    told: Any = None
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        told = msgspec.json.decode(body)
    if isinstance(told, dict) and told.get("kind") == "Status":
        return errors.from_status(told)
    text = body.decode(errors="replace").strip()
    words = WORDS.get(code) or f"an error on the server ({show(text)}) has prevented the request from succeeding"
    return errors.BY_CODE.get(code, errors.InternalError)(f"{words} ({method.lower()} {of})")


def _away(error: Exception, remote: Remote) -> ServiceUnavailable:
    return ServiceUnavailable(f"error trying to reach service: {neterrors.words(error, remote.server_name)}")
