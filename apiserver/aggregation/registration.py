"""The APIServices of what this server serves itself: `Local`, made and kept by the server.

Built-in ones are written when they are missing at the start; those of custom kinds come and go with them. One that a
user has put in the place is the user's. Pure but for `keep`.
Source: k8s.io/kube-aggregator/pkg/controllers/autoregister, pkg/controlplane/controller/crdregistration.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from apiserver.context import Context
from apiserver.discovery.priorities import REGISTRATION, is_built_in, priority_of
from apiserver.kinds.apiregistration.api_service import API_SERVICE, name_of
from apiserver.kinds.kind import Kind
from apiserver.objects.deletion import DeleteOptions
from apiserver.objects.registry import by_server
from podling.api.errors import AlreadyExists, Conflict, NotFound

Object = dict[str, Any]

MANAGED = "kube-aggregator.kubernetes.io/automanaged"
ON_START, ALWAYS = "onstart", "true"


class Due(NamedTuple):
    create: list[Object]
    update: list[Object]
    remove: list[str]


def wanted(kinds: Iterable[Kind]) -> dict[str, Object]:
    """By name."""
    versions = sorted({(kind.group, kind.version) for kind in kinds} - {(REGISTRATION, "v1")})
    return {name_of(group, version): api_service(group, version) for group, version in versions}


def api_service(group: str, version: str) -> Object:
    number = priority_of(group, version)
    spec: Object = {"version": version, "groupPriorityMinimum": number.group, "versionPriority": number.version}
    if group:
        spec["group"] = group
    label = ON_START if is_built_in(group, version) else ALWAYS
    return {"metadata": {"name": name_of(group, version), "labels": {MANAGED: label}}, "spec": spec}


def due(wanted: Mapping[str, Object], found: Mapping[str, Object], starting: bool) -> Due:
    create = [each for name, each in wanted.items() if name not in found and (starting or _label(each) == ALWAYS)]
    update = [
        each
        for name, each in wanted.items()
        if name in found and _label(found[name]) and found[name]["spec"] != each["spec"]
        and (starting or _label(each) == ALWAYS)
    ]  # fmt: skip
    labels = (ON_START, ALWAYS) if starting else (ALWAYS,)
    remove = [name for name, each in found.items() if name not in wanted and _label(each) in labels]
    return Due(create, update, remove)


def _label(found: Object) -> str:
    """ "" of one that is not the server's own, or that a user has turned to another server (metrics-server's, say)."""
    if found["spec"].get("service"):
        return ""
    return str((found["metadata"].get("labels") or {}).get(MANAGED, ""))


async def keep(context: Context, starting: bool) -> None:
    """Raises ApiError; the next round does what is left."""
    found = {each.metadata["name"]: each.object for each in context.feed.of(API_SERVICE).objects.values()}
    todo = due(wanted(context.kinds.all), found, starting)
    await asyncio.gather(*(_create(context, each) for each in todo.create))
    for each in todo.update:
        await _update(context, each)
    for name in todo.remove:
        with contextlib.suppress(NotFound, Conflict):
            await context.registry.delete(API_SERVICE, "", name, DeleteOptions())


async def _create(context: Context, each: Object) -> None:
    with contextlib.suppress(AlreadyExists):  # another API server on the same store
        await context.registry.create(API_SERVICE, "", each)


async def _update(context: Context, each: Object) -> None:
    async def changed(current: Object) -> Object:
        return {**current, "spec": dict(each["spec"])}

    with contextlib.suppress(NotFound):
        await context.registry.update(API_SERVICE, "", each["metadata"]["name"], changed, by_server())
