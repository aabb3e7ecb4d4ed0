"""Which address of the node's range a pod gets. Pure; one writer, the runtime.

An address is taken while a sandbox carries it in its label; `starting` are those of sandboxes being made, which no
listing of the engine can show yet.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network


class AddressesExhausted(Exception):
    """Every address of the range is taken."""


def node_address(node_range: IPv4Network) -> str:
    """The node's own: the first of its range, which is also its pods' gateway."""
    return str(node_range[1])


@dataclass
class Addresses:
    node_range: IPv4Network
    taken: set[str] = field(default_factory=set)
    starting: set[str] = field(default_factory=set)
    _last: int = 1  # offset in the range; a used address comes round again as late as possible

    def allocate(self) -> str:
        """The next free address; the caller owes `settle` or `release`."""
        most = self.node_range.num_addresses - 2  # neither the broadcast address nor, from offset 2 on, the node's
        for step in range(1, most):
            offset = 2 + (self._last - 2 + step) % (most - 1)
            address = str(self.node_range[offset])
            if address not in self.taken:
                self._last = offset
                self.taken.add(address)
                self.starting.add(address)
                return address
        raise AddressesExhausted(f"no address is free in {self.node_range}: {len(self.taken)} pods hold one")

    def settle(self, address: str) -> None:
        """The engine shows it from now on."""
        self.starting.discard(address)

    def release(self, address: str) -> None:
        self.taken.discard(address)
        self.starting.discard(address)

    def settled(self) -> frozenset[str]:
        return frozenset(self.taken - self.starting)

    def observe(self, before: Collection[str], seen: Iterable[str]) -> None:
        """A complete listing shows `seen`; what was settled `before` the listing began and is not in it is free.

        After a restart the search goes on behind the highest address seen, not at the first hole.
        """
        shown = set(seen)
        for address in set(before) - shown:
            self.release(address)
        fresh = {address for address in shown if IPv4Address(address) in self.node_range}
        if fresh and not self.taken:
            self._last = max(int(IPv4Address(address)) - int(self.node_range[0]) for address in fresh)
        self.taken |= fresh
