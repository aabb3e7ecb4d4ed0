"""Admission of calls that write no object at their own address: a binding, an eviction, a review, exec.

Source of CONNECT: k8s.io/apiserver/pkg/endpoints/handlers/rest.go (ConnectResource).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from aiohttp.web_request import BaseRequest

from apiserver.admission.plugin import Admission
from apiserver.context import Context
from apiserver.http.address import beyond_proxy
from apiserver.kinds.kind import Kind, Subresource
from apiserver.options import boolean
from apiserver.request import Request

Object = dict[str, Any]


async def admit(  # noqa: PLR0917
    context: Context, request: Request, kind: Kind, subresource: str, body: Object, operation: str = "CREATE",
    dry_run: bool = False,
) -> None:  # fmt: skip
    """`body` is what was sent and may be changed; raises what a plugin refuses with."""
    asked = request.attributes
    write = Admission(
        operation=operation,
        kind=kind,
        subresource=subresource,
        namespace=asked.namespace,
        name=asked.name or (body.get("metadata") or {}).get("name", ""),
        user=asked.user,
        object=body,
        old=None,
        options=dict(request.options),
        dry_run=dry_run,
        warnings=request.warnings,
        annotations=request.annotations,
    )
    await context.admission.admit(write)
    await context.admission.validate(write)


async def admit_connection(
    context: Context, request: Request, http: BaseRequest, kind: Kind, sub: Subresource
) -> Object | None:
    """A stream or a proxied call: what is admitted are its options; the answer is what became of them."""
    read = OPTIONS.get(sub.kind)
    if read is None:
        return None
    body = {"kind": sub.kind, "apiVersion": sub.version or "v1", **read(http)}
    await admit(context, request, kind, sub.name, body, "CONNECT")
    return body


def _streams(http: BaseRequest) -> Object:
    said: Object = {name: True for name in ("stdin", "stdout", "stderr", "tty") if boolean(http.query, name)}
    return said | ({"container": http.query["container"]} if http.query.get("container") else {})


def _command(http: BaseRequest) -> Object:
    command = http.query.getall("command", [])
    return _streams(http) | ({"command": command} if command else {})


def _path(http: BaseRequest) -> Object:
    return {"path": unquote(beyond_proxy(http.raw_path.partition("?")[0]))}


def _ports(http: BaseRequest) -> Object:
    found = [int(port) for word in http.query.getall("ports", []) for port in word.split(",") if port.isdigit()]
    return {"ports": found} if found else {}


OPTIONS: dict[str, Callable[[BaseRequest], Object]] = {
    "PodExecOptions": _command,
    "PodAttachOptions": _streams,
    "PodPortForwardOptions": _ports,
    "PodProxyOptions": _path,
    "ServiceProxyOptions": _path,
    "NodeProxyOptions": _path,
}
