"""The few calls of the Docker engine's HTTP API that images and set-up need.

Only the kubelet imports the Docker SDK; what stands here (is there an engine, has it an image, take this one) must work
before a cluster exists, and in milliseconds.
Source: https://docs.docker.com/reference/api/engine/version/v1.41/
"""

import contextlib
import http.client
import json
import os
import socket
import ssl
import urllib.parse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


class EngineError(Exception):
    """The engine refused, or does not answer."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """At `unix:///var/run/docker.sock` or `tcp://host:2375`; TLS as DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say."""

    def __init__(self, address: str) -> None:
        self.address = address

    def problem(self) -> str:
        """Why it does not answer within two seconds; "" when it does."""
        try:
            self._call("GET", "/_ping", timeout=2.0)
        except EngineError as error:
            return str(error)
        return ""

    def has_image(self, name: str) -> bool:
        try:
            self._call("GET", f"/images/{urllib.parse.quote(name)}/json")
        except EngineError as error:
            if "No such image" in str(error):
                return False
            raise
        return True

    def pull(self, name: str, timeout_seconds: float) -> None:
        """From the image's registry; `EngineError` says why not. The time holds for every pause between two reports."""
        repository, tag = split_name(name)
        query = urllib.parse.urlencode({"fromImage": repository, "tag": tag})
        _check_stream(self._call("POST", f"/images/create?{query}", timeout=timeout_seconds))

    def import_image(self, name: str, tar: Iterable[bytes], changes: Sequence[str]) -> None:
        """An image of one layer, the tar; its config as Dockerfile instructions (`CMD ["/bin/sh"]`)."""
        repository, tag = split_name(name)
        query = urllib.parse.urlencode(
            [("fromSrc", "-"), ("repo", repository), ("tag", tag), *(("changes", change) for change in changes)]
        )
        _check_stream(self._call("POST", f"/images/create?{query}", body=tar, timeout=120.0))

    def _call(self, method: str, path: str, *, body: Iterable[bytes] | None = None, timeout: float = 10.0) -> bytes:
        connection = self._connection(timeout)
        try:
            headers = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"} if body is not None else {}
            with contextlib.suppress(BrokenPipeError):  # it refuses before it has read all: the answer says why
                connection.request(method, path, body=body, headers=headers, encode_chunked=body is not None)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            raise EngineError(f"{self.address}: {reason}") from error
        finally:
            connection.close()
        if response.status >= 400:
            raise EngineError(_message(answer) or f"HTTP {response.status}")
        return answer

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(self.address)
        host = parts.hostname or ""
        if parts.scheme == "unix":
            return _UnixConnection(parts.path, timeout)
        if parts.scheme not in ("tcp", "http", "https"):
            raise EngineError(f"{self.address}: an engine is reached by unix:// or tcp:// here, not {parts.scheme}://")
        if os.environ.get("DOCKER_TLS_VERIFY"):
            folder = Path(os.environ.get("DOCKER_CERT_PATH") or os.path.expanduser("~/.docker"))
            context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
            return http.client.HTTPSConnection(host, parts.port or 2376, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, parts.port or 2375, timeout=timeout)


def split_name(name: str) -> tuple[str, str]:
    """("nginx", "latest") of "nginx"; a registry's port is no tag: "localhost:5000/a" has none."""
    head, separator, tag = name.rpartition(":")
    return (head, tag) if separator and "/" not in tag else (name, "latest")


def _message(answer: bytes) -> str:
    try:
        data: Any = json.loads(answer)
    except ValueError:
        return answer.decode(errors="replace").strip()
    return str(data.get("message", "")) if isinstance(data, dict) else ""


def _check_stream(answer: bytes) -> None:
    """The engine reports an error on a stream of JSON lines that began with 200."""
    for line in answer.splitlines():
        if line.strip() and (error := json.loads(line).get("error")):
            raise EngineError(str(error))
