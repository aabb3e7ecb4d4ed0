"""What podling does not do is told, and nothing else."""

from typing import Any

import pytest

from podling.api.unsupported import UNSUPPORTED, kept_only, unsupported

PLAIN = {"containers": [{"name": "app", "image": "nginx"}], "volumes": [{"name": "v", "emptyDir": {}}]}


@pytest.mark.parametrize("spec", [{}, PLAIN, PLAIN | {"hostUsers": True}, {"volumes": None, "containers": None}])
def test_a_pod_that_asks_for_nothing_special_is_told_nothing(spec: dict[str, Any]) -> None:
    assert unsupported(spec) == []


@pytest.mark.parametrize(
    ("spec", "head"),
    [
        ({"volumes": [{"emptyDir": {}}, {"nfs": {"server": "a", "path": "/"}}]}, "spec.volumes[1].nfs: "),
        ({"hostUsers": False}, "spec.hostUsers: "),
        (
            {"volumes": [{"projected": {"sources": [{"secret": {}}, {"podCertificate": {"keyType": "RSA3072"}}]}}]},
            "spec.volumes[0].projected.sources[1].podCertificate: ",
        ),
        ({"containers": [{"volumeDevices": [{"name": "a"}]}]}, "spec.containers[0].volumeDevices: "),
    ],
)
def test_a_field_is_named_with_its_place(spec: dict[str, Any], head: str) -> None:
    [told] = unsupported(spec)
    assert told.startswith(head)


def test_every_row_of_the_table_can_be_reached() -> None:
    for each in UNSUPPORTED:
        value: Any = {"x": 1} if each.only is None else each.only
        for name in reversed(each.path.split(".")):
            value = {name.removesuffix("[]"): [value] if name.endswith("[]") else value}
        assert [told.endswith(each.words) for told in unsupported(value)] == [True], each.path


def test_a_kind_of_which_nothing_is_made_says_so() -> None:
    [told] = kept_only("apps", "deployments")
    assert told.startswith("deployments.apps: podling has no controller")
    assert kept_only("", "pods") == []
