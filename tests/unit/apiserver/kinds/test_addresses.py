"""Addresses that are right but not in the one canonical form are warned of, wherever they stand."""

from typing import Any

import pytest

from apiserver.kinds.discovery.endpoint_slice import ENDPOINT_SLICE
from apiserver.kinds.endpoints import ENDPOINTS
from apiserver.kinds.kind import Kind
from apiserver.kinds.networking.ingress import INGRESS
from apiserver.kinds.networking.network_policy import NETWORK_POLICY
from apiserver.kinds.node import NODE
from apiserver.kinds.service import SERVICE

LONG = "2001:db8:0:0::2"


def address(path: str) -> str:
    return f'{path}: IPv6 address "{LONG}" should be in RFC 5952 canonical format ("2001:db8::2")'


def cidr(path: str) -> str:
    return f'{path}: IPv6 CIDR value "2001:db8:0::/64" should be in RFC 5952 canonical format ("2001:db8::/64")'


PEER = {"ipBlock": {"cidr": "2001:db8:0::/64", "except": ["10.0.0.0/8"]}}


@pytest.mark.parametrize(
    ("kind", "fields", "warnings"),
    [
        (NETWORK_POLICY, {"spec": {"egress": [{"to": [{}, PEER]}]}}, [cidr("spec.egress[0].to[1].ipBlock.cidr")]),
        (
            ENDPOINT_SLICE,
            {"addressType": "IPv6", "endpoints": [{"addresses": ["fd00::1", LONG]}]},
            [address("endpoints[0].addresses[1]")],
        ),
        (
            ENDPOINTS,
            {"subsets": [{"notReadyAddresses": [{"ip": LONG}]}]},
            [address("subsets[0].notReadyAddresses[0].ip")],
        ),
        (NODE, {"spec": {"podCIDRs": ["2001:db8:0::/64"]}}, [cidr("spec.podCIDRs[0]")]),
        (
            SERVICE,
            {"spec": {"type": "LoadBalancer", "externalIPs": [LONG], "loadBalancerSourceRanges": ["2001:db8:0::/64"]}},
            [
                "spec.externalIPs is deprecated",
                address("spec.externalIPs[0]"),
                cidr("spec.loadBalancerSourceRanges[0]"),
            ],
        ),
    ],
)
def test_an_address_in_another_form_is_warned_of(kind: Kind, fields: dict[str, Any], warnings: list[str]) -> None:
    assert list(kind.warn({"metadata": {}, **fields})) == warnings


def test_what_a_controller_writes_is_not_looked_at() -> None:
    labels = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
    found = {"metadata": {"labels": labels}, "addressType": "IPv6", "endpoints": [{"addresses": [LONG]}]}
    assert list(ENDPOINT_SLICE.warn(found)) == []


@pytest.mark.parametrize("kind", [INGRESS, SERVICE])
def test_the_status_of_load_balancers_is_warned_of_and_shown_in_order(kind: Kind) -> None:
    status = kind.subresource("status")
    assert status is not None
    given = [{"ip": LONG}, {"hostname": "b.example.com"}, {"ip": "10.0.0.9"}, {"ip": "10.0.0.9"}]
    found = {"metadata": {}, "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": given}}}
    assert list(status.warn(found)) == [address("status.loadBalancer.ingress[0]")]
    shown = [column.cell(found) for column in kind.columns if column.name in ("Address", "External-IP")]
    assert shown == [f"10.0.0.9,{LONG},b.example.com"]


BETA_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"


def test_source_ranges_of_the_field_go_before_those_of_the_annotation() -> None:
    spec = {"type": "LoadBalancer", "ports": [{"port": 1, "protocol": "TCP", "targetPort": 1}]}
    found = {"metadata": {"annotations": {BETA_RANGES: "10.0.0.0/8, x"}}, "spec": spec}
    SERVICE.default(found)
    words = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
    wrong = [str(error) for error in SERVICE.validate_create(found)]
    assert wrong == [f'metadata.annotations[{BETA_RANGES}]: Invalid value: "x": {words}']
    wrong = [
        str(error) for error in SERVICE.validate_create({**found, "spec": {**spec, "loadBalancerSourceRanges": [" y"]}})
    ]
    assert f'spec.LoadBalancerSourceRanges[0]: Invalid value: "y": {words}' in wrong
