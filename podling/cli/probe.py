"""Asking a service whether it is ready, and the API server what its nodes say."""

import http.client
import json
import ssl
import urllib.parse
from pathlib import Path
from typing import Any, NamedTuple

TIMEOUT_SECONDS = 2.0


class Answer(NamedTuple):
    status: int
    body: bytes


class Probe:
    """Requests as the administrator. Nothing is kept between two of them but the parsed certificates."""

    def __init__(self, pki: Path) -> None:
        self._tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self._tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    def get(self, url: str) -> Answer | None:
        return self.ask("GET", url)

    def ask(self, method: str, url: str, body: bytes | None = None) -> Answer | None:
        """`body` is JSON. None when nobody answers."""
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=self._tls)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        )
        try:
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def is_ready(self, url: str) -> bool:
        answer = self.get(f"{url}/readyz")
        return answer is not None and answer.status == 200

    def nodes(self, server: str) -> dict[str, bool]:
        """Every node that has registered, and whether it is Ready; {} while the API server does not answer."""
        answer = self.get(f"{server}/api/v1/nodes")
        if answer is None or answer.status != 200:
            return {}
        listed: dict[str, Any] = json.loads(answer.body)
        return {item["metadata"]["name"]: is_ready(item) for item in listed.get("items") or []}


def is_ready(node: dict[str, Any]) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
