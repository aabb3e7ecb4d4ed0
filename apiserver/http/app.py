"""The HTTPS face: one function that every request runs through.

path and method ─▶ who (certificate, token, Impersonate-*) ─▶ may they ─▶ routes.py ─▶ answer in the form wanted
an ApiError anywhere becomes a Status; anything else a 500 and a line in the log
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver import pipeline
from apiserver.aggregation.proxy import forward, lasts
from apiserver.answer import ListAnswer, WatchAnswer
from apiserver.audit.policy import RESPONSE
from apiserver.audit.record import Record, attempted
from apiserver.authn.impersonation import impersonated
from apiserver.context import Context
from apiserver.discovery import pages as discovery
from apiserver.fairness import width
from apiserver.fairness.gate import Place
from apiserver.handlers import STREAMS
from apiserver.http import (
    address,
    body,
    deadline,
    headers,
    metrics,
    negotiate,
    render,
    routes,
    watchsocket,
    watchstream,
)
from apiserver.http.sending import refused, send
from apiserver.http.table import include
from apiserver.patch.patch import check_media
from apiserver.protobuf import decode as protobuf
from apiserver.refusal import not_allowed, unforeseen
from apiserver.request import Attributes, Request
from apiserver.verbs.admitted import admit_connection
from apiserver.verbs.call import Call
from podling.api.errors import ApiError, BadRequest, Timeout, Unauthorized

log = logging.getLogger(__name__)

AUDIT_ID = "Audit-Id"

Handler = Callable[[BaseRequest], Awaitable[web.StreamResponse]]


def app(context: Context) -> Handler:
    """What aiohttp calls for every request."""

    async def handle(http: BaseRequest) -> web.StreamResponse:
        parts = address.segments(http.raw_path.partition("?")[0])
        return await Exchange(context, http, address.attributes(http.method, parts, http.query)).run()

    return handle


@dataclass(slots=True)
class Exchange:
    """One request and what becomes of it."""

    context: Context
    http: BaseRequest
    asked: Attributes
    warnings: list[str] = field(default_factory=list)  # told with a refusal too
    place: Place | None = None
    record: Record | None = None  # of the audit log
    limit: asyncio.Timeout | None = None  # how long it may take

    async def run(self) -> web.StreamResponse:
        started = time.perf_counter()
        http = self.http
        audit_id = http.headers.get(AUDIT_ID) or str(uuid.uuid4())
        headers.remember(http, {AUDIT_ID: audit_id, "Cache-Control": "no-cache, private"})
        refusal: ApiError | None = None
        panic = False
        try:
            response = await self._in_time()
        except ApiError as error:
            refusal = error
        except (asyncio.CancelledError, ConnectionError):
            self._complete(499)
            raise
        except RecursionError:
            refusal = BadRequest(f"json: {body.DEPTH_WORDS}")
        except Exception as error:
            log.exception("request failed method=%s path=%s", http.method, http.raw_path)
            refusal, panic = unforeseen(error), True
        if refusal is not None:
            response = refused(http, refusal, self.warnings)
        self._finish(response)
        asked = self.asked
        kind = self.context.kinds.find(asked.group, asked.version, asked.resource)
        metrics.count(asked, kind, response.status, time.perf_counter() - started)
        self._complete(response.status, refusal, "Panic" if panic else "ResponseComplete")
        return response

    @property
    def _lasts(self) -> bool:
        """As long as its client likes."""
        asked = self.asked
        return asked.verb == "watch" or (asked.group, asked.resource, asked.subresource) in STREAMS

    async def _in_time(self) -> web.StreamResponse:
        if self._lasts:
            return await self._answer()
        with self.context.under_way:
            try:
                async with asyncio.timeout(deadline.seconds(self.http.query)) as scope:
                    self.limit = scope
                    return await self._answer()
            except TimeoutError:
                if not scope.expired():
                    raise
                raise Timeout("Timeout: request did not complete within the allotted timeout", {}) from None

    async def _answer(self) -> web.StreamResponse:
        context, http = self.context, self.http
        try:
            subject, issuer = _named(http, "subject"), _named(http, "issuer")
            user = context.authenticator.authenticate(subject, http.headers, issuer, _certificate(http))
        except Unauthorized:
            self._begin()
            raise
        self.asked = replace(self.asked, user=user)
        self._begin()
        shown = impersonated(user, http.headers, address.named_by_selector(self.asked), context.authorizer)
        if shown is not user:
            self.asked = replace(self.asked, user=shown)
            if self.record is not None:
                self.record.impersonated = shown
        if self._lasts and self.asked.verb != "watch":
            return await self._serve()
        self.place = context.gate.enter(self.asked, width.seats(context.feed, self.asked, http.query))
        headers.remember(http, self.place.headers)
        async with self.place:
            response = await self._serve()
            if not response.prepared:  # the seat is held until the client has its answer: large ones are work, too
                self._finish(response)
                await response.prepare(http)
                await response.write_eof()
            return response

    def _finish(self, response: web.StreamResponse) -> None:
        """What every answer carries, if it is not on its way yet."""
        if response.prepared:
            return
        for name, value in headers.remembered(self.http).items():
            response.headers.setdefault(name, value)
        if self.context.stopping.is_set():
            response.force_close()

    async def _serve(self) -> web.StreamResponse:
        context, http, asked = self.context, self.http, self.asked
        request = Request(
            attributes=asked,
            options=http.query,
            content_type=http.headers.get("Content-Type", ""),
            user_agent=http.headers.get("User-Agent", ""),
            warnings=self.warnings,
            annotations=self.record.annotations if self.record else {},
        )
        pipeline.authorize(context, address.named_by_selector(asked), request.annotations)
        if (remote := context.aggregator.serving(asked)) is not None:
            if self.place is not None:
                self.place.leave()  # the other server has queues of its own
            if self.limit is not None and lasts(http, asked):
                self.limit.reschedule(None)
            return await forward(context.aggregator.backend, http, remote, asked.user)
        if not asked.resource:
            return await routes.serve(context, http, asked)
        if not context.kinds.serves(asked.group, asked.version):
            return discovery.missing(asked.group)
        call = pipeline.resolve(context, request)
        if http.method == "HEAD" and asked.subresource != "proxy":
            raise not_allowed()  # though it is authorized as a GET
        stream = STREAMS.get((asked.group, asked.resource, asked.subresource))
        if stream is not None and call.sub is not None:
            request.decoded = await admit_connection(context, request, http, call.kind, call.sub)
            response: web.StreamResponse = await stream(http, context, request)
            return response
        return await self._resource(call)

    async def _resource(self, call: Call) -> web.StreamResponse:
        http, request = self.http, call.request
        verb = request.attributes.verb
        if verb == "patch":
            check_media(call.kind, request.content_type.partition(";")[0].strip())
        pretty = request.options.get("pretty", "") in ("1", "true") or _by_hand(request)
        custom = call.kind.custom and call.view is None
        form = negotiate.form(http.headers.get("Accept", ""), pretty=pretty, watch=verb == "watch", custom=custom)
        included = include(request.options.get("includeObject", "")) if form.as_ == "Table" else ""
        if verb in ("create", "update"):
            request.content_type = negotiate.check_body(request.content_type, custom=custom)
        await self._read(call)
        if verb in ("delete", "deletecollection") and request.body:
            negotiate.check_body(request.content_type)  # options, which are no custom kind's
        found = await pipeline.serve(call)
        if isinstance(found, WatchAnswer):
            return await self._watch(found, form, included)
        if isinstance(found, ListAnswer):
            rendered, code = render.items(found, form, included), 200
        else:
            rendered, code = render.answer(found, form, included), found.code
        if self.record is not None and self.record.told.has(RESPONSE) and form.media == negotiate.JSON:
            self.record.response = msgspec.json.decode(rendered)
        return await send(http, rendered, code, form, request.warnings)

    async def _read(self, call: Call) -> None:
        request = call.request
        request.body = await body.read(self.http)
        if request.content_type.partition(";")[0].strip() == negotiate.PROTOBUF:
            api_version, kind, _ = call.body_kind
            if request.attributes.verb in ("delete", "deletecollection"):
                api_version, kind = "v1", "DeleteOptions"
            request.body, request.content_type = protobuf.to_json(request.body, api_version, kind), negotiate.JSON
        body.check_depth(request.body)
        if self.record is not None:
            self.record.request_body, self.record.content_type = request.body, request.content_type

    async def _watch(self, found: WatchAnswer, form: negotiate.Form, included: str) -> web.StreamResponse:
        if self.place is not None:
            self.place.leave()
        if self.context.stopping.is_set():
            found.watcher.cut()
        if self.record is not None and self.context.auditor is not None:
            self.context.auditor.tell(self.record, "ResponseStarted", {"code": 200})
        send_watch = watchsocket.send_watch if watchsocket.is_asked(self.http) else watchstream.send_watch
        return await send_watch(self.http, found, form, included)

    # The audit log.

    def _begin(self) -> None:
        auditor, http = self.context.auditor, self.http
        if auditor is not None:
            audit_id = headers.remembered(http)[AUDIT_ID]
            self.record = auditor.begin(self.asked, audit_id, http.raw_path, http.headers, http.remote or "")

    def _complete(self, code: int, refusal: ApiError | None = None, stage: str = "ResponseComplete") -> None:
        record, auditor = self.record, self.context.auditor
        if record is None or auditor is None:
            return
        status: dict[str, Any] = {"code": code}
        if isinstance(refusal, Unauthorized):
            stage, status["message"] = "ResponseStarted", attempted(self.http.headers)
        elif refusal is not None:
            record.response = refusal.status()
            told = {
                key: value for key, value in record.response.items() if key not in ("kind", "apiVersion", "metadata")
            }
            status = {**told, "code": code}
        auditor.tell(record, stage, status)


def _by_hand(request: Request) -> bool:
    return "pretty" not in request.options and request.user_agent.startswith(("curl/", "Wget/", "Mozilla/"))


def _named(http: BaseRequest, part: str) -> tuple[tuple[str, str], ...]:
    """Subject or issuer of the verified client certificate, as ssl tells it; () where none was shown."""
    certificate = http.transport.get_extra_info("peercert") if http.transport else None
    return tuple(pair for group in (certificate or {}).get(part, ()) for pair in group)


def _certificate(http: BaseRequest) -> bytes:
    """The same, whole, as DER; b"" for none."""
    tls = http.transport.get_extra_info("ssl_object") if http.transport else None
    return (tls and tls.getpeercert(True)) or b""
