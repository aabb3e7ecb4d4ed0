"""What a runtime class adds to a pod."""

from typing import Any

import pytest

from apiserver.admission.plugin import Admission
from apiserver.admission.runtimeclass import RUNTIME_CLASSES, RuntimeClass
from apiserver.kinds.kind import Kind
from apiserver.lister import MemoryLister
from apiserver.request import User
from apiserver.schema.schema import Schema
from podling.api.errors import Forbidden

POD = Kind("", "v1", "Pod", "pods", Schema("object"))
BOX = {
    "metadata": {"name": "box"},
    "overhead": {"podFixed": {"memory": "32Mi"}},
    "scheduling": {"nodeSelector": {"box": "yes"}, "tolerations": [{"key": "box", "operator": "Exists"}]},
}


async def admitted(**spec: Any) -> dict[str, Any]:
    pod = {"metadata": {"name": "a", "namespace": "x"}, "spec": spec}
    write = Admission("CREATE", POD, "", "x", "a", User("u"), pod, None)
    plugin = RuntimeClass(MemoryLister([(RUNTIME_CLASSES, BOX)]))
    await plugin.admit(write)
    await plugin.validate(write)
    return spec


async def test_a_class_gives_overhead_and_place() -> None:
    spec = await admitted(runtimeClassName="box", nodeSelector={"zone": "z"}, overhead={"memory": "32768Ki"})
    assert spec["overhead"] == {"memory": "32Mi"}
    assert spec["nodeSelector"] == {"zone": "z", "box": "yes"}
    assert spec["tolerations"] == [{"key": "box", "operator": "Exists"}]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"runtimeClassName": "none"}, 'pod rejected: RuntimeClass "none" not found'),
        (
            {"runtimeClassName": "box", "overhead": {"memory": "1Mi"}},
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        ({"overhead": {"memory": "1Mi"}}, "pod rejected: Pod Overhead set without corresponding RuntimeClass"),
        (
            {"runtimeClassName": "box", "nodeSelector": {"box": "no"}},
            r"conflict: runtimeClass.scheduling.nodeSelector\[box\] = yes; pod.spec.nodeSelector\[box\] = no",
        ),
    ],
)
async def test_what_does_not_fit_the_class_is_refused(spec: dict[str, Any], why: str) -> None:
    with pytest.raises(Forbidden, match=why):
        await admitted(**spec)
