"""The end of a namespace: its contents are deleted, and when nothing remains its finalizer goes, and with it the
namespace.

    Terminating ──▶ delete the pods ──▶ then every other kind's objects ──▶ anything left? ──no──▶ finalize
                                                                                 └──yes──▶ say so, look again
Source: k8s.io/kubernetes/pkg/controller/namespace/deletion.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from controllers.controller import Context, Source, itself, run
from podling.api.conditions import turned
from podling.api.errors import ApiError, MethodNotAllowed, NotFound, ServiceUnavailable
from podling.api.meta import timestamp
from podling.client.client import Client, Served
from podling.client.codec import plain
from podling.client.resource import NAMESPACES, Partial, Resource
from podling.loop.reconcile import After

FINALIZER = "kubernetes"
PODS = ("", "pods")
LOOK_AGAIN_SECONDS = 0.5


class Left(NamedTuple):
    """What of one kind remains: how many objects, and their finalizers with how many objects each holds."""

    resource: str
    objects: int
    finalizers: dict[str, int]


class Seen(NamedTuple):
    """What a look at a namespace found. `stale`: group versions whose server could not be asked what it has; `failed`:
    why contents could not be deleted."""

    left: Sequence[Left] = ()
    stale: Sequence[str] = ()
    failed: Sequence[str] = ()


async def control(context: Context) -> None:
    client = context.client
    namespaces = context.informers.get(NAMESPACES)

    async def reconcile(name: str) -> After | None:
        namespace = namespaces.get(name)
        if namespace is None or not namespace.metadata.deletionTimestamp:
            return None
        seen = await _empty(client, name)
        await _report(context, namespace, seen)
        if seen.stale or seen.failed:
            raise ServiceUnavailable(", ".join([*map(_stale, seen.stale), *seen.failed]))  # again, ever later
        if seen.left:
            return After(LOOK_AGAIN_SECONDS)
        kept = [finalizer for finalizer in namespace.spec.finalizers or () if finalizer != FINALIZER]
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "uid": namespace.metadata.uid},
            "spec": {"finalizers": kept},
        }
        with suppress(NotFound):
            await client.update(NAMESPACES, body, subresource="finalize")
        return None

    await run("namespace", context.clock, [Source(namespaces, itself)], reconcile)


async def _empty(client: Client, namespace: str) -> Seen:
    """Delete what can be deleted now; what remains. Pods go first, alone: what they use stays until they have ended."""
    found = await client.discover()
    left: list[Left] = []
    failed: list[str] = []
    served = [each for each in found.served if each.of.namespaced and "delete" in each.verbs]
    for each in sorted(served, key=lambda each: (each.of.group, each.of.plural) != PODS):
        try:
            remains = await _delete(client, each, namespace)
        except ApiError as error:
            failed.append(error.message)
            continue
        if remains:
            left.append(_left(each.of, remains))
            if (each.of.group, each.of.plural) == PODS:
                break
    return Seen(left, found.stale, sorted(failed))


async def _delete(client: Client, each: Served, namespace: str) -> Sequence[Partial]:
    """All of one kind; what remains."""
    of, verbs = each.of, each.verbs
    if "list" not in verbs:
        if "deletecollection" in verbs:
            await client.delete_collection(of, namespace)
        return ()
    try:
        found = (await client.list(of, namespace)).items
        if all(item.metadata.deletionTimestamp for item in found):
            return found
        try:
            await client.delete_collection(of, namespace)
        except (MethodNotAllowed, NotFound):
            for item in found:
                with suppress(NotFound):
                    await client.delete(of, str(item.metadata.name), namespace)
        return (await client.list(of, namespace)).items
    except (MethodNotAllowed, NotFound):
        return ()  # a server that does not take what it tells of


def _left(of: Resource[Any], remains: Sequence[Partial]) -> Left:
    counts: dict[str, int] = {}
    for item in remains:
        for finalizer in item.metadata.finalizers or ():
            counts[finalizer] = counts.get(finalizer, 0) + 1
    return Left(f"{of.plural}.{of.group}", len(remains), counts)


async def _report(context: Context, namespace: Any, seen: Seen) -> None:
    known = [plain(each) for each in (namespace.status and namespace.status.conditions) or ()]
    rows, now = known, timestamp(context.clock.now())
    for wanted in conditions(seen):
        rows = turned(rows, wanted._asdict(), now)
    if rows == known:
        return
    with suppress(NotFound):
        await context.client.patch(
            NAMESPACES, namespace.metadata.name, {"status": {"conditions": rows}}, subresource="status"
        )


class Condition(NamedTuple):
    type: str
    status: str
    reason: str
    message: str


def conditions(seen: Seen) -> list[Condition]:
    """In Kubernetes' words."""
    stale, failed = ", ".join(map(_stale, seen.stale)), ", ".join(seen.failed)
    contents = ", ".join(sorted(f"{kind.resource} has {kind.objects} resource instances" for kind in seen.left))
    counts: dict[str, int] = {}
    for kind in seen.left:
        for finalizer, count in kind.finalizers.items():
            counts[finalizer] = counts.get(finalizer, 0) + count
    held = ", ".join(f"{finalizer} in {count} resource instances" for finalizer, count in sorted(counts.items()))
    return [
        _condition(
            "NamespaceDeletionDiscoveryFailure",
            ("ResourcesDiscovered", "All resources successfully discovered"),
            stale and ("DiscoveryFailed", f"Discovery failed for some groups, {len(seen.stale)} failing: unable to "
                       f"retrieve the complete list of server APIs: {stale}"),
        ),
        _condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ),
        _condition(
            "NamespaceDeletionContentFailure",
            ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
            failed and ("ContentDeletionFailed", "Failed to delete all resource types, "
                        f"{len(seen.failed)} remaining: {failed}"),
        ),
        _condition(
            "NamespaceContentRemaining",
            ("ContentRemoved", "All content successfully removed"),
            contents and ("SomeResourcesRemain", f"Some resources are remaining: {contents}"),
        ),
        _condition(
            "NamespaceFinalizersRemaining",
            ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
            held and ("SomeFinalizersRemain", f"Some content in the namespace has finalizers remaining: {held}"),
        ),
    ]  # fmt: skip


def _condition(type: str, well: tuple[str, str], wrong: tuple[str, str] | Literal[""] = "") -> Condition:
    """(reason, message) of each."""
    return Condition(type, "True", *wrong) if wrong else Condition(type, "False", *well)


def _stale(version: str) -> str:
    return f"{version}: stale GroupVersion discovery: {version}"
