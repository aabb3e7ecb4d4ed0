"""The API server: HTTPS and gRPC in front of one pipeline, over a `Storage` that the caller brings."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver import bootstrap, rpc
from apiserver.admission import Chain
from apiserver.admission.policies import status as policystatus
from apiserver.admission.resourcequota import QUOTAS
from apiserver.aggregation import loop as aggregation
from apiserver.aggregation.aggregator import Aggregator
from apiserver.audit import auditor as audit
from apiserver.audit.auditor import Auditor
from apiserver.authn.authenticator import Authenticator
from apiserver.authn.frontproxy import FrontProxy
from apiserver.authn.tokens import Issuer
from apiserver.authz.authorizer import Chain as Authorizers
from apiserver.config import Config
from apiserver.context import Context, Kinds
from apiserver.crd.controller import Controller
from apiserver.encryption.storage import EncryptedStorage
from apiserver.fairness import keeper
from apiserver.fairness.gate import Gate
from apiserver.http import metrics
from apiserver.http.app import app
from apiserver.http.podface import Server, listen
from apiserver.kinds import KINDS
from apiserver.kinds.kind import Kind, Ranges
from apiserver.kinds.metrics import METRICS
from apiserver.kinds.pod.capabilities import CAPABILITIES
from apiserver.objects import compaction
from apiserver.objects.feed import Feed
from apiserver.objects.registry import SERVER, Change, Registry, Write
from apiserver.webhook.client import WebhookClient
from podling.api.errors import ApiError
from podling.loop.clock import Clock, RealClock
from podling.storage import Storage

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 180.0
HEADER_BYTES = 1 << 20  # of an address or a header, as Go takes them: tokens and selectors can be long
DRAIN_SECONDS = 3.0
CUT_SECONDS = 1.0  # for what is still open once everything under way is answered: exec, logs
RETRY_SECONDS = 0.5


def build(config: Config, storage: Storage, kinds: Sequence[Kind] = KINDS, clock: Clock | None = None) -> Context:
    """The parts, put together; nothing runs yet."""
    clock = clock or RealClock()
    CAPABILITIES.allow_privileged = config.allow_privileged
    if config.encryption_provider_config is not None:
        storage = EncryptedStorage(storage, config.encryption_provider_config, kinds)
    feed = Feed(storage, kinds)
    authorizers = Authorizers(feed)
    quotas = next((kind for kind in kinds if kind.resource == QUOTAS), None)

    async def count(namespace: str, name: str, change: Change) -> None:
        """A quota's status, by the server itself: no plugin is asked again."""
        if quotas is not None:
            write, status = Write(SERVER, subresource="status", raw=True), quotas.subresource("status")
            await registry.update(quotas, namespace, name, change, write, status)

    served, webhooks = Kinds(kinds), WebhookClient(feed)
    admission = Chain(feed, authorizers, count, config.warn_unsupported, served=lambda: served.all, webhooks=webhooks)
    registry = Registry(storage, feed, admission, clock, Ranges(config.service_cluster_ip_range))
    return Context(
        config=config,
        storage=storage,
        kinds=served,
        feed=feed,
        registry=registry,
        authenticator=Authenticator(
            Issuer(config.sa_key.read_bytes(), config.issuer), feed, config.token_file, _front_proxy(config)
        ),
        authorizer=authorizers,
        admission=admission,
        webhooks=webhooks,
        auditor=_auditor(config),
        gate=Gate(feed, config.max_requests_inflight + config.max_mutating_requests_inflight),
        aggregator=Aggregator(config, feed),
    )


def _front_proxy(config: Config) -> FrontProxy | None:
    found = config.requestheader_client_ca
    return None if found is None else FrontProxy(found, config.client_ca)


def _auditor(config: Config) -> Auditor | None:
    if config.audit_policy_file is None or not config.audit_log_path:
        return None
    size, files = config.audit_log_maxsize, config.audit_log_maxbackup
    return audit.load(config.audit_policy_file, config.audit_log_path, size, files)


async def run(config: Config, storage: Storage) -> None:
    """Serve until cancelled; then watches end, requests under way are answered, and the ports are free again."""
    context = build(config, storage, (*KINDS, *METRICS) if config.resource_metrics else KINDS)
    metrics.IN_FLIGHT.set_function(lambda: context.under_way.count)
    async with AsyncExitStack() as stack:
        _start(stack, "feed", context.feed.run())
        if isinstance(context.storage, EncryptedStorage):
            _start(stack, "encryption", context.storage.reload())
        _start(stack, "compaction", compaction.run(storage, config.compaction_seconds))
        if context.auditor is not None:
            stack.callback(context.auditor.close)
        await context.feed.ready.wait()
        stack.push_async_callback(context.kubelets.close)
        stack.push_async_callback(context.webhooks.close)
        definitions = Controller(context)
        await definitions.start()
        _start(stack, "definitions", definitions.run())
        stack.push_async_callback(context.aggregator.backend.close)
        stack.push_async_callback((await _serve_https(context)).cleanup)
        stack.push_async_callback((await rpc.serve(context)).stop, DRAIN_SECONDS)
        stack.push_async_callback(_stop, context)
        for name, loop in LOOPS:
            _start(stack, name, loop(context))
        log.info("apiserver serving url=%s grpc=%s:%d", config.url, config.bind_address, config.grpc_port)
        await asyncio.Event().wait()


def _start(stack: AsyncExitStack, name: str, running: Coroutine[Any, Any, None]) -> None:
    """Beside the server, until the stack unwinds to here."""
    task = asyncio.create_task(running, name=name)
    task.add_done_callback(_tell_of_death)
    stack.push_async_callback(_cancel, task)


def _tell_of_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("loop died name=%r: restart the API server", task.get_name(), exc_info=error)


async def _bootstrap(context: Context) -> None:
    while not context.bootstrapped.is_set():
        try:
            await bootstrap.ensure(context)
        except ApiError as error:
            log.warning("bootstrap failed, trying again error=%s", error)
            await asyncio.sleep(RETRY_SECONDS)


async def _keep_flow_control(context: Context) -> None:
    await context.bootstrapped.wait()
    await keeper.run(context.registry)


async def _tell_policy_status(context: Context) -> None:
    if context.config.policy_status:
        await policystatus.run(context)


# What runs once requests are served; each takes care of one thing that the server keeps right by itself.
LOOPS: tuple[tuple[str, Callable[[Context], Coroutine[Any, Any, None]]], ...] = (
    ("bootstrap", _bootstrap),
    ("flow control", _keep_flow_control),
    ("lending of seats", lambda context: context.gate.run()),
    ("aggregation", aggregation.run),
    ("policy status", _tell_policy_status),
)


async def _stop(context: Context) -> None:
    """In Kubernetes' order: readyz fails, watches end, what is under way is answered; the ports stay open meanwhile."""
    context.stopping.set()
    await asyncio.sleep(context.config.shutdown_delay_seconds)
    for cache in context.feed.caches.values():
        cache.cut()
    if not await context.under_way.idle(DRAIN_SECONDS):
        log.warning("requests are cut off count=%d", context.under_way.count)


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def server_tls(config: Config) -> ssl.SSLContext:
    """A client may show a certificate of the cluster's CA, or none; another CA's ends the handshake."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(config.client_ca))
    tls.load_cert_chain(config.tls_cert, config.tls_key)
    if config.requestheader_client_ca is not None:
        tls.load_verify_locations(config.requestheader_client_ca)
    tls.verify_mode = ssl.CERT_OPTIONAL
    return tls


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> BaseRequest:
    return BaseRequest(message, payload, protocol, writer, task, asyncio.get_running_loop())


async def _serve_https(context: Context) -> web.ServerRunner:
    config = context.config
    server = Server(app(context), request_factory=_request, handler_cancellation=True, access_log=None,
                    keepalive_timeout=KEEP_ALIVE_SECONDS,
                    max_line_size=HEADER_BYTES, max_field_size=HEADER_BYTES)  # fmt: skip
    runner = web.ServerRunner(server, shutdown_timeout=CUT_SECONDS)
    await runner.setup()
    tls = server_tls(config)
    await web.TCPSite(runner, config.bind_address, config.port, ssl_context=tls, backlog=1024).start()
    if config.pod_address:
        server.admit_pods(config.pod_address, config.pod_cidr)
        await web.SockSite(runner, listen(config.pod_address, config.port), ssl_context=tls, backlog=1024).start()
    return runner
