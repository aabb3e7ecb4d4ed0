"""A registry of images (distribution spec v2, read only) on 127.0.0.1, which every Docker engine asks without TLS.

It keeps what a test pushes into it, and misbehaves on demand: asks for a password or a token, answers errors, is slow,
cuts connections. It runs in a thread of its own, so that tests may block.
"""

import asyncio
import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PIECE_BYTES = 1 << 16


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Behaviour:
    """Of all repositories. `answers` are statuses to give next, one a request of a manifest or a blob."""

    user: str = ""
    password: str = ""
    tokens: bool = False  # ask for a token, which is given for the password
    answers: list[int] = field(default_factory=list)
    delay_seconds: float = 0.0  # before a manifest
    bytes_per_second: int = 0  # of one layer; 0 is no bound
    cut_after_bytes: int = 0  # of a layer; 0 is never


class Registry:
    """`with Registry() as registry`. `name("team/app")` is what a pod writes. `asked` are the paths that were asked
    for, `most_layers` how many layers were on their way at once."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self.asked: list[str] = []
        self.layers_now, self.most_layers = 0, 0
        self.port = 0
        self._blobs: dict[str, bytes] = {}
        self._manifests: dict[tuple[str, str], bytes] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready, self._stop = threading.Event(), asyncio.Event()

    def __enter__(self) -> "Registry":
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def name(self, repository: str) -> str:
        return f"127.0.0.1:{self.port}/{repository}"

    def push(self, repository: str, tag: str, base: bytes, filler_bytes: int = 0) -> str:
        """An image of a tar, and of a layer of noise where asked for; its digest."""
        tars = [base, *([_noise(filler_bytes)] if filler_bytes else [])]
        config = {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
            "os": "linux",
            "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"], "Labels": {"podling.test": os.urandom(8).hex()}},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
        }
        layers = [self._keep(LAYER, gzip.compress(tar, 1)) for tar in tars]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._keep(CONFIG, json.dumps(config).encode()),
            "layers": layers,
        }
        data = json.dumps(manifest).encode()
        self._manifests[repository, tag] = self._manifests[repository, digest_of(data)] = data
        return digest_of(data)

    def _keep(self, kind: str, data: bytes) -> dict[str, Any]:
        self._blobs[digest_of(data)] = data
        return {"mediaType": kind, "size": len(data), "digest": digest_of(data)}

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        app = web.Application()
        app.add_routes([web.get("/token", self._token), web.get("/v2/{path:.*}", self._get)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _token(self, request: web.Request) -> web.StreamResponse:
        if not self._knows(request):
            return _refusal(401, "UNAUTHORIZED", "incorrect username or password")
        return web.json_response({"token": self._secret})

    @property
    def _secret(self) -> str:
        return hashlib.sha256(self.behaviour.password.encode()).hexdigest()

    def _knows(self, request: web.Request) -> bool:
        given = base64.b64encode(f"{self.behaviour.user}:{self.behaviour.password}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {given}"

    def _may(self, request: web.Request) -> bool:
        if not self.behaviour.user:
            return True
        if self.behaviour.tokens:
            return request.headers.get("Authorization") == f"Bearer {self._secret}"
        return self._knows(request)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        if not self._may(request):
            how = f'Bearer realm="http://127.0.0.1:{self.port}/token",service="test"'
            how = how if self.behaviour.tokens else 'Basic realm="test"'
            answer = _refusal(401, "UNAUTHORIZED", "authentication required")
            answer.headers["WWW-Authenticate"] = how
            return answer
        if not path:
            return web.json_response({})
        self.asked.append(path)
        if self.behaviour.answers and (status := self.behaviour.answers.pop(0)) != 200:
            return _refusal(status, "TOOMANYREQUESTS" if status == 429 else "UNKNOWN", f"the test answers {status}")
        repository, kind, reference = path.rsplit("/", 2)
        if kind == "manifests":
            return await self._manifest(repository, reference)
        return await self._blob(request, reference)

    async def _manifest(self, repository: str, reference: str) -> web.StreamResponse:
        await asyncio.sleep(self.behaviour.delay_seconds)
        data = self._manifests.get((repository, reference))
        if data is None:
            return _refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return web.Response(body=data, content_type=MANIFEST, headers={"Docker-Content-Digest": digest_of(data)})

    async def _blob(self, request: web.Request, reference: str) -> web.StreamResponse:
        data = self._blobs.get(reference)
        if data is None:
            return _refusal(404, "BLOB_UNKNOWN", "blob unknown")
        response = web.StreamResponse(headers={"Content-Length": str(len(data))})
        await response.prepare(request)
        self.layers_now += 1
        self.most_layers = max(self.most_layers, self.layers_now)
        try:
            for start in range(0, len(data), PIECE_BYTES):
                if self.behaviour.cut_after_bytes and start >= self.behaviour.cut_after_bytes:
                    assert request.transport is not None
                    request.transport.abort()
                    break
                await response.write(data[start : start + PIECE_BYTES])
                if self.behaviour.bytes_per_second:
                    await asyncio.sleep(PIECE_BYTES / self.behaviour.bytes_per_second)
        except ConnectionError:
            return response
        finally:
            self.layers_now -= 1
        return response


def _refusal(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"errors": [{"code": code, "message": message}]}, status=status)


def _noise(size: int) -> bytes:
    """A tar with one file that no compression makes smaller."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("noise")
        entry.size = size
        tar.addfile(entry, io.BytesIO(os.urandom(size)))
    return buffer.getvalue()
