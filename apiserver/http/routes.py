"""Every path that is not a resource, on one screen. Resources run through `pipeline.VERBS`."""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver import openapi
from apiserver.context import Context
from apiserver.discovery import pages as discovery
from apiserver.http import health, openid
from apiserver.refusal import not_allowed
from apiserver.request import Attributes

Page = Callable[[Context, BaseRequest, list[str]], Awaitable[web.StreamResponse]]

TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}


async def paths(context: Context, _: BaseRequest, rest: list[str]) -> web.StreamResponse:
    """What `kubectl get --raw /` shows."""
    if any(rest):
        return discovery.nowhere()
    versions = {(kind.group, kind.version) for kind in context.kinds.all}
    found = set(ROUTES) - {"/", "/index.html"}
    found |= {f"/{page}/{check}" for page, checks in health.PAGES.items() for check in checks}
    versions |= {(each.group, each.version) for each in context.aggregator.elsewhere()}
    found |= {f"/apis/{group}" for group, _ in versions if group}
    found |= {f"/apis/{group}/{version}" if group else f"/api/{version}" for group, version in versions}
    return web.json_response({"paths": sorted(found)}, dumps=lambda value: msgspec.json.encode(value).decode())


# The longest prefix wins; the page gets what is left of the path, in parts.
ROUTES: dict[str, Page] = {
    "/": paths,
    "/index.html": paths,
    "/healthz": health.healthz,
    "/livez": health.livez,
    "/readyz": health.readyz,
    "/version": health.version,
    "/metrics": health.metrics,
    "/api": discovery.legacy,
    "/apis": discovery.groups,
    "/openapi/v2": openapi.v2,
    "/openapi/v3": openapi.v3,
    "/.well-known/openid-configuration": openid.configuration,
    "/openid/v1/jwks": openid.keys,
}


# The pages that look at the method; the others answer whatever it is. So do `/apis` and `/apis/<group>`.
GET_ONLY = ("/version", "/api", "/.well-known/openid-configuration", "/openid/v1/jwks")


async def serve(context: Context, http: BaseRequest, asked: Attributes) -> web.StreamResponse:
    parts = asked.path.strip("/").split("/")
    for length in range(len(parts), 0, -1):
        path = "/" + "/".join(parts[:length])
        page = ROUTES.get(path)
        if page is not None:
            if http.method != "GET" and (path in GET_ONLY or (len(parts) > 2 and path == "/apis")):
                raise not_allowed()
            return await page(context, http, parts[length:])
    return nothing_here()


def nothing_here() -> web.Response:
    return web.Response(status=404, text="404 page not found\n", headers=TEXT)
