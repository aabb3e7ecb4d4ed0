from typing import Any

from controllers import namespace, root_ca, service_account
from podling.api.errors import ServiceUnavailable
from podling.api.meta import timestamp
from podling.client.resource import CONFIG_MAPS, NAMESPACES, PODS, SECRETS, SERVICE_ACCOUNTS, SERVICES


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


def conditions(bench: Any) -> dict[str, tuple[str, str, str]]:
    found = bench.client.find(NAMESPACES, "a")["status"]["conditions"]
    return {each["type"]: (each["status"], each["reason"], each["message"]) for each in found}


async def test_a_group_that_cannot_be_asked_holds_the_namespace_until_it_can(bench: Any) -> None:
    bench.client.stale.append("late.example.com/v1")
    bench.client.add(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": "a"}})
    bench.client.add(NAMESPACES, ending("a"))
    await bench.start(namespace.control)
    await bench.wait(1)
    assert bench.client.find(CONFIG_MAPS, "c", "a") is None, "what is known goes"
    assert conditions(bench)["NamespaceDeletionDiscoveryFailure"] == (
        "True",
        "DiscoveryFailed",
        "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
        "late.example.com/v1: stale GroupVersion discovery: late.example.com/v1",
    )
    assert bench.client.find(NAMESPACES, "a")["spec"]["finalizers"] == ["kubernetes"]
    bench.client.stale.clear()
    await bench.wait(60)
    assert bench.client.find(NAMESPACES, "a")["spec"]["finalizers"] == []


async def test_a_kind_that_cannot_be_emptied_holds_only_itself(bench: Any) -> None:
    def away(verb: str, plural: str, name: str) -> None:
        if plural == "configmaps":
            raise ServiceUnavailable("it is away")

    bench.client.add(SECRETS, {"metadata": {"name": "s", "namespace": "a"}})
    bench.client.add(NAMESPACES, ending("a"))
    bench.client.fail = away
    await bench.start(namespace.control)
    await bench.wait(1)
    assert bench.client.find(SECRETS, "s", "a") is None
    assert conditions(bench)["NamespaceDeletionContentFailure"] == (
        "True",
        "ContentDeletionFailed",
        "Failed to delete all resource types, 1 remaining: it is away",
    )
    assert bench.client.find(NAMESPACES, "a")["spec"]["finalizers"] == ["kubernetes"]
    bench.client.fail = lambda verb, plural, name: None
    await bench.wait(60)
    assert bench.client.find(NAMESPACES, "a")["spec"]["finalizers"] == []


async def test_what_takes_only_some_verbs_is_deleted_as_it_can_be(bench: Any) -> None:
    def refusing(verb: str, plural: str, name: str) -> None:
        if verb == "list" and plural == "secrets":
            raise AssertionError("it cannot be listed")

    bench.client.refused = {"secrets": {"list", "watch"}, "services": {"delete"}}
    for of in (SECRETS, SERVICES):
        bench.client.add(of, {"metadata": {"name": "x", "namespace": "a"}})
    bench.client.fail = refusing
    bench.client.add(NAMESPACES, ending("a"))
    await bench.start(namespace.control)
    await bench.wait(1)
    assert (bench.names("secrets"), bench.names("services")) == ([], ["x"])
    assert bench.client.find(NAMESPACES, "a")["spec"]["finalizers"] == []


async def test_the_conditions_of_others_and_their_times_are_kept(bench: Any) -> None:
    own = {"type": "Own", "status": "True", "reason": "R", "message": "m", "lastTransitionTime": timestamp()}
    held = {"metadata": {"name": "c", "namespace": "a", "finalizers": ["example.com/hold"]}}
    bench.client.add(CONFIG_MAPS, held)
    bench.client.add(NAMESPACES, {**ending("a"), "status": {"phase": "Terminating", "conditions": [own]}})
    await bench.start(namespace.control)
    await bench.wait(1)
    before = bench.client.find(NAMESPACES, "a")["status"]["conditions"]
    bench.client.add(CONFIG_MAPS, {"metadata": {**held["metadata"], "name": "d"}})
    await bench.wait(2)
    after = bench.client.find(NAMESPACES, "a")["status"]["conditions"]
    assert before[0] == after[0] == own
    assert [each["lastTransitionTime"] for each in before] == [each["lastTransitionTime"] for each in after]
    assert after[4]["message"] == "Some resources are remaining: configmaps. has 2 resource instances"
