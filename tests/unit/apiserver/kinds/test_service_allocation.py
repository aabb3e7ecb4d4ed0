"""No two services share an address or a node's port."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.kinds.kind import Ranges
from apiserver.kinds.service import SERVICE
from apiserver.kinds.service.allocate import allocate
from apiserver.kinds.service.defaults import prepare_update
from podling.api.errors import InternalError

SMALL = Ranges("10.97.0.0/28", (30000, 30009))
Object = dict[str, Any]


def service(**spec: Any) -> Object:
    ports = [{"port": 80, "protocol": "TCP"}]
    return {"metadata": {"uid": "x"}, "spec": {"type": "ClusterIP", "selector": {"a": "b"}, "ports": ports, **spec}}


def texts(found: Any) -> list[str]:
    return [f"{error.field}: {error.text}" for error in found]


@given(st.lists(st.sampled_from(["ClusterIP", "NodePort", "Headless"]), max_size=20))
def test_addresses_are_given_once_until_the_range_is_full(kinds: list[str]) -> None:
    made: list[Object] = []
    for kind in kinds:
        new = service(clusterIP="None", clusterIPs=["None"]) if kind == "Headless" else service(type=kind)
        errors = allocate(new, None, made, SMALL)
        if errors:
            assert "range is full" in errors[0].text
        else:
            made.append(new)
    addresses = [each["spec"]["clusterIP"] for each in made if each["spec"]["clusterIP"] != "None"]
    assert len(set(addresses)) == len(addresses)
    assert all(ipaddress.ip_address(each) in ipaddress.ip_network(SMALL.addresses) for each in addresses)
    ports = [each["spec"]["ports"][0]["nodePort"] for each in made if each["spec"]["type"] == "NodePort"]
    assert len(set(ports)) == len(ports)
    assert all(30000 <= port <= 30009 for port in ports)


def test_an_address_that_another_has_is_refused() -> None:
    first = service(clusterIP="10.97.0.5", clusterIPs=["10.97.0.5"])
    assert allocate(first, None, [], SMALL) == []
    again = service(clusterIP="10.97.0.5", clusterIPs=["10.97.0.5"])
    [told] = texts(allocate(again, None, [first], SMALL))
    assert told.endswith("failed to allocate IP 10.97.0.5: provided IP is already allocated")


def test_one_number_serves_two_protocols() -> None:
    ports = [{"port": 53, "protocol": name, "nodePort": 30005} for name in ("TCP", "UDP")]
    assert allocate(service(type="NodePort", ports=ports), None, [], SMALL) == []


def test_what_a_service_has_it_keeps() -> None:
    old = service(type="NodePort")
    assert allocate(old, None, [], SMALL) == []
    new = {**old, "spec": {**old["spec"], "selector": {"c": "d"}}}
    assert allocate(new, old, [], SMALL) == []
    assert new["spec"]["clusterIP"] == old["spec"]["clusterIP"]
    assert new["spec"]["ports"] == old["spec"]["ports"]


def local(**spec: Any) -> Object:
    return service(type="LoadBalancer", externalTrafficPolicy="Local", allocateLoadBalancerNodePorts=False, **spec)


def test_a_load_balancer_that_keeps_traffic_local_gets_a_port_for_its_health() -> None:
    old = local()
    assert allocate(old, None, [], SMALL) == []
    assert 30000 <= old["spec"]["healthCheckNodePort"] <= 30009
    new = local()
    prepare_update(new, old)
    assert new["spec"]["healthCheckNodePort"] == old["spec"]["healthCheckNodePort"]
    with pytest.raises(InternalError, match=r"HealthCheck NodePort \d+: provided port is already allocated"):
        allocate(local(healthCheckNodePort=old["spec"]["healthCheckNodePort"]), None, [old], SMALL)
    changed = local(healthCheckNodePort=30009 if old["spec"]["healthCheckNodePort"] != 30009 else 30008)
    assert texts(SERVICE.validate_update(changed, old))[0] == "spec.healthCheckNodePort: Forbidden: field is immutable"
    port = old["spec"]["healthCheckNodePort"]
    new = service(type="LoadBalancer", externalTrafficPolicy="Cluster", healthCheckNodePort=port)
    prepare_update(new, old)
    assert "healthCheckNodePort" not in new["spec"]


def test_where_a_load_balancer_is_reached_is_looked_at() -> None:
    ingress = [{"ip": "1.2.3.4"}, {"ip": "01.2.3.4", "ipMode": "x"}, {"hostname": "1.2.3.4", "ipMode": "VIP"}]
    given = local() | {"status": {"loadBalancer": {"ingress": ingress}}}
    SERVICE.default(given)
    assert ingress[0]["ipMode"] == "VIP"
    [status] = [each for each in SERVICE.subresources if each.name == "status"]
    assert texts(status.validate_update(given, {})) == [
        'status.loadBalancer.ingress[1].ip: Invalid value: "01.2.3.4": must not have leading 0s',
        'status.loadBalancer.ingress[1].ipMode: Unsupported value: "x": supported values: "Proxy", "VIP"',
        "status.loadBalancer.ingress[2].ipMode: Forbidden: may not be specified when `ip` is not set",
        'status.loadBalancer.ingress[2].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]
    given["spec"]["type"] = "NodePort"
    assert texts(status.validate_update(given, {})) == [
        "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"
    ]


def test_what_a_service_has_no_use_for_is_told() -> None:
    headless = service(clusterIP="None", clusterIPs=["None"], externalIPs=["1.2.3.4"], sessionAffinity="ClientIP")
    assert SERVICE.warn(headless) == [
        "spec.externalIPs is ignored for headless services",
        "spec.SessionAffinity is ignored for headless services",
        "spec.externalIPs is deprecated",
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ipFamilies": ["IPv4", "IPv4"]}, ['spec.ipFamilies[1]: Duplicate value: "IPv4"']),
        (
            {"ipFamilies": ["IPv5"], "ipFamilyPolicy": "Foo"},
            [
                'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
                'spec.ipFamilyPolicy: Unsupported value: "Foo": supported values: "PreferDualStack", '
                '"RequireDualStack", "SingleStack"',
            ],
        ),
        (
            {"ipFamilies": ["IPv4", "IPv6"]},
            [
                "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or "
                "'PreferDualStack' when multiple IP families are specified"
            ],
        ),
        (
            {"clusterIP": "10.97.0.3", "clusterIPs": ["10.97.0.3", "10.97.0.4"], "ipFamilyPolicy": "PreferDualStack"},
            [
                'spec.clusterIPs: Invalid value: ["10.97.0.3","10.97.0.4"]: '
                "may specify no more than one IP for each IP family"
            ],
        ),
        (
            {"clusterIP": "fd00::1", "clusterIPs": ["fd00::1"]},
            ['spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster'],
        ),
        (
            {"clusterIP": "10.97.0.3", "clusterIPs": ["10.97.0.3"], "ipFamilies": ["IPv6"]},
            ['spec.clusterIPs[0]: Invalid value: "10.97.0.3": expected an IPv6 value as indicated by `ipFamilies[0]`'],
        ),
    ],
)
def test_addresses_families_and_policy_agree(given: Object, words: list[str]) -> None:
    assert texts(allocate(service(**given), None, [], SMALL)) == words


def test_ports_of_one_number_share_a_nodes_port() -> None:
    both = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}, {"port": 80, "protocol": "TCP"}]
    new = service(type="NodePort", ports=both)
    assert allocate(new, None, [], SMALL) == []
    first, second, third = (each["nodePort"] for each in both)
    assert first == second != third
    other = service(type="NodePort", ports=[{"port": 1, "protocol": "SCTP", "nodePort": first}])
    assert texts(allocate(other, None, [new], SMALL)) == [
        f"spec.ports[0].nodePort: Invalid value: {first}: provided port is already allocated"
    ]
