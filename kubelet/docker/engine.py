"""The connection to the Docker engine: the SDK's calls in threads, a bound on how many, and its failures in our words.

    RuntimeUnavailable    nobody answers, or the answer was cut off
    EngineRefused         the engine answered 400 or more: (status, message)

Starting a container costs CPU: about two at once a core are best, more only wait (measured), so starts have their own
bound.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, NotFound
from docker.tls import TLSConfig

from kubelet.docker.socket import Adapter
from kubelet.docker.stream import EngineAddress, EngineRefused
from kubelet.runtime import RuntimeUnavailable

P = ParamSpec("P")
R = TypeVar("R")
THREADS = 16
STARTS_PER_CPU = 2
CALL_SECONDS = 120.0
ANY_VERSION = "1.41"  # of the API: the question for the version is the same in all
UNIX = "http+unix://"

__all__ = ["DockerEngine", "EngineRefused"]


class DockerEngine:
    """Found as the docker command finds it: DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, else the local socket."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="docker")
        self._lock = Lock()
        self._client: Any = None
        self.starts = asyncio.Semaphore(STARTS_PER_CPU * (os.cpu_count() or 1))

    def client(self) -> Any:
        """The SDK's low-level client, made on first use: the engine is asked for its version. Blocks."""
        with self._lock:
            if self._client is None:
                self._client = self._make(self._version())
            return self._client

    def _version(self) -> str:
        """Asked by a client of its own: one that finds no engine as it is made leaves its socket open."""
        client = self._make(ANY_VERSION)
        try:
            return str(client.version(api_version=False)["ApiVersion"])
        finally:
            client.close()

    def _make(self, version: str) -> Any:
        options = {**self._from_environment(), "timeout": CALL_SECONDS, "max_pool_size": THREADS}
        client = docker.APIClient(version=version, **options)
        base = docker.utils.parse_host(self._environment.get("DOCKER_HOST"))
        if base.startswith(UNIX):
            client.mount("http+docker://", Adapter(base, CALL_SECONDS, max_pool_size=THREADS))
        return client

    async def call(self, work: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
        """`work` in a thread of ours. What it was doing is finished even when the caller is cancelled."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: translated(work, *arguments, **options)
        )

    async def address(self) -> EngineAddress:
        """Where the streams of `docker_stream` connect to."""
        client = await self.call(self.client)
        base = docker.utils.parse_host(self._environment.get("DOCKER_HOST"))
        if base.startswith(UNIX):
            return EngineAddress(client.api_version, path="/" + base.removeprefix(UNIX).lstrip("/"))
        found, tls = urlsplit(base), self._from_environment().get("tls")
        if found.scheme not in ("http", "https"):
            raise RuntimeUnavailable(
                f"a Docker engine behind {found.scheme}:// has no streams: set DOCKER_HOST to a socket"
            )
        return EngineAddress(
            client.api_version, host=found.hostname or "", port=found.port or 2375, tls=_context(tls) if tls else None
        )

    def _from_environment(self) -> dict[str, Any]:
        return dict(docker.utils.kwargs_from_env(environment=dict(self._environment)))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock, suppress(DockerException, OSError):
            if self._client is not None:
                self._client.close()
                self._client = None


def _context(tls: TLSConfig) -> Any:
    import ssl

    context = ssl.create_default_context(cafile=tls.ca_cert or None)
    context.check_hostname = bool(tls.verify)
    context.verify_mode = ssl.CERT_REQUIRED if tls.verify else ssl.CERT_NONE
    if tls.cert:
        context.load_cert_chain(*tls.cert)
    return context


def translated(work: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """`work`, its failures of connection and answers of error in our words."""
    try:
        return work(*arguments, **options)
    except APIError as error:
        raise EngineRefused(error.status_code or 500, str(error.explanation or error).strip()) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, DockerException, ConnectionError) as error:
        raise RuntimeUnavailable(f"the Docker engine does not answer: {error}") from error


def absent_is_none(work: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R | None:
    try:
        return work(*arguments, **options)
    except NotFound:
        return None
