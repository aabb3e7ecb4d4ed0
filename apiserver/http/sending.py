"""Answers as HTTP carries them: their headers, a Status for what is refused, gzip for what is large."""

import asyncio
from collections.abc import Sequence

from aiohttp import web
from aiohttp.web_request import BaseRequest
from isal import igzip
from multidict import CIMultiDict

from apiserver.fairness.gate import Busy
from apiserver.http import negotiate, render, routes, warning
from apiserver.http.negotiate import Form
from apiserver.refusal import NothingHere
from podling.api.errors import ApiError

COMPRESS_BYTES = 128 * 1024


async def send(http: BaseRequest, body: bytes, code: int, form: Form, warnings: Sequence[str]) -> web.Response:
    headers = CIMultiDict([("Content-Type", form.media), *warning.headers(warnings)])
    if len(body) > COMPRESS_BYTES and "gzip" in http.headers.get("Accept-Encoding", ""):
        body = await asyncio.to_thread(igzip.compress, body, 1)
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    return web.Response(body=body, status=code, headers=headers)


def refused(http: BaseRequest, error: ApiError, warnings: Sequence[str] = ()) -> web.Response:
    if isinstance(error, Busy):
        return web.Response(status=error.code, text=f"{error.message}\n", headers={**routes.TEXT, **error.headers})
    if isinstance(error, NothingHere):
        return routes.nothing_here()
    form = negotiate.of_errors(http.headers.get("Accept", ""))
    headers = CIMultiDict([("Content-Type", form.media), *warning.headers(warnings)])
    if seconds := (error.details or {}).get("retryAfterSeconds"):
        headers["Retry-After"] = str(seconds)
    return web.Response(body=render.body(error.status(), form), status=error.code, headers=headers)
