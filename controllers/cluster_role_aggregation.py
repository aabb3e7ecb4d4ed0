"""ClusterRoles that add up others: their rules are the union of those that their selectors choose."""

from collections.abc import Iterable
from typing import Any

from controllers.controller import Context, Source, run
from podling.api import selectors
from podling.client.codec import plain
from podling.client.resource import CLUSTER_ROLES


async def control(context: Context) -> None:
    roles = context.informers.get(CLUSTER_ROLES)

    def aggregates(key: str, old: Any, new: Any) -> list[str]:
        return [role.metadata.name for role in roles.values() if role.aggregationRule]

    async def reconcile(name: str) -> None:
        role = roles.get(name)
        if role is None or not role.aggregationRule:
            return
        wanted = union(role, roles.values())
        if wanted != plain(role.rules or []):
            await context.client.patch(CLUSTER_ROLES, name, {"rules": wanted})

    await run("cluster-role-aggregation", context.clock, [Source(roles, aggregates)], reconcile)


def union(role: Any, roles: Iterable[Any]) -> list[dict[str, Any]]:
    """Each rule once, in the order of the names of the roles that bring it."""
    rules: list[dict[str, Any]] = []
    chosen = [selectors.from_object(plain(s)) for s in role.aggregationRule.clusterRoleSelectors or ()]
    for other in sorted(roles, key=lambda other: str(other.metadata.name)):
        if other.metadata.name == role.metadata.name:
            continue
        if any(selectors.matches(selector, other.metadata.labels) for selector in chosen):
            rules += [rule for rule in plain(other.rules or []) if rule not in rules]
    return rules
