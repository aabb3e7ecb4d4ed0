from typing import Any

from controllers import cluster_role_aggregation, garbage
from podling.api.errors import ServiceUnavailable
from podling.client.resource import (
    CLUSTER_ROLES,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    SECRETS,
    Partial,
    Resource,
)

BOATS = Resource("example.com", "v1", "boats", "Boat", Partial)


def owned_by(*owners: dict[str, Any], block: bool = False) -> dict[str, Any]:
    references = [
        {
            "apiVersion": owner.get("apiVersion", "v1"),
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            **({"blockOwnerDeletion": True} if block else {}),
        }
        for owner in owners
    ]
    return {"ownerReferences": references}


async def test_what_is_owned_goes_with_its_last_owner(bench: Any) -> None:
    first = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "first"}})
    second = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "second"}})
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(first, second)}})
    await bench.start(garbage.control)
    await bench.client.delete(CONFIG_MAPS, "first", "default")
    await bench.wait()
    child = bench.client.find(SECRETS, "child")
    assert [owner["name"] for owner in child["metadata"]["ownerReferences"]] == ["second"]
    await bench.client.delete(CONFIG_MAPS, "second", "default")
    await bench.wait()
    assert bench.names("secrets") == []


async def test_an_owner_that_never_existed_owns_nothing(bench: Any) -> None:
    ghost = {"kind": "ConfigMap", "metadata": {"name": "ghost", "uid": "no-such-uid"}}
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(ghost)}})
    await bench.start(garbage.control)
    await bench.wait()
    assert bench.names("secrets") == []


async def test_in_the_foreground_the_owner_goes_last(bench: Any) -> None:
    owner = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "owner"}})
    child = {"metadata": {"name": "child", "finalizers": ["example.com/hold"], **owned_by(owner, block=True)}}
    bench.client.add(SECRETS, child)
    await bench.start(garbage.control)
    await bench.client.delete(CONFIG_MAPS, "owner", "default", propagation="Foreground")
    await bench.wait()
    assert bench.client.find(SECRETS, "child")["metadata"]["deletionTimestamp"]
    assert bench.names("configmaps") == ["owner"]
    await bench.client.patch(SECRETS, "child", {"metadata": {"finalizers": None}}, "default")
    await bench.wait()
    assert bench.names("configmaps") == []


async def test_an_owner_that_goes_first_waits_for_nobody_whom_another_owner_holds(bench: Any) -> None:
    going = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "going"}})
    living = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "living"}})
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(going, living, block=True)}})
    await bench.start(garbage.control)
    await bench.client.delete(CONFIG_MAPS, "going", "default", propagation="Foreground")
    await bench.wait()
    assert (bench.names("configmaps"), bench.names("secrets")) == (["living"], ["child"])


async def test_owners_that_both_wait_for_a_dependent_see_it_go(bench: Any) -> None:
    first = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "first"}})
    second = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "second"}})
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(first, second, block=True)}})
    await bench.start(garbage.control)
    await bench.client.delete(CONFIG_MAPS, "first", "default", propagation="Foreground")
    await bench.client.delete(CONFIG_MAPS, "second", "default", propagation="Foreground")
    await bench.wait()
    assert (bench.names("configmaps"), bench.names("secrets")) == ([], [])


async def test_an_owner_in_another_namespace_is_none(bench: Any) -> None:
    owner = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "owner", "namespace": "elsewhere"}})
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(owner)}})
    await bench.start(garbage.control)
    await bench.wait()
    assert (bench.names("configmaps"), bench.names("secrets")) == (["owner"], [])


async def test_orphans_stay_and_forget_their_owner(bench: Any) -> None:
    owner = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "owner"}})
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(owner)}})
    await bench.start(garbage.control)
    await bench.client.delete(CONFIG_MAPS, "owner", "default", propagation="Orphan")
    await bench.wait()
    assert bench.names("configmaps") == []
    assert not bench.client.find(SECRETS, "child")["metadata"].get("ownerReferences")


async def test_a_role_adds_up_the_roles_it_selects(bench: Any) -> None:
    pods, nodes = ({"verbs": ["get"], "apiGroups": [""], "resources": [kind]} for kind in ("pods", "nodes"))
    selector = {"matchLabels": {"to": "sum"}}
    total = {"metadata": {"name": "sum"}, "aggregationRule": {"clusterRoleSelectors": [selector]}, "rules": []}
    bench.client.add(CLUSTER_ROLES, total)
    bench.client.add(CLUSTER_ROLES, {"metadata": {"name": "b", "labels": {"to": "sum"}}, "rules": [nodes]})
    await bench.start(cluster_role_aggregation.control)
    bench.client.add(CLUSTER_ROLES, {"metadata": {"name": "a", "labels": {"to": "sum"}}, "rules": [pods, nodes]})
    bench.client.add(CLUSTER_ROLES, {"metadata": {"name": "c"}, "rules": [pods]})
    await bench.wait()
    assert bench.client.find(CLUSTER_ROLES, "sum")["rules"] == [pods, nodes]


async def test_an_owner_that_its_own_watch_has_not_told_of_yet_is_asked_for(bench: Any) -> None:
    def nobody_watches(verb: str, plural: str, name: str) -> None:
        if (verb, plural) == ("watch", "configmaps"):
            raise ServiceUnavailable("the watch is behind")

    await bench.start(garbage.control)
    bench.client.fail = nobody_watches
    await bench.wait()
    owner = bench.client.add(CONFIG_MAPS, {"metadata": {"name": "owner"}})
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(owner)}})
    await bench.wait()
    assert bench.names("secrets") == ["child"]


async def test_what_is_owned_by_a_custom_resource_goes_with_it_whenever_its_kind_came(bench: Any) -> None:
    await bench.start(garbage.control)
    await bench.wait()
    early = {"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": "b", "uid": "boat-1"}}
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(early)}})
    await bench.wait()
    assert bench.names("secrets") == ["child"], "nobody can say whether its owner is there"
    bench.client.custom.append(BOATS)
    boat = bench.client.add(BOATS, early)
    bench.client.add(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": "boats.example.com"}})
    await bench.wait()
    assert bench.names("secrets") == ["child"]
    await bench.client.delete(BOATS, boat["metadata"]["name"], "default")
    await bench.wait()
    assert bench.names("secrets") == []


async def test_a_kind_that_goes_is_followed_no_more(bench: Any) -> None:
    bench.client.custom.append(BOATS)
    boat = bench.client.add(BOATS, {"metadata": {"name": "b"}})
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(boat)}})
    await bench.start(garbage.control)
    await bench.wait()
    bench.client.custom.clear()
    bench.client.objects.pop(("boats", "default", "b"))
    bench.client.add(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": "others.example.com"}})
    await bench.wait()
    assert bench.names("secrets") == ["child"], "as Kubernetes: an owner of an unknown kind is not known to be gone"


async def test_a_kind_whose_server_is_away_is_followed_on(bench: Any) -> None:
    bench.client.custom.append(BOATS)
    boat = bench.client.add(BOATS, {"metadata": {"name": "b"}})
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(boat)}})
    await bench.start(garbage.control)
    await bench.wait()
    bench.client.custom.clear()
    bench.client.stale.append("example.com/v1")
    await bench.wait(31)
    bench.client.stale.clear()
    bench.client.custom.append(BOATS)
    await bench.client.delete(BOATS, "b", "default")
    await bench.wait(31)
    assert bench.names("secrets") == []


async def test_a_kind_that_cannot_be_listed_holds_nobody_up_for_long(bench: Any) -> None:
    def away(verb: str, plural: str, name: str) -> None:
        if plural == "boats":
            raise ServiceUnavailable("it is away")

    bench.client.custom.append(BOATS)
    bench.client.fail = away
    ghost = {"kind": "ConfigMap", "metadata": {"name": "ghost", "uid": "no-such-uid"}}
    lost = {"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": "lost", "uid": "no-such-boat"}}
    bench.client.add(SECRETS, {"metadata": {"name": "child", **owned_by(ghost)}})
    bench.client.add(SECRETS, {"metadata": {"name": "other", **owned_by(lost)}})
    await bench.start(garbage.control)
    await bench.wait(35)
    assert bench.names("secrets") == ["other"], "whether its owner is there nobody can say"
    bench.client.fail = lambda verb, plural, name: None
    await bench.wait(60)
    assert bench.names("secrets") == []
