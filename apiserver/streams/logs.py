"""kubectl logs: what a container wrote, as the kubelet reads it."""

import re
from typing import Any

import grpc.aio
from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.context import Context
from apiserver.kinds.fraction import validate_not_negative
from apiserver.options import boolean, integer
from apiserver.request import Request
from apiserver.streams import target
from apiserver.streams.kubelets import begun
from apiserver.streams.remotecommand import PODS
from podling.api import field
from podling.api.errors import BadRequest, invalid, not_found
from podling.api.field import ErrorList, Path
from podling.pb.node import node_pb2 as pb

STREAMS = ("All", "Stderr", "Stdout")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


async def logs(http: BaseRequest, context: Context, request: Request) -> web.StreamResponse:
    asked = request.attributes
    pod = context.lister.get(PODS, asked.namespace, asked.name)
    wanted = log_request(request.options, asked.name)
    if pod is None:
        raise not_found(PODS, asked.name)
    container = target.container_of(pod, request.options.get("container", ""))
    node_name = pod.get("spec", {}).get("nodeName", "")
    if not node_name:
        return web.Response(status=204)  # nothing has been written yet
    meta = pod["metadata"]
    wanted.container.CopyFrom(
        pb.ContainerRef(namespace=meta["namespace"], pod=meta["name"], uid=meta["uid"], container=container)
    )
    node, stub = await context.kubelets.find(context.lister, context.config, node_name)
    call = stub.Logs(wanted)
    try:
        await begun(call, node, None)
        return await _send(http, call)
    finally:
        call.cancel()


async def _send(http: BaseRequest, call: Any) -> web.StreamResponse:
    """Text in chunks as it comes, the head at once: who follows a silent container learns that it is there. A kubelet
    that breaks off breaks the answer off, too."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.enable_chunked_encoding()
    await response.prepare(http)
    try:
        while (chunk := await call.read()) is not grpc.aio.EOF:
            await response.write(chunk.data)
        if await call.code() is not grpc.StatusCode.OK:
            raise ConnectionResetError(str(await call.details()))
    except grpc.aio.AioRpcError as error:
        raise ConnectionResetError(str(error.details())) from None
    await response.write_eof()
    return response


def log_request(options: Any, name: str) -> pb.LogsRequest:
    """The query, checked; `name` is the pod's, for the words. Source: ValidatePodLogOptions."""
    numbers = {key: integer(options, key) for key in ("tailLines", "limitBytes", "sinceSeconds")}
    since_time = options.get("sinceTime", "")
    if since_time and not RFC3339.fullmatch(since_time):
        shown = field.show(since_time)
        raise BadRequest(f'parsing time {shown} as "2006-01-02T15:04:05Z07:00": cannot parse {shown} as "2006"')
    stream = options.get("stream", "")
    if errors := _errors(numbers, since_time, stream):
        raise invalid("", "PodLogOptions", name, errors)
    return pb.LogsRequest(
        follow=boolean(options, "follow"),
        previous=boolean(options, "previous"),
        timestamps=boolean(options, "timestamps"),
        tail_lines=numbers["tailLines"],
        limit_bytes=numbers["limitBytes"],
        since_seconds=numbers["sinceSeconds"],
        since_time=since_time,
        stream=stream,
    )


def _errors(numbers: dict[str, int | None], since_time: str, stream: str) -> ErrorList:
    tail, limit, since = numbers["tailLines"], numbers["limitBytes"], numbers["sinceSeconds"]
    errors = validate_not_negative(tail, Path("tailLines"))
    if limit is not None and limit < 1:
        errors.append(field.invalid(Path("limitBytes"), limit, "must be greater than 0"))
    if since is not None and since_time:
        errors.append(field.forbidden(Path(), "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    elif since is not None and since < 1:
        errors.append(field.invalid(Path("sinceSeconds"), since, "must be greater than 0"))
    if stream and stream not in STREAMS:
        errors.append(field.not_supported(Path("stream"), stream, STREAMS))
    elif stream not in ("", "All") and tail is not None:
        words = "`tailLines` and specific `stream` are mutually exclusive for now"
        errors.append(field.forbidden(Path(), words))
    return errors
