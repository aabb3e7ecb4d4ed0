"""ClusterRoles that add up: the rules of every other ClusterRole that their selectors choose.

Source: k8s.io/kubernetes/pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
"""

from collections.abc import Iterable
from typing import Any

from apiserver.authz.rules import Rule
from podling.api import selectors


def aggregated_rules(role: dict[str, Any], all_roles: Iterable[dict[str, Any]]) -> list[Rule] | None:
    """What `role["rules"]` should be; None where the role does not aggregate.

    Each selector in turn, the chosen roles by name, every rule once.
    """
    rule = role.get("aggregationRule")
    if not rule:
        return None
    by_name = sorted(all_roles, key=lambda other: str(other["metadata"]["name"]))
    wanted: list[Rule] = []
    for selector in rule.get("clusterRoleSelectors") or ():
        for other in by_name:
            if other["metadata"]["name"] == role["metadata"]["name"]:
                continue
            if not selectors.matches(selectors.from_object(selector), other["metadata"].get("labels")):
                continue
            wanted.extend(found for found in other.get("rules") or () if found not in wanted)
    return wanted
