"""LimitRanger looks at pods that are new, and at those that ask for other amounts."""

from typing import Any

import pytest

from apiserver.admission.limitranger import LIMIT_RANGES, LimitRanger, of_claim, refusals
from apiserver.admission.plugin import Admission
from apiserver.kinds.kind import Kind
from apiserver.lister import MemoryLister
from apiserver.request import User
from apiserver.schema.schema import Schema
from podling.api.errors import Forbidden

POD = Kind("", "v1", "Pod", "pods", Schema("object"))


def write(operation: str, subresource: str, **resources: Any) -> Admission:
    pod = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "app", "resources": resources}]}}
    return Admission(operation, POD, subresource, "x", "web", User("dora"), pod, None)


def ranger() -> LimitRanger:
    lister = MemoryLister()
    limit = {"type": "Container", "default": {"memory": "1Gi"}, "max": {"memory": "2Gi"}}
    lister.put(LIMIT_RANGES, {"metadata": {"name": "l", "namespace": "x"}, "spec": {"limits": [limit]}})
    return LimitRanger(lister)


@pytest.mark.parametrize(
    ("operation", "subresource", "limits"),
    [("CREATE", "", {"memory": "1Gi"}), ("UPDATE", "resize", {"memory": "1Gi"}), ("UPDATE", "", None)],
)
async def test_amounts_that_are_left_out_are_filled_in(operation: str, subresource: str, limits: Any) -> None:
    asked = write(operation, subresource)
    await ranger().admit(asked)
    assert asked.object is not None
    assert asked.object["spec"]["containers"][0]["resources"].get("limits") == limits


async def test_a_resize_is_held_to_the_bounds() -> None:
    with pytest.raises(Forbidden, match="maximum memory usage per Container is 2Gi, but limit is 3Gi"):
        await ranger().validate(write("UPDATE", "resize", limits={"memory": "3Gi"}))


@pytest.mark.parametrize(
    ("requests", "words"),
    [({"storage": "2Gi"}, []), ({"storage": "512Mi"}, ["minimum storage usage per {} is 1Gi, but request is 512Mi"])],
)
def test_of_claims_only_requests_count(requests: dict[str, str], words: list[str]) -> None:
    kind = "PersistentVolumeClaim"
    item = {"type": kind, "min": {"storage": "1Gi"}, "maxLimitRequestRatio": {"storage": "1"}}
    claim = {"spec": {"resources": {"requests": requests, "limits": {"storage": "1Mi"}}}}
    assert refusals(of_claim(claim), item) == [each.format(kind) for each in words]
