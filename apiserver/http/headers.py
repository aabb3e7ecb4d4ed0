"""What every answer to a request carries, whoever makes it: kept with the request from the moment that it is known."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.web_request import BaseRequest

_KEY: web.RequestKey[dict[str, str]] = web.RequestKey("headers", dict[str, str])


def remember(http: BaseRequest, headers: Mapping[str, str]) -> None:
    http.setdefault(_KEY, {}).update(headers)


def remembered(http: BaseRequest) -> Mapping[str, str]:
    return http.get(_KEY) or {}
