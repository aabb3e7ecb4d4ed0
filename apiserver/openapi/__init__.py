"""The pages that describe every kind's fields."""

from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.context import Context
from apiserver.discovery import missing


async def v2(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    return missing()


async def v3(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    return missing()
