"""The connections to the API servers behind this one: the front proxy's certificate, their CA bundles."""

import asyncio
import base64
import random
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from apiserver.aggregation.remote import Remote
from apiserver.config import Config
from apiserver.lister import Lister
from apiserver.webhook.client import trusting
from apiserver.webhook.serviceresolver import Address, resolve

MOST_CONTEXTS = 50
OWN_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")  # what aiohttp would add


class Backend:
    """One pool for all of them; `close` ends it."""

    def __init__(self, config: Config, lister: Lister) -> None:
        self._config, self._lister = config, lister
        self._session: aiohttp.ClientSession | None = None
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}

    def addresses(self, remote: Remote) -> list[Address]:
        """In an order of chance; raises ApiError where there are none."""
        found = resolve(self._lister, remote.namespace, remote.service, remote.port)
        return random.sample(found, len(found))

    async def request(  # noqa: PLR0917
        self, remote: Remote, address: Address, method: str, target: str, headers: Mapping[str, str], body: Any = None,
        unverified: bool = False,
    ) -> aiohttp.ClientResponse:  # fmt: skip
        """`target` is the path with its query, as it stands in the request line. Raises aiohttp.ClientError."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=30), skip_auto_headers=OWN_HEADERS,
            )  # fmt: skip
        return await self._session.request(
            method,
            URL(f"https://{address}{target}", encoded=True),
            headers=headers,
            data=body,
            ssl=await self.trusted(remote, unverified),
            server_hostname=remote.server_name,
            allow_redirects=False,
        )

    async def trusted(self, remote: Remote, unverified: bool = False) -> ssl.SSLContext:
        key = (remote.ca_bundle, unverified or remote.insecure)
        found = self._contexts.get(key)
        if found is None:
            if len(self._contexts) >= MOST_CONTEXTS:
                self._contexts.clear()
            found = self._contexts[key] = await asyncio.to_thread(self._context, *key)
        return found

    def _context(self, bundle: str, unverified: bool) -> ssl.SSLContext:
        made = trusting("" if unverified else base64.b64decode(bundle).decode())
        if unverified:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        if self._config.proxy_client_cert is not None:
            made.load_cert_chain(self._config.proxy_client_cert, self._config.proxy_client_key)
        return made

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
