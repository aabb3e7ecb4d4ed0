"""The gRPC face: the pipeline without HTTP's cost, for podling's own services.

Objects are the JSON that REST carries. A caller shows a certificate of the cluster's CA: grpcio offers no optional one.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from apiserver import pipeline
from apiserver.aggregation import calls
from apiserver.answer import Answer, ListAnswer, WatchAnswer
from apiserver.audit.record import Record
from apiserver.context import Context
from apiserver.discovery.preferred import preferred, stale
from apiserver.fairness import width
from apiserver.http import address, metrics
from apiserver.http.negotiate import Form
from apiserver.http.render import EventWriter
from apiserver.objects.cached import encode
from apiserver.objects.watcher import Seen
from apiserver.objects.watchloop import told
from apiserver.refusal import unforeseen
from apiserver.request import ANONYMOUS, Attributes, Request, User
from podling.api.errors import ApiError
from podling.loop.service import Tls, add_health, grpc_server
from podling.pb.cluster import cluster_pb2 as pb
from podling.pb.cluster import cluster_pb2_grpc

log = logging.getLogger(__name__)
Found = pipeline.Result | calls.Handed

VERBS = {
    pb.GET: "get",
    pb.LIST: "list",
    pb.CREATE: "create",
    pb.UPDATE: "update",
    pb.PATCH: "patch",
    pb.DELETE: "delete",
    pb.DELETE_COLLECTION: "deletecollection",
}
STREAM_CALLS = 256  # how many calls of one stream may be under way at once


async def serve(context: Context) -> grpc.aio.Server:
    """Listening when it returns; the caller owes a `stop`."""
    config = context.config
    server = grpc_server()
    cluster_pb2_grpc.add_ClusterServicer_to_server(Cluster(context), server)
    await add_health(server, ["podling.cluster.v1.Cluster"])
    tls = Tls(config.client_ca, config.tls_cert, config.tls_key)
    server.add_secure_port(f"{config.bind_address}:{config.grpc_port}", tls.server_credentials())
    await server.start()
    return server


class Cluster(cluster_pb2_grpc.ClusterServicer):
    def __init__(self, context: Context) -> None:
        self.context = context

    async def Discover(self, _: pb.DiscoverRequest, __: grpc.aio.ServicerContext) -> pb.DiscoverReply:
        """Every kind that is stored here, and what other servers serve."""
        elsewhere = self.context.aggregator.elsewhere()
        return pb.DiscoverReply(
            resources=[
                pb.Resource(
                    group=each.group,
                    version=each.version,
                    resource=each.plural,
                    kind=each.kind,
                    namespaced=each.namespaced,
                    verbs=each.verbs,
                    subresources=each.subresources,
                )
                for each in preferred(self.context.kinds.all, elsewhere)
            ],
            stale=stale(elsewhere),
        )

    async def Do(self, request: pb.Request, call: grpc.aio.ServicerContext) -> pb.Reply:
        return await self._reply(_caller(self.context, call), request)

    async def Stream(self, requests: AsyncIterator[pb.Request], call: grpc.aio.ServicerContext) -> None:
        caller = _caller(self.context, call)
        room, writing = asyncio.Semaphore(STREAM_CALLS), asyncio.Lock()

        async def one(request: pb.Request) -> None:
            try:
                reply = await self._reply(caller, request)
                async with writing:  # gRPC takes one write at a time
                    await call.write(reply)
            finally:
                room.release()

        async with asyncio.TaskGroup() as group:
            async for request in requests:
                await room.acquire()
                group.create_task(one(request))

    async def Watch(self, request: pb.WatchRequest, call: grpc.aio.ServicerContext) -> None:
        asked = _attributes("watch", request.target, request.options)
        found: Found | None = None
        try:
            found = await self._serve(_caller(self.context, call), asked, Request(asked, dict(request.options)))
            if isinstance(found, calls.Handed):
                return await _hand_back(found, call)
            assert isinstance(found, WatchAnswer)
            writer = EventWriter(found.kind, Form(), "")
            async for events, bookmark in told(found):
                reply = pb.WatchReply(events=[_event(event, writer) for event in events])
                if bookmark is not None:
                    reply.events.append(pb.Event(type="BOOKMARK", object=writer.bookmark_object(bookmark)))
                await call.write(reply)
        except ApiError as error:
            await call.write(pb.WatchReply(events=[pb.Event(type="ERROR", object=encode(error.status()))]))
        finally:
            if isinstance(found, WatchAnswer):
                found.feed.forget(found.kind, found.watcher)

    async def _reply(self, caller: "User | ApiError", request: pb.Request) -> pb.Reply:
        verb = VERBS.get(request.verb, "")
        asked = _attributes(verb, request.target, request.options)
        content_type = request.content_type or "application/json"
        served = Request(asked, dict(request.options), request.body, content_type)
        try:
            found = await self._serve(caller, asked, served)
        except ApiError as error:
            return pb.Reply(id=request.id, code=error.code, body=encode(error.status()), warnings=served.warnings)
        reply = pb.Reply(id=request.id, code=200, warnings=served.warnings)
        if isinstance(found, calls.Handed):
            _fill(reply, found, verb)
        elif isinstance(found, ListAnswer):
            reply.items.extend(cached.encoded for cached in found.items)
            reply.resource_version = str(found.revision)
            setattr(reply, "continue", found.continue_)
        elif isinstance(found, Answer):
            reply.code = found.code
            reply.body = found.cached.encoded if found.cached else encode(found.object)
        return reply

    async def _serve(self, caller: "User | ApiError", asked: Attributes, request: Request) -> Found:
        started = time.perf_counter()
        code = 200
        record: Record | None = None
        try:
            if isinstance(caller, ApiError):
                raise caller
            request.attributes = replace(asked, user=caller)
            record = self._audited(request)
            seats = width.seats(self.context.feed, request.attributes, request.options)
            async with self.context.gate.enter(request.attributes, seats) as place:
                pipeline.authorize(self.context, address.named_by_selector(request.attributes), request.annotations)
                if (remote := self.context.aggregator.serving(asked)) is not None:
                    place.leave()  # the other server has queues of its own
                    return await calls.hand_on(self.context.aggregator.backend, remote, request)
                found = await pipeline.serve(pipeline.resolve(self.context, request))
            if isinstance(found, Answer):
                code = found.code
                if record is not None:
                    record.response = found.object
            return found
        except ApiError as error:
            code = error.code
            raise
        except Exception as error:
            log.exception("call failed verb=%s resource=%s name=%s", asked.verb, asked.resource, asked.name)
            code = 500
            raise unforeseen(error) from error
        finally:
            kind = self.context.kinds.find(asked.group, asked.version, asked.resource)
            metrics.count(asked, kind, code, time.perf_counter() - started)
            if record is not None and self.context.auditor is not None:
                self.context.auditor.tell(record, "ResponseComplete", {"code": code})

    def _audited(self, request: Request) -> Record | None:
        asked, auditor = request.attributes, self.context.auditor
        if auditor is None:
            return None
        record = auditor.begin(asked, str(uuid.uuid4()), address.path_of(asked), {}, "")
        if record is not None:
            record.annotations, record.request_body = request.annotations, request.body
            record.content_type = request.content_type
        return record


async def _hand_back(found: calls.Handed, call: grpc.aio.ServicerContext) -> None:
    """Until the other server ends its watch, which raises ApiError."""
    assert found.events is not None
    async with aclosing(found.events):
        async for each in found.events:
            await call.write(pb.WatchReply(events=[pb.Event(type=each.type, object=each.object)]))


def _fill(reply: pb.Reply, found: calls.Handed, verb: str) -> None:
    if verb != "list":
        reply.body = found.body
        return
    listed = calls.listed(found.body)
    reply.items.extend(listed.items)
    reply.resource_version = listed.resource_version
    setattr(reply, "continue", listed.continue_)


def _event(event: Seen, writer: EventWriter) -> pb.Event:
    return pb.Event(type=event.type, object=writer.object(event))


def _attributes(verb: str, target: pb.Target, options: Mapping[str, str]) -> Attributes:
    selector = options.get("fieldSelector", "") if verb in address.COLLECTION else ""
    namespace, resource = target.namespace, target.resource
    if resource == "namespaces" and not target.group:
        namespace = target.name  # as in the REST path
    return Attributes(
        user=ANONYMOUS,
        verb=verb,
        group=target.group,
        version=target.version,
        resource=resource,
        subresource=target.subresource,
        namespace=namespace,
        name=target.name,
        field_selector=selector,
    )


def _caller(context: Context, call: grpc.aio.ServicerContext) -> "User | ApiError":
    """Who calls, or why that is not known: the refusal is the call's answer."""
    headers = {str(key): value for key, value in call.invocation_metadata() or () if isinstance(value, str)}
    pem = (call.auth_context() or {}).get("x509_pem_cert")
    try:
        subject, certificate = _shown(pem[0]) if pem else ((), b"")
        return context.authenticator.authenticate(subject, headers, certificate=certificate)
    except ApiError as error:
        return error


@lru_cache(maxsize=256)
def _shown(pem: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """A certificate's subject as ssl tells it, and its DER; gRPC has verified the certificate."""
    certificate = x509.load_pem_x509_certificate(pem)
    names = {NameOID.COMMON_NAME: "commonName", NameOID.ORGANIZATION_NAME: "organizationName"}
    subject = tuple((names[each.oid], str(each.value)) for each in certificate.subject if each.oid in names)
    return subject, certificate.public_bytes(Encoding.DER)
