"""Shuffle sharding: a flow is dealt a hand of queues, always the same. Two flows rarely have a whole hand in common,
so that one that fills its queues leaves every other a queue of its own. Pure.

Source: k8s.io/apiserver/pkg/util/shufflesharding.
"""

import hashlib
from bisect import insort

HASH_BYTES = 8


def flow_hash(*names: str) -> int:
    """Of a flow schema's name and what distinguishes the flow."""
    return int.from_bytes(hashlib.blake2b("\0".join(names).encode(), digest_size=HASH_BYTES).digest(), "big")


def deal(flow: int, queues: int, hand: int) -> tuple[int, ...]:
    """`hand` different numbers below `queues`."""
    dealt: list[int] = []
    taken: list[int] = []
    for count in range(hand):
        flow, card = divmod(flow, queues - count)
        for each in taken:  # in order: the card counts those that are left
            if card >= each:
                card += 1
        insort(taken, card)
        dealt.append(card)
    return tuple(dealt)
