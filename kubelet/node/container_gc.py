"""Which dead containers go when the node needs room. `unused` is pure.

Ordinarily each pod keeps of every member the newest instance and one before it, for `kubectl logs` (`kubelet.machine`),
until the pod leaves the API. When the disk runs short that is too much: of a pod that is over everything goes, and of
the others all but the newest; as k8s.io/kubernetes/pkg/kubelet/kuberuntime does it in DeleteAllUnusedContainers.
"""

import logging
from collections.abc import Collection, Iterable, Sequence

from kubelet.machine import is_dead, newest
from kubelet.runtime import ContainerError, PodSeen, Runtime

log = logging.getLogger(__name__)


def unused(pods: Iterable[PodSeen], over: Collection[str]) -> Sequence[str]:
    """The ids of dead containers; `over` are the uids of pods that have ended."""
    return [
        each.id
        for pod in pods
        for each in pod.containers
        if is_dead(each) and (pod.ref.uid in over or each is not newest(pod, each.name))
    ]


async def delete_unused(runtime: Runtime, over: Collection[str]) -> int:
    """How many went. Errors: RuntimeUnavailable."""
    count = 0
    for id in unused((await runtime.pods()).values(), over):
        try:
            await runtime.remove_container(id)
        except ContainerError as error:
            log.warning("dead container stays id=%.12s error=%s", id, error)
            continue
        count += 1
    log.info("dead containers removed count=%s", count)
    return count
