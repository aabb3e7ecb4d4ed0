"""IPAddress and ServiceCIDR. Words: kubernetes/pkg/apis/networking/validation."""

from typing import Any

import pytest

from apiserver.kinds.discovery.endpoint_slice import ENDPOINT_SLICE
from apiserver.kinds.networking.ip_address import IP_ADDRESS, validate_name
from apiserver.kinds.networking.service_cidr import SERVICE_CIDR


def told(errors: list[Any]) -> list[str]:
    return [str(error) for error in errors]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("10.97.0.1", []),
        ("fd00::1", []),
        ("FD00::1", ['must be in canonical form ("fd00::1")']),
        ("fd00:0:0::1", ['must be in canonical form ("fd00::1")']),
        ("10.0.0.300", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
        ("10.0.0.01", ["must not have leading 0s"]),
        ("010.0.0.300", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
        ("::ffff:10.0.0.1", ["must not be an IPv4-mapped IPv6 address"]),
        ("web", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
    ],
)
def test_an_address_is_named_by_itself(name: str, wrong: list[str]) -> None:
    assert validate_name(name) == wrong


def test_an_address_is_somebodys() -> None:
    parent = {"resource": "services", "namespace": "default", "name": "web"}
    found = {"metadata": {"name": "10.97.0.1"}, "spec": {"parentRef": parent}}
    assert told(IP_ADDRESS.validate(found)) == []
    assert [column.cell(found) for column in IP_ADDRESS.columns] == ["10.97.0.1", "services/default/web"]
    assert told(IP_ADDRESS.validate({"spec": {}})) == ["spec.parentRef: Required value"]
    assert told(IP_ADDRESS.validate({"spec": {"parentRef": {"group": "a_b", "name": "a/b"}}}))[1:] == [
        "spec.parentRef.resource: Required value",
        "spec.parentRef.name: Invalid value: \"a/b\": may not contain '/'",
    ]
    other = {"metadata": {"name": "10.97.0.1"}, "spec": {"parentRef": {**parent, "name": "api"}}}
    assert told(IP_ADDRESS.validate_update(other, found)) == [
        'spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"default","Name":"api"}: '
        "field is immutable"
    ]


TWO = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"


@pytest.mark.parametrize(
    ("cidrs", "wrong"),
    [
        (["10.0.0.0/16"], []),
        (["10.0.0.0/16", "fd00::/64"], []),
        ([], ["spec.cidrs: Required value: at least one CIDR required"]),
        (["10.0.0.0/8", "11.0.0.0/8"], [f'spec.cidrs: Invalid value: {{"CIDRs":["10.0.0.0/8","11.0.0.0/8"]}}: {TWO}']),
        (
            ["10.0.0.0"],
            [
                'spec.cidrs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or '
                "2001:db8::/64)"
            ],
        ),
        (
            ["10.0.0.1/8"],
            ['spec.cidrs[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length'],
        ),
        (["FD00::/64"], ['spec.cidrs[0]: Invalid value: "FD00::/64": must be in canonical form ("fd00::/64")']),
    ],
)
def test_a_range_of_services(cidrs: list[str], wrong: list[str]) -> None:
    assert told(SERVICE_CIDR.validate({"metadata": {"name": "a"}, "spec": {"cidrs": cidrs}})) == wrong


@pytest.mark.parametrize(
    ("was", "now", "wrong"),
    [
        (["10.0.0.0/24"], ["10.0.0.0/24", "fd00::/64"], []),
        (["10.0.0.0/24"], ["10.1.0.0/24"], ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable']),
        (
            ["10.0.0.0/24", "fd00::/64"],
            ["10.0.0.0/24"],
            ['spec.cidrs: Invalid value: ["10.0.0.0/24"]: field is immutable'],
        ),
    ],
)
def test_a_range_may_be_joined_by_one_of_the_other_family(was: list[str], now: list[str], wrong: list[str]) -> None:
    new, old = ({"spec": {"cidrs": cidrs}} for cidrs in (now, was))
    assert told(SERVICE_CIDR.validate_update(new, old)) == wrong


@pytest.mark.parametrize(
    ("endpoint", "wrong"),
    [
        ({"addresses": ["a.example.com."]}, []),
        (
            {"addresses": ["db"]},
            [
                'endpoints[0].addresses[0]: Invalid value: "db": should be a domain with at least two segments '
                "separated by dots"
            ],
        ),
        (
            {"addresses": ["a.b"], "hints": {"forZones": [{"name": "a"}, {"name": "a"}]}},
            ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
        ),
        (
            {"addresses": ["a.b"], "hints": {"forNodes": [{"name": str(each)} for each in range(9)]}},
            ["endpoints[0].hints.forNodes: Too many: 9: must have at most 8 items"],
        ),
    ],
)
def test_names_and_hints_of_endpoints(endpoint: dict[str, Any], wrong: list[str]) -> None:
    slice_ = {"addressType": "FQDN", "endpoints": [endpoint]}
    assert told(ENDPOINT_SLICE.validate(slice_)) == wrong
    assert list(ENDPOINT_SLICE.warn(slice_)) == ["spec.addressType: FQDN endpoints are deprecated"]
