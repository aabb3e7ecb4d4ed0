"""Whether a toleration lets a pod stand a taint. Source: k8s.io/api/core/v1: Toleration.ToleratesTaint."""

from typing import Any


def tolerates(toleration: Any, key: str, value: str, effect: str) -> bool:
    """A typed Toleration; an empty effect or key of it stands for all, an empty key only with operator Exists."""
    if toleration.effect and toleration.effect != effect:
        return False
    if toleration.key and toleration.key != key:
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and (toleration.value or "") == value
