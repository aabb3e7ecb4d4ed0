"""What a pod is called inside."""

from typing import Any

import pytest

from kubelet.names import Names, NameTooLong, names_of

from .build import typed_pod

FULL = "db.data.default.svc.cluster.local"


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ({}, Names("web", ("web",))),
        ({"hostname": "db"}, Names("db", ("db",))),
        ({"setHostnameAsFQDN": True}, Names("web", ("web",))),
        ({"hostname": "db", "subdomain": "data"}, Names("db", (FULL, "db"))),
        ({"hostname": "db", "subdomain": "data", "setHostnameAsFQDN": True}, Names(FULL, (FULL, "db"))),
        ({"subdomain": "data", "setHostnameAsFQDN": False}, Names("web", (FULL.replace("db.", "web."), "web"))),
        ({"hostnameOverride": "a.b.c", "subdomain": "data"}, Names("a.b.c", ("a.b.c",))),
        ({"hostNetwork": True, "hostname": "db"}, Names("", ())),
    ],
)
def test_a_pod_is_called_as_its_spec_says(spec: dict[str, Any], names: Names) -> None:
    assert names_of(typed_pod(**spec), "cluster.local") == names


def test_a_long_pod_name_is_cut_to_a_label() -> None:
    pod = typed_pod()
    pod.metadata.name = "a" * 62 + "-" + "b" * 20
    assert names_of(pod, "x").hostname == "a" * 62


def test_a_full_name_that_linux_does_not_take_is_refused_in_kubernetes_words() -> None:
    pod = typed_pod(hostname="a" * 40, subdomain="data", setHostnameAsFQDN=True)
    full = f"{'a' * 40}.data.default.svc.cluster.local"
    with pytest.raises(NameTooLong) as told:
        names_of(pod, "cluster.local")
    assert str(told.value) == (
        f"failed to construct FQDN from pod hostname and cluster domain, FQDN {full} is too long "
        "(64 characters is the max, 71 characters requested)"
    )
    pod.spec.setHostnameAsFQDN = False
    assert names_of(pod, "cluster.local").hostname == "a" * 40
