from kubelet.network.netlink import Link
from kubelet.network.ptp import address_of, is_ours, link_name, link_prefix, mac


def test_a_device_is_named_by_cluster_and_address_in_what_linux_takes() -> None:
    name = link_name("podling", "10.244.1.5")
    assert len(name) == 15 and name.startswith(link_prefix("podling"))
    assert address_of(name) == "10.244.1.5"
    assert link_name("other", "10.244.1.5") != name


def test_a_device_is_ours_by_name_and_alias() -> None:
    name = link_name("c1", "10.244.1.5")
    assert is_ours(Link(7, name, True, ""), "c1")
    assert is_ours(Link(7, name, True, "podling c1 n1 10.244.1.5 netns 4"), "c1")
    assert not is_ours(Link(7, name, True, "podling c2 n1 10.244.1.5 netns 4"), "c1")
    assert not is_ours(Link(7, "docker0", True, ""), "c1")
    assert not is_ours(Link(7, link_prefix("c1") + "x", True, ""), "c1")


def test_hardware_addresses_are_local_and_of_one_station() -> None:
    for first in (0x0A, 0x0E):
        made = mac(first, "10.244.1.5")
        assert len(made) == 6 and made[0] & 0b11 == 0b10 and made[2:] == bytes((10, 244, 1, 5))
