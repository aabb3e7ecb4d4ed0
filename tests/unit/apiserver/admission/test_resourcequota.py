"""ResourceQuota: all quotas must know what they count before one of them is asked whether it fits."""

from typing import Any

import pytest

from apiserver.admission.plugin import Admission
from apiserver.admission.resourcequota import QUOTAS, ResourceQuota, uncounted
from apiserver.kinds.kind import Kind
from apiserver.lister import MemoryLister
from apiserver.request import User
from apiserver.schema.schema import Schema
from podling.api.errors import Forbidden

POD = Kind("", "v1", "Pod", "pods", Schema("object"))


def write() -> Admission:
    pod = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app"}]}}
    return Admission("CREATE", POD, "", "x", "web", User("dora"), pod, None)


async def refusal(*quotas: dict[str, Any]) -> str:
    lister = MemoryLister()
    for name, status in zip("ab", quotas, strict=False):
        lister.put(QUOTAS, {"metadata": {"name": name, "namespace": "x"}, "spec": {}, "status": status})
    with pytest.raises(Forbidden) as caught:
        await ResourceQuota(lister, uncounted).validate(write())
    return caught.value.message.partition(": ")[2]


async def test_what_is_missing_is_told_before_what_is_too_much() -> None:
    full = {"hard": {"pods": "1"}, "used": {"pods": "1"}}
    assert await refusal(full) == "exceeded quota: a, requested: pods=1, used: pods=1, limited: pods=1"
    assert await refusal(full, {"hard": {"cpu": "1"}, "used": {"cpu": "0"}}) == (
        "failed quota: b: must specify cpu for: app"
    )
    assert await refusal(full, {"hard": {"pods": "3"}}) == "status unknown for quota: b, resources: pods"
