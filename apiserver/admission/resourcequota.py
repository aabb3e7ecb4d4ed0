"""ResourceQuota: what is written must fit into what the quotas of its namespace leave; then they count it.

The last of all plugins: what another would refuse is not counted. Writers of one namespace wait for each other, so
that the count is exact; a write that fails after all is taken back when the controller counts anew.
Source: k8s.io/apiserver/pkg/admission/plugin/resourcequota.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from apiserver.admission.plugin import Admission, Validating
from apiserver.authz.node import PODS
from apiserver.lister import Lister
from podling.api import quota
from podling.api.errors import GroupResource, NotFound
from podling.api.pod_resources import Amounts, amounts

QUOTAS = GroupResource("", "resourcequotas")
UPDATED = (GroupResource("", "services"), GroupResource("", "persistentvolumeclaims"))  # what an update may use more of

Object = dict[str, Any]
Count = Callable[[str, str, Callable[[Object], Awaitable[Object]]], Awaitable[Any]]


async def uncounted(_namespace: str, _name: str, _change: Any) -> None:
    """Where nothing is written."""


class ResourceQuota(Validating):
    """`count` (namespace, name, change) changes a quota's status, against others' writes."""

    name = "ResourceQuota"

    def __init__(self, lister: Lister, count: Count) -> None:
        self._lister, self._count = lister, count
        self._turns: dict[str, asyncio.Lock] = {}

    async def validate(self, write: Admission) -> None:
        if write.object is None or not write.namespace or not _counts(write):
            return
        if not any(True for _ in self._lister.list(QUOTAS, write.namespace)):
            return
        async with self._turns.setdefault(write.namespace, asyncio.Lock()):
            more = self._more(write)
            found = [each for each in self._lister.list(QUOTAS, write.namespace) if _means(each, write)]
            for each in found:
                _complete(each, write, more)
            taken = {each["metadata"]["name"]: _fitting(each, write, more) for each in found}
            if write.dry_run:
                return
            for name, amount in taken.items():
                if amount:
                    await self._spend(write.namespace, name, amount)

    def _more(self, write: Admission) -> Amounts:
        """What is used beyond what the object used before."""
        resource = write.kind.resource
        now = quota.usage(*resource, write.object or {})
        if write.operation == "CREATE":
            return now
        was = quota.usage(*resource, write.old or {})
        grown = {name: amount.nanos - was.get(name, quota.NONE).nanos for name, amount in now.items()}
        return {name: now[name]._replace(nanos=nanos) for name, nanos in grown.items() if nanos > 0}

    async def _spend(self, namespace: str, name: str, amount: Amounts) -> None:
        async def spent(current: Object) -> Object:
            status = current.setdefault("status", {})
            used = amounts(status.get("used"))
            sums = {each: str(quota.add(used.get(each, quota.NONE), more)) for each, more in amount.items()}
            status["used"] = {**(status.get("used") or {}), **sums}
            return current

        try:
            await self._count(namespace, name, spent)
        except NotFound:
            return  # the quota went meanwhile


def _counts(write: Admission) -> bool:
    if write.operation == "CREATE":
        return not write.subresource
    resized = write.kind.resource == PODS and write.subresource == "resize"
    return write.operation == "UPDATE" and (resized or (write.kind.resource in UPDATED and not write.subresource))


def _means(found: Object, write: Admission) -> bool:
    return quota.means(found.get("spec") or {}, *write.kind.resource, write.object or {})


def _read(found: Object, more: Amounts) -> tuple[str, Amounts, Amounts, Amounts]:
    """Its name, its bounds, what is used, and what of `more` it counts."""
    status = found.get("status") or {}
    hard, used = amounts(status.get("hard")), amounts(status.get("used"))
    return found["metadata"]["name"], hard, used, {each: amount for each, amount in more.items() if each in hard}


def _complete(found: Object, write: Admission, more: Amounts) -> None:
    """Raises `Forbidden` where something is not known that the quota counts."""
    name, hard, used, counted = _read(found, more)
    if write.kind.resource == PODS and (missing := quota.unsaid(write.object or {}, hard)):
        raise write.forbidden(f"failed quota: {name}: must specify {missing}")
    unknown = sorted(set(counted) - set(used))
    if unknown:
        raise write.forbidden(f"status unknown for quota: {name}, resources: {','.join(unknown)}")


def _fitting(found: Object, write: Admission, more: Amounts) -> Amounts:
    """What is to be counted against this quota; raises `Forbidden` where it does not fit."""
    name, hard, used, counted = _read(found, more)
    if over := quota.exceeded(used, counted, hard):
        asked, has, limit = (quota.told(each, over) for each in (counted, used, hard))
        raise write.forbidden(f"exceeded quota: {name}, requested: {asked}, used: {has}, limited: {limit}")
    return {each: amount for each, amount in counted.items() if amount.nanos}
