from typing import Any

from controllers import namespace, root_ca, service_account
from podling.api.meta import timestamp
from podling.client.resource import CONFIG_MAPS, NAMESPACES, PODS, SERVICE_ACCOUNTS


def ending(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "deletionTimestamp": timestamp()}, "spec": {"finalizers": ["kubernetes"]}}


async def test_every_namespace_has_a_default_account_and_the_clusters_ca(bench: Any) -> None:
    bench.client.add(NAMESPACES, {"metadata": {"name": "early"}})
    await bench.start(service_account.control)
    await bench.start(root_ca.control)
    bench.client.add(NAMESPACES, {"metadata": {"name": "late"}})
    await bench.wait()
    for name in ("early", "late"):
        assert bench.client.find(SERVICE_ACCOUNTS, "default", name)
        assert bench.client.find(CONFIG_MAPS, "kube-root-ca.crt", name)["data"] == {"ca.crt": "CA"}


async def test_what_is_taken_away_comes_back(bench: Any) -> None:
    bench.client.add(NAMESPACES, {"metadata": {"name": "a"}})
    await bench.start(service_account.control)
    await bench.start(root_ca.control)
    await bench.client.delete(SERVICE_ACCOUNTS, "default", "a")
    await bench.client.patch(CONFIG_MAPS, "kube-root-ca.crt", {"data": {"ca.crt": "mine"}}, "a")
    await bench.wait()
    assert bench.client.find(SERVICE_ACCOUNTS, "default", "a")
    assert bench.client.find(CONFIG_MAPS, "kube-root-ca.crt", "a")["data"] == {"ca.crt": "CA"}


async def test_an_ending_namespace_is_not_filled_again(bench: Any) -> None:
    bench.client.add(NAMESPACES, ending("a"))
    await bench.start(service_account.control)
    await bench.start(root_ca.control)
    await bench.wait()
    assert not bench.client.find(SERVICE_ACCOUNTS, "default", "a")
    assert not bench.client.find(CONFIG_MAPS, "kube-root-ca.crt", "a")


async def test_an_ending_namespace_takes_its_contents_with_it(bench: Any) -> None:
    bench.client.add(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": "a"}})
    bench.client.add(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": "other"}})
    bench.client.add(NAMESPACES, ending("a"))
    await bench.start(namespace.control)
    await bench.wait(1)
    assert bench.client.find(CONFIG_MAPS, "c", "a") is None
    assert bench.client.find(CONFIG_MAPS, "c", "other")
    assert bench.client.find(NAMESPACES, "a")["spec"]["finalizers"] == []


async def test_a_namespace_says_what_it_waits_for(bench: Any) -> None:
    bench.client.add(PODS, {"metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": [], "nodeName": "n"}})
    held = {"metadata": {"name": "c", "namespace": "a", "finalizers": ["example.com/hold"]}}
    bench.client.add(CONFIG_MAPS, held)
    bench.client.add(NAMESPACES, ending("a"))
    await bench.start(namespace.control)
    await bench.wait()
    said = {c["type"]: c for c in bench.client.find(NAMESPACES, "a")["status"]["conditions"]}
    assert said["NamespaceContentRemaining"]["message"] == (
        "Some resources are remaining: pods. has 1 resource instances"
    )
    assert list(said) == [
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionGroupVersionParsingFailure",
        "NamespaceDeletionContentFailure",
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
    ]
    assert not bench.client.find(CONFIG_MAPS, "c", "a")["metadata"].get("deletionTimestamp"), "the pod may read it yet"
    await bench.client.delete(PODS, "p", "a", grace_seconds=0)
    await bench.wait(1)
    said = {c["type"]: c for c in bench.client.find(NAMESPACES, "a")["status"]["conditions"]}
    assert said["NamespaceContentRemaining"]["message"] == (
        "Some resources are remaining: configmaps. has 1 resource instances"
    )
    assert said["NamespaceFinalizersRemaining"]["message"] == (
        "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    )
    assert bench.client.find(NAMESPACES, "a")["spec"]["finalizers"] == ["kubernetes"]
    await bench.client.patch(CONFIG_MAPS, "c", {"metadata": {"finalizers": None}}, "a")
    await bench.wait(1)
    assert bench.client.find(NAMESPACES, "a")["spec"]["finalizers"] == []
