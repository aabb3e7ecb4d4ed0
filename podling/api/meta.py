"""Times and names as objects carry them."""

import re
import secrets
from datetime import UTC, datetime
from typing import Any

# No vowels and no look-alikes: generated names spell no words. Source: apimachinery/pkg/util/rand.
SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def timestamp(at: datetime | None = None) -> str:
    """A Time: `2026-11-22T11:00:00Z`."""
    return (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp(at: datetime | None = None) -> str:
    """A MicroTime: `2026-11-22T11:00:00.123456Z`."""
    return (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Either form, aware; raises ValueError."""
    return datetime.fromisoformat(text)


def name_suffix(length: int = 5) -> str:
    return "".join(secrets.choice(SUFFIX_ALPHABET) for _ in range(length))


def key_of(metadata: Any) -> str:
    """`namespace/name`, or `name` where there is no namespace, of an object's typed metadata."""
    return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else str(metadata.name)


def split_key(key: str) -> tuple[str, str]:
    """(namespace, name) of `key_of`'s answer."""
    namespace, _, name = key.rpartition("/")
    return namespace, name
