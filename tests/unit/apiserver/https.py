"""A real HTTPS server in the test's loop, with a certificate of the test's own authority."""

import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from podling import pki

Answer = Callable[[dict[str, Any]], Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    port: int

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


def bundle(folder: Path, authority: str = "ca") -> str:
    """A caBundle."""
    return base64.b64encode((folder / f"{authority}.crt").read_bytes()).decode()


@asynccontextmanager
async def serving(folder: Path, handler: Handler, *names: str) -> AsyncIterator[Server]:
    """`names` are those that the certificate shows besides 127.0.0.1."""
    leaf = pki.Leaf("-".join(["test", *names]).replace(".", "_"), "test", server_names=("127.0.0.1", *names))
    if not (folder / f"{leaf.file}.crt").exists():
        pki.issue(folder, leaf)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / f"{leaf.file}.crt", folder / f"{leaf.file}.key")
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield Server(runner.addresses[0][1])
    finally:
        await runner.cleanup()
