"""How long to wait before the next try: first, then doubling, never more than the most."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass
class Backoff(Generic[K]):
    """Seconds a key. Pure: it counts failures and knows no clock."""

    first: float
    most: float
    factor: float = 2.0
    failures: dict[K, int] = field(default_factory=dict)

    def next(self, key: K) -> float:
        """The wait after one more failure of `key`."""
        failures = self.failures.get(key, 0)
        self.failures[key] = failures + 1
        return float(min(self.most, self.first * self.factor ** min(failures, 64)))

    def forget(self, key: K) -> None:
        self.failures.pop(key, None)
