"""The end of a namespace: its contents are deleted, and when nothing remains its finalizer goes, and with it the
namespace.

    Terminating ──▶ delete the pods ──▶ then every other kind's objects ──▶ anything left? ──no──▶ finalize
                                                                                 └──yes──▶ say so, look again
Source: k8s.io/kubernetes/pkg/controller/namespace/deletion.
"""

from contextlib import suppress
from typing import Any, NamedTuple

from controllers.controller import Context, Source, itself, run
from podling.api.errors import MethodNotAllowed, NotFound
from podling.api.meta import timestamp
from podling.client.resource import NAMESPACES
from podling.loop.reconcile import After

FINALIZER = "kubernetes"
PODS = ("", "pods")
LOOK_AGAIN_SECONDS = 0.5


class Left(NamedTuple):
    """What of one kind remains: how many objects, and their finalizers with how many objects each holds."""

    resource: str
    objects: int
    finalizers: dict[str, int]


async def control(context: Context) -> None:
    client = context.client
    namespaces = context.informers.get(NAMESPACES)

    async def reconcile(name: str) -> After | None:
        namespace = namespaces.get(name)
        if namespace is None or not namespace.metadata.deletionTimestamp:
            return None
        left = await _empty(context, name)
        if left:
            await _report(context, namespace, left)
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


async def _empty(context: Context, namespace: str) -> list[Left]:
    """Delete what can be deleted now; what remains. Pods go first, alone: what they use stays until they have ended."""
    client, left = context.client, []
    resources = [of for of in await client.resources() if of.namespaced]
    for of in sorted(resources, key=lambda of: (of.group, of.plural) != PODS):
        found = (await client.list(of, namespace)).items
        if not found:
            continue
        if any(not item.metadata.deletionTimestamp for item in found):
            try:
                await client.delete_collection(of, namespace)
            except MethodNotAllowed:
                for item in found:
                    await client.delete(of, str(item.metadata.name), namespace)
            found = (await client.list(of, namespace)).items
        if found:
            counts: dict[str, int] = {}
            for item in found:
                for finalizer in item.metadata.finalizers or ():
                    counts[finalizer] = counts.get(finalizer, 0) + 1
            left.append(Left(f"{of.plural}.{of.group}", len(found), counts))
            if (of.group, of.plural) == PODS:
                break
    return left


async def _report(context: Context, namespace: Any, left: list[Left]) -> None:
    said = {c.type: (c.status, c.message) for c in (namespace.status and namespace.status.conditions) or ()}
    wanted = conditions(left)
    if all(said.get(type_) == (status, message) for type_, status, _, message in wanted):
        return
    now = timestamp(context.clock.now())
    rows = [
        {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": now}
        for type_, status, reason, message in wanted
    ]
    with suppress(NotFound):
        await context.client.patch(
            NAMESPACES, namespace.metadata.name, {"status": {"conditions": rows}}, subresource="status"
        )


def conditions(left: list[Left]) -> list[tuple[str, str, str, str]]:
    """(type, status, reason, message) in Kubernetes' words."""
    contents = ", ".join(sorted(f"{kind.resource} has {kind.objects} resource instances" for kind in left))
    counts: dict[str, int] = {}
    for kind in left:
        for finalizer, count in kind.finalizers.items():
            counts[finalizer] = counts.get(finalizer, 0) + count
    held = ", ".join(f"{finalizer} in {count} resource instances" for finalizer, count in sorted(counts.items()))
    return [
        (
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        (
            "NamespaceContentRemaining",
            "True" if left else "False",
            "SomeResourcesRemain" if left else "ContentRemoved",
            f"Some resources are remaining: {contents}" if left else "All content successfully removed",
        ),
        (
            "NamespaceFinalizersRemaining",
            "True" if held else "False",
            "SomeFinalizersRemain" if held else "ContentHasNoFinalizers",
            f"Some content in the namespace has finalizers remaining: {held}"
            if held
            else "All content-preserving finalizers finished",
        ),
    ]
