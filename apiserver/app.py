"""The HTTPS face: one function that every request runs through.

path and method ─▶ who (certificate, token, Impersonate-*) ─▶ may they ─▶ routes.py ─▶ answer in the form wanted
an ApiError anywhere becomes a Status; anything else a 500 and a line in the log
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from aiohttp import web
from aiohttp.web_request import BaseRequest
from isal import igzip
from multidict import CIMultiDict

from apiserver import address, headers, metrics, negotiate, pipeline, render, routes
from apiserver.aggregation.proxy import forward
from apiserver.answer import ListAnswer, WatchAnswer
from apiserver.authn.impersonation import impersonated
from apiserver.context import Context
from apiserver.discovery import pages as discovery
from apiserver.fairness import width
from apiserver.fairness.gate import Busy, Place
from apiserver.handlers import STREAMS
from apiserver.negotiate import Form
from apiserver.patch.patch import check_media
from apiserver.protobuf import decode as protobuf
from apiserver.refusal import NothingHere, unforeseen
from apiserver.request import Attributes, Request
from apiserver.table import include
from apiserver.verbs.admitted import admit_connection
from apiserver.verbs.call import Call
from apiserver.watchstream import send_watch
from podling.api.errors import ApiError, TooLarge

log = logging.getLogger(__name__)

BODY_BYTES = 3 * 1024 * 1024
COMPRESS_BYTES = 128 * 1024

Handler = Callable[[BaseRequest], Awaitable[web.StreamResponse]]


def app(context: Context) -> Handler:
    """What aiohttp calls for every request."""

    async def handle(http: BaseRequest) -> web.StreamResponse:
        started = time.perf_counter()
        parts = address.segments(http.raw_path.partition("?")[0])
        asked = address.attributes(http.method, parts, http.query)
        warnings: list[str] = []  # told with a refusal too
        try:
            response = await _answer(context, http, asked, warnings)
        except ApiError as error:
            response = refused(http, error, warnings)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:
            log.exception("request failed method=%s path=%s", http.method, http.raw_path)
            response = refused(http, unforeseen(error))
        if not response.prepared:
            response.headers.update(headers.remembered(http))
        metrics.count(asked, response.status, time.perf_counter() - started)
        return response

    return handle


async def _answer(context: Context, http: BaseRequest, asked: Attributes, warnings: list[str]) -> web.StreamResponse:
    user = context.authenticator.authenticate(_named(http, "subject"), http.headers, _named(http, "issuer"))
    asked = replace(asked, user=user)
    user = impersonated(user, http.headers, address.named_by_selector(asked), context.authorizer)
    asked = replace(asked, user=user)
    if (asked.group, asked.resource, asked.subresource) in STREAMS:  # lasts as long as its client likes
        return await _serve(context, http, asked, warnings, None)
    place = context.gate.enter(asked, width.seats(context.feed, asked, http.query))
    headers.remember(http, place.headers)
    async with place:
        return await _serve(context, http, asked, warnings, place)


async def _serve(
    context: Context, http: BaseRequest, asked: Attributes, warnings: list[str], place: Place | None
) -> web.StreamResponse:
    pipeline.authorize(context, address.named_by_selector(asked))
    if (remote := context.aggregator.serving(asked)) is not None:
        if place is not None:
            place.leave()  # the other server has queues of its own
        return await forward(context.aggregator.backend, http, remote, asked.user)
    if not asked.resource:
        return await routes.serve(context, http, asked)
    if not context.kinds.serves(asked.group, asked.version):
        return discovery.missing(asked.group)
    request = Request(
        attributes=asked,
        options=http.query,
        content_type=http.headers.get("Content-Type", ""),
        user_agent=http.headers.get("User-Agent", ""),
        warnings=warnings,
    )
    call = pipeline.resolve(context, request)
    stream = STREAMS.get((asked.group, asked.resource, asked.subresource))
    if stream is not None and call.sub is not None:
        await admit_connection(context, request, http, call.kind, call.sub)
        response: web.StreamResponse = await stream(http, context, request)
        return response
    return await _resource(http, call, place)


async def _resource(http: BaseRequest, call: Call, place: Place | None) -> web.StreamResponse:
    request = call.request
    verb = request.attributes.verb
    if verb == "patch":
        check_media(call.kind, request.content_type.partition(";")[0].strip())
    pretty = request.options.get("pretty", "") in ("1", "true") or _by_hand(request)
    form = negotiate.form(http.headers.get("Accept", ""), pretty=pretty, watch=verb == "watch")
    included = include(request.options.get("includeObject", "")) if form.as_ == "Table" else ""
    if verb in ("create", "update"):
        negotiate.check_body(request.content_type)
    request.body = await read_body(http)
    if request.content_type.partition(";")[0].strip() == negotiate.PROTOBUF:
        request.body, request.content_type = protobuf.to_json(request.body), negotiate.JSON
    found = await pipeline.serve(call)
    if isinstance(found, WatchAnswer):
        if place is not None:
            place.leave()
        return await send_watch(http, found, form, included)
    if isinstance(found, ListAnswer):
        return await _send(http, render.items(found, form, included), 200, form, request.warnings)
    return await _send(http, render.answer(found, form, included), found.code, form, request.warnings)


def _by_hand(request: Request) -> bool:
    return "pretty" not in request.options and request.user_agent.startswith(("curl/", "Wget/", "Mozilla/"))


def _named(http: BaseRequest, part: str) -> tuple[tuple[str, str], ...]:
    """Subject or issuer of the verified client certificate, as ssl tells it; () where none was shown."""
    certificate = http.transport.get_extra_info("peercert") if http.transport else None
    return tuple(pair for group in (certificate or {}).get(part, ()) for pair in group)


async def read_body(http: BaseRequest) -> bytes:
    """Raises `TooLarge` as soon as it is known."""
    if (http.content_length or 0) > BODY_BYTES:
        raise _too_large()
    if http.headers.get("Expect", "").lower() == "100-continue":
        await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    read = bytearray()
    async for chunk in http.content.iter_any():
        read += chunk
        if len(read) > BODY_BYTES:
            raise _too_large()
    return bytes(read)


def _too_large() -> TooLarge:
    return TooLarge(f"Request entity too large: limit is {BODY_BYTES}")


def warning_headers(warnings: Sequence[str]) -> list[tuple[str, str]]:
    """RFC 7234's Warning header: code 299, no agent, quoted text. Each once."""
    quoted = (words.replace("\\", "\\\\").replace('"', '\\"') for words in dict.fromkeys(warnings))
    return [("Warning", f'299 - "{words}"') for words in quoted]


async def _send(http: BaseRequest, body: bytes, code: int, form: Form, warnings: list[str]) -> web.Response:
    headers = CIMultiDict([("Content-Type", form.media), *warning_headers(warnings)])
    if len(body) > COMPRESS_BYTES and "gzip" in http.headers.get("Accept-Encoding", ""):
        body = await asyncio.to_thread(igzip.compress, body, 1)
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    return web.Response(body=body, status=code, headers=headers)


def refused(http: BaseRequest, error: ApiError, warnings: Sequence[str] = ()) -> web.Response:
    if isinstance(error, Busy):
        return web.Response(status=error.code, text=f"{error.message}\n", headers={**routes.TEXT, **error.headers})
    if isinstance(error, NothingHere):
        return routes.nothing_here()
    form = negotiate.of_errors(http.headers.get("Accept", ""))
    headers = CIMultiDict([("Content-Type", form.media), *warning_headers(warnings)])
    if seconds := (error.details or {}).get("retryAfterSeconds"):
        headers["Retry-After"] = str(seconds)
    return web.Response(body=render.body(error.status(), form), status=error.code, headers=headers)
