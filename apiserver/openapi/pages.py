"""`/openapi/v2` and `/openapi/v3`. Documents are made when first asked for and kept as bytes, for these kinds."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.context import Context
from apiserver.kinds.kind import Kind
from apiserver.objects.cached import encode
from apiserver.openapi import documents, protobuf
from apiserver.openapi.documents import PATHS, SCHEMAS, Part
from apiserver.openapi.others import others
from apiserver.openapi.schemas import V2, V3

TURN_SECONDS = 0.005
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
JSON = {"Content-Type": "application/json", "Vary": "Accept"}
PROTOBUF = {"Content-Type": f"{protobuf.MEDIA}.v1.0+protobuf", "Vary": "Accept"}

_kept: dict[str, tuple[str, bytes]] = {}  # by path: of which kinds it is, and the document


async def _document(context: Context, path: str, tag: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
    async with context.documenting:  # a second one who asks waits for what the first has made
        kept, found = _kept.get(path, ("", b""))
        if kept != tag:  # the kinds have changed: custom resources came, went, or look otherwise
            found = await make()
            _kept[path] = tag, found
        return found


async def _json(kinds: Sequence[Kind], prefix: str) -> bytes:
    return encode(await _made(kinds, prefix, lambda part: msgspec.Raw(encode(part.document))))


async def _protobuf(kinds: Sequence[Kind]) -> bytes:
    return protobuf.encoded(await _made(kinds, V2, protobuf.part))


async def _made(kinds: Sequence[Kind], prefix: str, form: Callable[[Part], Any]) -> documents.Document:
    """While it is made, nobody else waits for longer than a turn. Parts take their form at once: a hundred thousand
    small objects would cost the garbage collector as much again."""
    found: dict[str, dict[str, Any]] = {PATHS: {}, SCHEMAS: {}}
    turn_ends = time.perf_counter() + TURN_SECONDS
    for part in documents.parts(kinds, prefix):
        found[part.section][part.name] = form(part)
        if time.perf_counter() >= turn_ends:
            await asyncio.sleep(0)
            turn_ends = time.perf_counter() + TURN_SECONDS
    return documents.document(found, prefix)


def _tagged(headers: dict[str, str], tag: str) -> dict[str, str]:
    return {**headers, "ETag": f'"{tag}"'}


def _unchanged(http: BaseRequest, headers: dict[str, str]) -> web.Response | None:
    """Where the document that the client has is still good."""
    if http.headers.get("If-None-Match") != headers["ETag"]:
        return None
    return web.Response(status=304, headers={name: headers[name] for name in headers if name != "Content-Type"})


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
        headers = _tagged(TEXT, hashlib.sha512(index).hexdigest().upper())
        return _unchanged(http, headers) or web.Response(body=index, headers=headers)
    path = "/".join(rest)
    if path not in hashes:
        return web.Response(status=404, text="404 page not found\n", headers=TEXT)
    if not _takes_json(http):
        return web.Response(status=406, headers={**TEXT, "Vary": "Accept"})
    tag, asked = hashes[path], http.query.get("hash", "")
    if asked not in ("", tag):
        return web.Response(status=301, headers={"Location": _address(path, tag), "Vary": "Accept"})
    for_ever = {"Cache-Control": "public, immutable", "Expires": _in_a_year(context.registry.clock.now())}
    headers = _tagged({**JSON, **for_ever} if asked else JSON, tag)
    if (unchanged := _unchanged(http, headers)) is not None:
        return unchanged
    kinds = [kind for kind in context.kinds.all if documents.group_path(kind) == path]
    if kinds:
        return web.Response(body=await _document(context, path, tag, lambda: _json(kinds, V3)), headers=headers)
    return web.Response(body=encode(others(context.kinds.all, documents.INFO)[path]), headers=headers)


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
    as_protobuf = protobuf.MEDIA in http.headers.get("Accept", "")
    if not (as_protobuf or _takes_json(http)):
        return web.Response(status=406, headers=TEXT)
    headers = _tagged(PROTOBUF, f"{tag}PB") if as_protobuf else _tagged(JSON, tag)
    if (unchanged := _unchanged(http, headers)) is not None:
        return unchanged
    if as_protobuf:
        made = await _document(context, "v2.pb", tag, lambda: _protobuf(every))
    else:
        made = await _document(context, "v2", tag, lambda: _json(every, V2))
    return web.Response(body=made, headers=headers)
