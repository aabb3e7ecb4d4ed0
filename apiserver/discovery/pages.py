"""The pages that tell what is served. What they say is in `documents`."""

import hashlib
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.context import Context
from apiserver.discovery import documents
from apiserver.http import negotiate, render
from apiserver.refusal import no_such_resource
from podling.api.errors import NotAcceptable

AGGREGATED = "APIGroupDiscoveryList"


async def legacy(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    """/api and /api/v1."""
    rest = [part for part in rest if part]
    if not rest:
        return _root(http, documents.api_versions(context.config.url.partition("://")[2]), context, core=True)
    found = documents.resource_list(context.kinds.all, "", rest[0]) if len(rest) == 1 else None
    return _document(http, found) if found else missing("")


async def groups(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    """/apis, /apis/<group> and /apis/<group>/<version>."""
    rest = [part for part in rest if part]
    match rest:
        case []:
            return _root(
                http, documents.group_list(context.kinds.all, context.aggregator.elsewhere()), context, core=False
            )
        case [group]:
            found = documents.group(context.kinds.all, group, context.aggregator.elsewhere())
        case [group, version]:
            found = documents.resource_list(context.kinds.all, group, version)
        case _:
            found = None
    return _document(http, found) if found else missing(rest[0])


def _root(http: BaseRequest, plain: documents.Object, context: Context, core: bool) -> web.Response:
    """The first clause of Accept that can be served wins: aggregated, or the plain list."""
    for clause in http.headers.get("Accept", "*/*").split(","):
        parameters = {part.strip() for part in clause.split(";")[1:]}
        if f"as={AGGREGATED}" not in parameters:
            try:
                return _document(http, plain, clause)
            except NotAcceptable:
                continue
        if {"g=apidiscovery.k8s.io", "v=v2"} <= parameters and clause.strip().startswith("application/json"):
            return _aggregated(http, documents.aggregated(context.kinds.all, core, context.aggregator.elsewhere()))
    raise NotAcceptable(f"only the following media types are accepted: {', '.join(negotiate.READ)}")


def _aggregated(http: BaseRequest, found: documents.Object) -> web.Response:
    """Clients keep it and ask whether it has changed."""
    body = render.body(found, negotiate.Form())
    headers = {
        "Content-Type": f"{negotiate.JSON};g=apidiscovery.k8s.io;v=v2;as={AGGREGATED}",
        "ETag": f'"{hashlib.sha512(body).hexdigest().upper()}"',
        "Cache-Control": "public",
        "Vary": "Accept",
    }
    if http.headers.get("If-None-Match") == headers["ETag"]:
        del headers["Content-Type"]
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers)


def _document(http: BaseRequest, body: Any, accept: str = "") -> web.Response:
    """Tables and the like are not made of these: whoever asks for them gets the document as it is."""
    clauses = (accept or http.headers.get("Accept", "")).split(",")
    form = negotiate.form(",".join(clause.partition(";")[0] for clause in clauses))
    return _answer(body, form, form.media)


def _answer(body: Any, form: negotiate.Form, content_type: str) -> web.Response:
    return web.Response(body=render.body(body, form), headers={"Content-Type": content_type})


def missing(group: str) -> web.Response:
    """Below a group that Kubernetes has built in, a version that is not served is a resource that is not there."""
    if not group or group in documents.BUILT_IN:
        raise no_such_resource()
    return nowhere()


def nowhere() -> web.Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=404, text="404 page not found\n", headers=headers)
