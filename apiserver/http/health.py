"""/healthz, /livez, /readyz with their checks one by one, /version and /metrics.

Source: k8s.io/apiserver/pkg/server/healthz.
"""

from collections.abc import Awaitable, Callable, Sequence

import prometheus_client
from aiohttp import web
from aiohttp.web_request import BaseRequest

from apiserver.context import Context
from apiserver.objects.cached import encode
from podling.api.version import OURS
from podling.storage import StorageError

TEXT = {
    "Content-Type": "text/plain; charset=utf-8",
    "Cache-Control": "no-cache, private",
    "X-Content-Type-Options": "nosniff",
}

Check = Callable[[Context], Awaitable[str]]  # why not, "" for well

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": OURS,
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-11-22T00:00:00Z",
    "goVersion": "python3",
    "compiler": "cpython",
    "platform": "linux/amd64",
}


async def ping(_: Context) -> str:
    return ""


async def etcd(context: Context) -> str:
    try:
        await context.storage.revision()
    except StorageError as error:
        return str(error)
    return ""


async def informer_sync(context: Context) -> str:
    return "" if context.feed.ready.is_set() else "the watch cache is not in step with the store"


async def bootstrap(context: Context) -> str:
    return "" if context.bootstrapped.is_set() else "not finished"


async def shutdown(context: Context) -> str:
    return "process is shutting down" if context.stopping.is_set() else ""


LIVE: dict[str, Check] = {"ping": ping, "log": ping, "etcd": etcd}
READY: dict[str, Check] = {
    **LIVE,
    "informer-sync": informer_sync,
    "poststarthook/rbac/bootstrap-roles": bootstrap,
    "shutdown": shutdown,
}
PAGES = {"healthz": {**LIVE, "poststarthook/rbac/bootstrap-roles": bootstrap}, "livez": LIVE, "readyz": READY}


async def healthz(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    return await _checked("healthz", context, http, rest)


async def livez(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    return await _checked("livez", context, http, rest)


async def readyz(context: Context, http: BaseRequest, rest: list[str]) -> web.StreamResponse:
    return await _checked("readyz", context, http, rest)


async def _checked(name: str, context: Context, http: BaseRequest, rest: Sequence[str]) -> web.StreamResponse:
    checks, one = PAGES[name], "/".join(rest)
    if one and one not in checks:
        return web.Response(status=404, text="404 page not found\n", headers=TEXT)
    excluded = set(http.query.getall("exclude", []))
    lines, failed = [], []
    for each in [one] if one else checks:
        if each in excluded:
            lines.append(f"[+]{each} excluded: ok")
            continue
        why = await checks[each](context)
        if why:
            failed.append(each)
        lines.append(f"[-]{each} failed: {why}" if why else f"[+]{each} ok")
    if failed:
        return web.Response(status=500, text="\n".join([*lines, f"{name} check failed", ""]), headers=TEXT)
    if "verbose" in http.query and not one:
        return web.Response(text="\n".join([*lines, f"{name} check passed", ""]), headers=TEXT)
    return web.Response(text="ok", headers=TEXT)


async def version(_: Context, __: BaseRequest, rest: list[str]) -> web.StreamResponse:
    if rest:
        return web.Response(status=404, text="404 page not found\n", headers=TEXT)
    return web.Response(body=encode(VERSION), headers={"Content-Type": "application/json"})


async def metrics(_: Context, __: BaseRequest, ___: list[str]) -> web.StreamResponse:
    return web.Response(body=prometheus_client.generate_latest(), headers={"Content-Type": "text/plain; version=0.0.4"})
