"""`/openapi/v2` and `/openapi/v3`. Documents are made when first asked for and kept as bytes, for these kinds."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

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


def _tagged(http: BaseRequest, headers: dict[str, str], tag: str, make: Callable[[], bytes]) -> web.Response:
    """The document, or that the one which the client has is still good."""
    headers = {**headers, "ETag": f'"{tag}"'}
    if http.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers={name: headers[name] for name in headers if name != "Content-Type"})
    return web.Response(body=make(), headers=headers)


def _takes_json(http: BaseRequest) -> bool:
    accept = http.headers.get("Accept", "")
    return not accept or any(media in accept for media in ("json", "*/*", "application/*"))


async def v3(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    """The index, or the document of one group version. An address with its hash may be cached for ever; one with the
    hash of before leads there."""
    hashes = documents.index(context.kinds.all)
    if not rest:
        found = {path: {"serverRelativeURL": _address(path, tag)} for path, tag in hashes.items()}
        index = encode({"paths": found | context.aggregator.openapi()})
        return _tagged(http, TEXT, hashlib.sha512(index).hexdigest().upper(), lambda: index)
    path = "/".join(rest)
    if path not in hashes:
        return web.Response(status=404, text="404 page not found\n", headers=TEXT)
    if not _takes_json(http):
        return web.Response(status=406, headers={**TEXT, "Vary": "Accept"})
    tag, asked = hashes[path], http.query.get("hash", "")
    if asked not in ("", tag):
        return web.Response(status=301, headers={"Location": _address(path, tag), "Vary": "Accept"})
    for_ever = {"Cache-Control": "public, immutable", "Expires": _in_a_year(context.registry.clock.now())}
    headers = {**JSON, **for_ever} if asked else JSON
    kinds = [kind for kind in context.kinds.all if documents.group_path(kind) == path]
    if not kinds:
        return _tagged(http, headers, tag, lambda: encode(others(context.kinds.all, documents.INFO)[path]))
    return _tagged(
        http,
        headers,
        tag,
        lambda: _document(path, tag, kinds, lambda found: encode(documents.v3_document(found))),
    )


def _address(path: str, tag: str) -> str:
    return f"/openapi/v3/{path}?hash={tag}"


def _in_a_year(now: datetime) -> str:
    return (now.astimezone(UTC) + timedelta(days=365)).strftime("%a, %d %b %Y %H:%M:%S UTC")


async def v2(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    """As JSON; as protobuf for who asks for that: kubectl before 1.27 takes nothing else."""
    if rest:
        return web.Response(status=404, text="404 page not found\n", headers=TEXT)
    every = context.kinds.all
    known = " ".join(documents.index(every).values())
    tag = hashlib.sha512(known.encode()).hexdigest().upper()
    if protobuf.MEDIA in http.headers.get("Accept", ""):
        return _tagged(
            http,
            PROTOBUF,
            f"{tag}PB",
            lambda: _document("v2.pb", tag, every, lambda kinds: protobuf.encoded(documents.v2_document(kinds))),
        )
    if not _takes_json(http):
        return web.Response(status=406, headers=TEXT)
    return _tagged(
        http, JSON, tag, lambda: _document("v2", tag, every, lambda kinds: encode(documents.v2_document(kinds)))
    )
