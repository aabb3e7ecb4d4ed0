from typing import Any

from controllers import service_address
from podling.client.resource import IP_ADDRESSES, SERVICES


def service(name: str, *addresses: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"clusterIPs": list(addresses)}}


async def test_every_address_of_a_service_has_an_object_that_names_it(bench: Any) -> None:
    bench.client.add(SERVICES, service("web", "10.97.0.7"))
    bench.client.add(SERVICES, service("none", "None"))
    await bench.start(service_address.control)
    bench.client.add(SERVICES, service("six", "fd00::7"))
    await bench.wait()
    assert bench.names("ipaddresses") == ["10.97.0.7", "fd00::7"]
    found = bench.client.find(IP_ADDRESSES, "fd00::7")
    assert found["spec"]["parentRef"] == {"resource": "services", "namespace": "default", "name": "six"}
    assert found["metadata"]["labels"] == {
        "ipaddress.kubernetes.io/ip-family": "IPv6",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }


async def test_the_object_goes_with_the_service_and_an_address_that_changes_hands_gets_a_new_one(bench: Any) -> None:
    bench.client.add(SERVICES, service("web", "10.97.0.7"))
    await bench.start(service_address.control)
    await bench.wait()
    await bench.client.delete(SERVICES, "web", "default")
    bench.client.add(SERVICES, service("api", "10.97.0.7"))
    await bench.wait()
    assert bench.client.find(IP_ADDRESSES, "10.97.0.7")["spec"]["parentRef"]["name"] == "api"
    await bench.client.delete(SERVICES, "api", "default")
    await bench.wait()
    assert bench.names("ipaddresses") == []


async def test_objects_of_others_are_left_alone(bench: Any) -> None:
    theirs = {"metadata": {"name": "10.97.0.9"}, "spec": {"parentRef": {"resource": "gateways", "name": "g"}}}
    bench.client.add(IP_ADDRESSES, theirs)
    await bench.start(service_address.control)
    bench.client.add(SERVICES, service("web", "10.97.0.9"))
    await bench.wait()
    await bench.client.delete(SERVICES, "web", "default")
    await bench.wait()
    assert bench.client.find(IP_ADDRESSES, "10.97.0.9")["spec"] == theirs["spec"]


async def test_what_is_taken_away_comes_back(bench: Any) -> None:
    bench.client.add(SERVICES, service("web", "10.97.0.7"))
    await bench.start(service_address.control)
    await bench.wait()
    await bench.client.delete(IP_ADDRESSES, "10.97.0.7")
    await bench.wait()
    assert bench.names("ipaddresses") == ["10.97.0.7"]
