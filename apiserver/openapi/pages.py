"""`/openapi/v2` and `/openapi/v3`. Documents are made when first asked for and kept as bytes, for these kinds."""

from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.context import Context
from apiserver.kinds.kind import Kind
from apiserver.objects.cached import encode
from apiserver.openapi import documents, protobuf
from apiserver.openapi.others import others

TEXT = {"Content-Type": "text/plain; charset=utf-8"}
JSON = {"Content-Type": "application/json", "Vary": "Accept"}
PROTOBUF = {"Content-Type": f"{protobuf.MEDIA}.v1.0+protobuf", "Vary": "Accept"}

_kept: dict[str, tuple[str, bytes]] = {}  # by path: of which kinds it is, and the document


def _document(path: str, tag: str, kinds: Sequence[Kind], make: Callable[[Sequence[Kind]], bytes]) -> bytes:
    if _kept.get(path, ("", b""))[0] != tag:  # the kinds have changed: custom resources came, went, or look otherwise
        _kept[path] = tag, make(kinds)
    return _kept[path][1]


async def v3(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    """The index, or the document of one group version. An address with its hash may be cached for ever."""
    hashes = documents.index(context.kinds.all)
    if not rest:
        found = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={tag}"} for path, tag in hashes.items()}
        found |= context.aggregator.openapi()
        return web.Response(body=encode({"paths": found}), headers=TEXT)
    path = "/".join(rest)
    if path not in hashes:
        return web.Response(status=404, text="404 page not found\n", headers=TEXT)
    tag = hashes[path]
    kinds = [kind for kind in context.kinds.all if documents.group_path(kind) == path]
    headers = {**JSON, "ETag": f'"{tag}"'}
    if http.query.get("hash") == tag:
        headers["Cache-Control"] = "public, immutable"
    if http.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    if not kinds:
        return web.Response(body=encode(others(context.kinds.all, documents.INFO)[path]), headers=headers)
    return web.Response(
        body=_document(path, tag, kinds, lambda found: encode(documents.v3_document(found))), headers=headers
    )


async def v2(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    """As JSON; as protobuf for who asks for that: kubectl before 1.27 takes nothing else."""
    if rest:
        return web.Response(status=404, text="404 page not found\n", headers=TEXT)
    accept, every = http.headers.get("Accept", ""), context.kinds.all
    tag = " ".join(documents.index(every).values())
    if protobuf.MEDIA in accept:
        body = _document("v2.pb", tag, every, lambda kinds: protobuf.encoded(documents.v2_document(kinds)))
        return web.Response(body=body, headers=PROTOBUF)
    if accept and not any(media in accept for media in ("json", "*/*", "application/*")):
        return web.Response(status=406, headers=TEXT)
    body = _document("v2", tag, every, lambda kinds: encode(documents.v2_document(kinds)))
    return web.Response(body=body, headers=JSON)
