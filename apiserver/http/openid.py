"""The keys, for whoever checks service account tokens without asking us."""

from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.context import Context
from apiserver.objects.cached import encode

CACHED = {"Cache-Control": "public, max-age=3600"}


async def configuration(context: Context, _: BaseRequest, __: list[str]) -> web.StreamResponse:
    body = encode(context.issuer.configuration(f"{context.config.url}/openid/v1/jwks"))
    return web.Response(body=body, headers={"Content-Type": "application/json", **CACHED})


async def keys(context: Context, _: BaseRequest, __: list[str]) -> web.StreamResponse:
    body = encode(context.issuer.key_set())
    return web.Response(body=body, headers={"Content-Type": "application/jwk-set+json", **CACHED})
