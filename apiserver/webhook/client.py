"""The client of webhooks: one connection pool, TLS by the CA bundle of each.

    clientConfig.url      ──▶ that address
    clientConfig.service  ──▶ https://name.namespace.svc:port/path, dialled at a pod behind the service

Source: k8s.io/apiserver/pkg/util/webhook/client.go.
"""

import asyncio
import base64
import random
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from apiserver.lister import Lister
from apiserver.objects.cached import encode
from apiserver.webhook import answers, neterrors
from apiserver.webhook.serviceresolver import Address, resolve
from podling.api.errors import ApiError

Object = dict[str, Any]

PORT = 443
MOST_BYTES = 32 * 1024 * 1024  # of an answer: a conversion of many objects is large
MOST_CONTEXTS = 200
JSON = {"Content-Type": "application/json", "Accept": "application/json, */*", "User-Agent": "kube-apiserver-admission"}


class CallFailed(Exception):
    """The webhook was not reached, or answered what is no answer: `Post "https://…?timeout=10s": EOF`."""


@dataclass(frozen=True, slots=True)
class Target:
    """`url` is what messages name, `dial` the URL that is called; `name` is the name that the certificate must show
    where that is not the URL's own."""

    url: str
    dial: str
    name: str = ""
    host: str = ""


class WebhookClient:
    """Kept for the server's life; `close` ends its connections."""

    def __init__(self, lister: Lister) -> None:
        self._lister = lister
        self._session: aiohttp.ClientSession | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def call(self, config: Object, body: Object, timeout_seconds: int | None = None) -> Object:
        """POST `body` to a webhook's `clientConfig`; the object that it answered. Raises `CallFailed`."""
        query = f"?timeout={timeout_seconds}s" if timeout_seconds else ""
        url = shown_url(config) + query
        try:
            target = self._target(config, url, query)
            trusted = await self._trusted(config.get("caBundle") or "")
            async with asyncio.timeout(timeout_seconds):
                status, kind, answer = await self._post(target, trusted, encode(body))
        except ApiError as error:
            raise CallFailed(f'Post "{url}": {error.message}') from None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            name = target.name or urlsplit(target.dial).hostname or ""
            raise CallFailed(f'Post "{url}": {neterrors.words(error, name)}') from error
        try:
            return answers.read(status, kind, answer)
        except answers.Unusable as error:
            raise CallFailed(str(error)) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _target(self, config: Object, url: str, query: str) -> Target:
        service = config.get("service")
        if not service:
            return Target(url, url)
        port = service.get("port") or PORT
        address: Address = random.choice(resolve(self._lister, service["namespace"], service["name"], port))
        name = server_name(service)
        path = "/" + (service.get("path") or "").lstrip("/")
        return Target(url, f"https://{address}{path}{query}", name, f"{name}:{port}")

    async def _trusted(self, bundle: str) -> ssl.SSLContext:
        """Raises ValueError for a bundle that holds no certificate."""
        found = self._contexts.get(bundle)
        if found is None:
            if len(self._contexts) >= MOST_CONTEXTS:
                self._contexts.clear()
            found = self._contexts[bundle] = await asyncio.to_thread(trusting, base64.b64decode(bundle).decode())
        return found

    async def _post(self, target: Target, trusted: ssl.SSLContext, body: bytes) -> tuple[int, str, bytes]:
        reused = False
        while True:
            trace = {"reused": False}
            try:
                return await self._post_once(target, trusted, body, trace)
            except aiohttp.ServerDisconnectedError:
                # A kept connection that the server closed meanwhile: nothing was done yet. Once, as Go does.
                if reused or not trace["reused"]:
                    raise
                reused = True

    async def _post_once(
        self, target: Target, trusted: ssl.SSLContext, body: bytes, trace: dict[str, bool]
    ) -> tuple[int, str, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), auto_decompress=True, trace_configs=[_tracing()],
                timeout=aiohttp.ClientTimeout(total=None), cookie_jar=aiohttp.DummyCookieJar(),
            )  # fmt: skip
        async with self._session.post(
            target.dial,
            data=body,
            ssl=trusted,
            server_hostname=target.name or None,
            headers={**JSON, **({"Host": target.host} if target.host else {})},
            allow_redirects=False,
            trace_request_ctx=trace,
        ) as response:
            answer = bytearray()
            async for piece in response.content.iter_any():
                answer += piece
                if len(answer) > MOST_BYTES:
                    raise ValueError("the answer is too large")
            return response.status, response.headers.get("Content-Type", ""), bytes(answer)


def shown_url(config: Object) -> str:
    """As messages show it."""
    service = config.get("service")
    if not service:
        return str(config.get("url") or "")
    path = "/" + (service.get("path") or "").lstrip("/")
    return f"https://{server_name(service)}:{service.get('port') or PORT}{path}"


def server_name(service: Object) -> str:
    return f"{service['name']}.{service['namespace']}.svc"


def trusting(bundle: str) -> ssl.SSLContext:
    """Trust in the certificates of a PEM bundle, or in the system's where it is empty. Names stand in the
    certificate's alternative names: its common name does not count, as in Go."""
    try:
        made = ssl.create_default_context(cadata=bundle or None)
    except ssl.SSLError:
        raise ValueError("unable to load root certificates: unable to parse bytes as PEM block") from None
    made.hostname_checks_common_name = False
    return made


def _tracing() -> aiohttp.TraceConfig:
    async def was_reused(_: Any, context: Any, __: Any) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx["reused"] = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(was_reused)
    return trace
