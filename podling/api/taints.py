"""Whether a toleration lets a pod stand a taint. Source: k8s.io/api/core/v1: Toleration.ToleratesTaint."""

from typing import Any


def tolerates(toleration: Any, key: str, value: str, effect: str) -> bool:
    """A typed Toleration; an empty effect or key of it stands for all, an empty key only with operator Exists. Gt and
    Lt compare the taint's value, as a number, with the toleration's."""
    if toleration.effect and toleration.effect != effect:
        return False
    if toleration.key and toleration.key != key:
        return False
    if toleration.operator == "Exists":
        return True
    if toleration.operator in ("Gt", "Lt"):
        return _compares(toleration.operator, value, toleration.value or "")
    return bool(toleration.key) and (toleration.value or "") == value


def _compares(operator: str, found: str, bound: str) -> bool:
    try:
        return int(found) > int(bound) if operator == "Gt" else int(found) < int(bound)
    except ValueError:
        return False
