"""How ownership moves when an object changes.

    changed or added fields    leave every other manager
    removed fields             leave every manager
    a manager without fields   goes

Source: structured-merge-diff, merge/update.go; apimachinery's field manager chain around it.
"""

from collections.abc import Callable
from dataclasses import replace

from apiserver.managedfields.compare import Comparison
from apiserver.managedfields.elsewhere import Compared
from apiserver.managedfields.entries import UPDATE, Managed, Manager, Owned, seconds
from apiserver.managedfields.fieldset import FieldSet

MOST_UPDATERS = 10
ANCIENT = "ancient-changes"

_METADATA = "name namespace creationTimestamp selfLink uid clusterName generation managedFields resourceVersion"

# Nobody owns these. `.metadata` itself is among them, what else is below it is not.
STRIPPED = FieldSet.of(
    [("f:apiVersion",), ("f:kind",), ("f:metadata",), *(("f:metadata", f"f:{name}") for name in _METADATA.split())]
)


def update(  # noqa: PLR0917
    managed: Managed, found: Comparison, manager: Manager, api_version: str, now: str, seen: Compared | None = None
) -> Managed:
    """The managers after an ordinary write in which `found` changed; `seen` tells what other versions see of it."""
    after = taken(managed, seen or Compared(api_version, found, lambda _: None))
    mine = (found.modified | found.added) - STRIPPED
    if mine:
        before = after.get(manager)
        after[manager] = Owned(mine | before.fields if before else mine, api_version, False, now)
    return capped(after)


def taken(managed: Managed, seen: Compared, but: Manager | None = None) -> Managed:
    """All managers, `but` one excepted, without what changed. Entries of versions that are not served go."""
    after: Managed = {}
    for manager, owned in managed.items():
        if manager == but:
            after[manager] = owned
        elif found := seen.at(owned.api_version):
            after[manager] = replace(owned, fields=owned.fields - found.modified - found.added - found.removed)
        elif found is not None:
            after[manager] = owned
    return {manager: owned for manager, owned in after.items() if owned.fields}


def capped(managed: Managed) -> Managed:
    """At most ten updaters: the oldest of one version are merged into `ancient-changes`."""
    updaters = [manager for manager, owned in managed.items() if not owned.applied]
    many = len(updaters)
    if many <= MOST_UPDATERS:
        return managed
    after = dict(managed)
    age: Callable[[Manager], tuple[float, str]] = lambda manager: (  # noqa: E731
        seconds(managed[manager].time),
        manager.identifier(),
    )
    first: dict[str, Manager] = {}
    for manager in sorted(updaters, key=age):
        if many <= MOST_UPDATERS:
            break
        owned = managed[manager]
        bucket = Manager(ANCIENT, UPDATE, owned.api_version)
        if owned.api_version not in first:
            first[owned.api_version] = manager
            continue
        if bucket not in after:
            after[bucket] = after.pop(first[owned.api_version])
        merged = owned.fields | after[bucket].fields
        if manager != bucket:
            del after[manager]
        after[bucket] = Owned(merged, owned.api_version, owned.applied, owned.time)
        many -= 1
    return after
