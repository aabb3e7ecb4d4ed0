from ipaddress import IPv4Network

import pytest

from kubelet.network.addresses import Addresses, AddressesExhausted, node_address

RANGE = IPv4Network("10.244.1.0/29")  # .1 is the node's, .2 to .6 are its pods'


def test_the_node_has_the_first_address() -> None:
    assert node_address(RANGE) == "10.244.1.1"


def test_pods_get_every_address_but_the_networks_the_nodes_and_the_broadcast() -> None:
    addresses = Addresses(RANGE)
    assert [addresses.allocate() for _ in range(5)] == [f"10.244.1.{last}" for last in range(2, 7)]
    with pytest.raises(AddressesExhausted, match=r"10\.244\.1\.0/29: 5 pods hold one"):
        addresses.allocate()


def test_a_released_address_comes_round_as_late_as_possible() -> None:
    addresses = Addresses(RANGE)
    first = addresses.allocate()
    addresses.release(first)
    assert [addresses.allocate() for _ in range(5)] == [*(f"10.244.1.{last}" for last in range(3, 7)), first]


def test_what_a_listing_shows_is_taken_and_the_search_goes_on_behind_it() -> None:
    addresses = Addresses(RANGE)
    addresses.observe((), ["10.244.1.2", "10.244.1.4", "10.9.9.9"])
    assert addresses.taken == {"10.244.1.2", "10.244.1.4"}
    assert addresses.allocate() == "10.244.1.5"


def test_a_settled_address_that_a_listing_does_not_show_is_free() -> None:
    addresses = Addresses(RANGE)
    address = addresses.allocate()
    addresses.settle(address)
    addresses.observe(addresses.settled(), [])
    assert addresses.taken == set()


def test_the_address_of_a_sandbox_being_made_survives_a_listing_that_cannot_show_it() -> None:
    addresses = Addresses(RANGE)
    address = addresses.allocate()
    addresses.observe(addresses.settled(), [])
    assert addresses.taken == {address}


def test_an_address_settled_during_a_listing_survives_it() -> None:
    addresses = Addresses(RANGE)
    address = addresses.allocate()
    before = addresses.settled()
    addresses.settle(address)
    addresses.observe(before, [])
    assert addresses.taken == {address}
