"""ResourceQuotas: what their namespaces use, counted anew when something goes, and every few minutes.

The API server counts what is made (admission/resourcequota.py); only what is gone, or was counted and never made, must
be found here. Source: k8s.io/kubernetes/pkg/controller/resourcequota.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from controllers.controller import Context, Source, itself, run, synced
from podling.api import quota
from podling.api.errors import Conflict, NotFound
from podling.api.pod_resources import Amounts
from podling.client.codec import plain
from podling.client.informer import Informer
from podling.client.resource import PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES, Partial, Resource
from podling.loop.reconcile import After

RESYNC_SECONDS = 300.0
SYNC_SECONDS = 10.0
MEASURED = (PODS, SERVICES, PERSISTENT_VOLUME_CLAIMS)  # of which more counts than their number


async def control(context: Context) -> None:
    quotas = context.informers.get(RESOURCE_QUOTAS)
    measured = {(each.group, each.plural): context.informers.get(each) for each in MEASURED}
    counted: dict[tuple[str, str], Informer[Any]] = dict(measured)

    def of_namespace(key: str, old: Any, new: Any) -> list[str]:
        """What went, or ended, frees something."""
        namespace = key.partition("/")[0]
        freed = new is None or (old is not None and _ended(new) and not _ended(old))
        return [f"{namespace}/{each.metadata.name}" for each in quotas.values()
                if freed and each.metadata.namespace == namespace]  # fmt: skip

    async def informer_of(group: str, plural: str) -> Informer[Any] | None:
        """Kinds that a quota counts by `count/…` are followed from then on, by their metadata."""
        if (group, plural) not in counted:
            found = (await context.client.discover()).that_take("create", "list", "watch", "delete")
            served = {(each.group, each.plural): each for each in found}
            of: Resource[Partial] | None = served.get((group, plural))
            if of is None:
                return None
            counted[group, plural] = context.informers.get(of)
        known = await synced(context.clock, [counted[group, plural]], SYNC_SECONDS)
        return counted[group, plural] if known else None

    async def used(item: Any) -> Amounts:
        spec, namespace = plain(item.spec) or {}, item.metadata.namespace
        names = list(spec.get("hard") or ())
        found: list[Amounts] = []
        for group, plural in _kinds(names):
            informer = await informer_of(group, plural)
            if informer is None:
                continue
            objects = (plain(each) for each in informer.values() if each.metadata.namespace == namespace)
            found += [quota.usage(group, plural, each) for each in objects if quota.means(spec, group, plural, each)]
        return quota.total(found, names)

    async def reconcile(key: str) -> After | None:
        item = quotas.get(key)
        if item is None:
            return None
        hard = dict(item.spec.hard or {})
        status = {"hard": hard, "used": {name: str(amount) for name, amount in (await used(item)).items()}}
        if status != (plain(item.status) or {}):
            meta = {"resourceVersion": item.metadata.resourceVersion}
            body = {"metadata": meta, "status": _replacing(item, status)}
            with suppress(NotFound, Conflict):  # its informer will tell
                name, namespace = item.metadata.name, item.metadata.namespace
                await context.client.patch(RESOURCE_QUOTAS, name, body, namespace, subresource="status")
        return After(RESYNC_SECONDS)

    sources = [Source(quotas, itself), *(Source(informer, of_namespace) for informer in measured.values())]
    await run("resource-quota", context.clock, sources, reconcile)


def _ended(item: Any) -> bool:
    return getattr(getattr(item, "status", None), "phase", None) in quota.ENDED


def _kinds(names: Iterable[str]) -> set[tuple[str, str]]:
    """Of which kinds these resources are."""
    found = set()
    for name in names:
        if name.startswith("count/"):
            plural, _, group = name.removeprefix("count/").partition(".")
            found.add((group, plural))
        elif name.startswith("services"):
            found.add(("", "services"))
        elif name == "requests.storage" or name.endswith("persistentvolumeclaims") or "storageclass" in name:
            found.add(("", "persistentvolumeclaims"))
        elif name in quota.NAMED:
            found.add(("", name))
        else:
            found.add(("", "pods"))
    return found


def _replacing(item: Any, status: dict[str, dict[str, str]]) -> dict[str, dict[str, str | None]]:
    """A merge patch takes away only what it names."""
    before = plain(item.status) or {}
    return {part: {**dict.fromkeys(before.get(part) or ()), **found} for part, found in status.items()}
