"""What a pod's spec may ask for and podling does not do, with the words that the user is told. Pure.

The API server shows them as `Warning:` headers when the pod, or the template of one, is written; the kubelet repeats
them in an event, for pods that a controller made. A pod that cannot be right without the field waits, or fails, with
its own event; the others run without it. docs/pod-fields.md lists the outcome of every field.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from podling.api.field import Path

Spec = Mapping[str, Any]


class Unsupported(NamedTuple):
    """`path` goes down from the spec; `[]` is every item of a list. `only`: no other value asks for it."""

    path: str
    words: str
    only: Any = None


CLOUD = "podling runs on one machine and attaches no disks of a cloud; the pod will wait"
REMOTE = "podling mounts no remote file systems or disks; use hostPath; the pod will wait"
PLUGINS = {
    "awsElasticBlockStore": CLOUD,
    "azureDisk": CLOUD,
    "azureFile": CLOUD,
    "cinder": CLOUD,
    "gcePersistentDisk": CLOUD,
    "photonPersistentDisk": CLOUD,
    "vsphereVolume": CLOUD,
    "cephfs": REMOTE,
    "csi": "podling has no CSI drivers; the pod will wait",
    "fc": REMOTE,
    "flexVolume": "podling has no FlexVolume drivers; the pod will wait",
    "flocker": REMOTE,
    "gitRepo": "clone in an init container instead; the pod will wait",
    "glusterfs": REMOTE,
    "iscsi": REMOTE,
    "nfs": REMOTE,
    "portworxVolume": REMOTE,
    "quobyte": REMOTE,
    "rbd": REMOTE,
    "scaleIO": REMOTE,
    "storageos": REMOTE,
    "ephemeral": "podling has no persistent volumes yet; use emptyDir; the pod will wait",
    "persistentVolumeClaim": "podling has no persistent volumes yet; use hostPath; the pod will wait",
}
OF_WINDOWS = "podling runs Linux containers; the pod will run without it"
SPEC = Path("spec")
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def of_containers(path: str, words: str, only: Any = None) -> Sequence[Unsupported]:
    return [Unsupported(f"{kind}[].{path}", words, only) for kind in CONTAINERS]


UNSUPPORTED: Sequence[Unsupported] = (
    *(Unsupported(f"volumes[].{name}", words) for name, words in PLUGINS.items()),
    Unsupported("volumes[].projected.sources[].clusterTrustBundle", "podling has no trust bundles; the pod will wait"),
    Unsupported("volumes[].projected.sources[].podCertificate", "podling signs no pod certificates; the pod will wait"),
    Unsupported("resourceClaims", "podling has no dynamic resource allocation; the pod will wait"),
    Unsupported("schedulingGroup", "podling schedules pods one by one; the pod will run without its group"),
    Unsupported("hostUsers", "podling makes no user namespaces; the pod will wait", only=False),
    Unsupported("securityContext.windowsOptions", OF_WINDOWS),
    Unsupported("securityContext.seLinuxChangePolicy", "podling labels no volumes; the pod will run without it"),
    *of_containers("securityContext.windowsOptions", OF_WINDOWS),
    *of_containers("volumeDevices", "podling has no block volumes; the pod will wait"),
)

_NO_PODS = "podling has no controller for it yet: it is kept, and no pods are made"
_NO_ROUTE = "podling has no part that carries it out yet: it is kept, and nothing else happens"
_ONE_RANGE = "podling has the one range of services that it was started with: it is kept, and nothing else happens"
_NO_CSI = "podling has no CSI drivers: it is kept, and nothing else happens"
_NO_DEVICES = "podling has no dynamic resource allocation: it is kept, and no devices are given"
_OF_CSI = ("csidrivers", "csinodes", "csistoragecapacities", "volumeattachments", "volumeattributesclasses")
_OF_DEVICES = ("deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices")
KEPT_ONLY: Mapping[tuple[str, str], str] = {  # (group, plural)
    ("apps", "daemonsets"): _NO_PODS,
    ("apps", "deployments"): _NO_PODS,
    ("apps", "replicasets"): _NO_PODS,
    ("apps", "statefulsets"): _NO_PODS,
    ("batch", "cronjobs"): _NO_PODS,
    ("batch", "jobs"): _NO_PODS,
    ("", "replicationcontrollers"): _NO_PODS,
    ("", "persistentvolumeclaims"): _NO_ROUTE,
    ("", "persistentvolumes"): _NO_ROUTE,
    ("", "services"): _NO_ROUTE,
    (
        "autoscaling",
        "horizontalpodautoscalers",
    ): "podling scales nothing by itself yet: it is kept, and nothing else happens",
    ("networking.k8s.io", "ingresses"): _NO_ROUTE,
    ("networking.k8s.io", "networkpolicies"): _NO_ROUTE,
    ("networking.k8s.io", "servicecidrs"): _ONE_RANGE,
    **dict.fromkeys((("resource.k8s.io", plural) for plural in _OF_DEVICES), _NO_DEVICES),
    **dict.fromkeys((("storage.k8s.io", plural) for plural in _OF_CSI), _NO_CSI),
}


def kept_only(group: str, plural: str) -> list[str]:
    """The sentence about a kind of which podling makes nothing; [] of the others."""
    words = KEPT_ONLY.get((group, plural))
    return [f"{plural}{'.' if group else ''}{group}: {words}"] if words else []


def unsupported(spec: Spec, where: Path = SPEC, table: Sequence[Unsupported] = UNSUPPORTED) -> list[str]:
    """A sentence a field, in the order of the table: `spec.volumes[0].nfs: podling mounts no …`."""
    return [f"{path}: {each.words}" for each in table for path in _given(spec, each, where)]


def _given(spec: Spec, each: Unsupported, where: Path) -> Iterator[Path]:
    for path, value in _walk(spec, each.path.split("."), where):
        if value == each.only if each.only is not None else value:
            yield path


def _walk(item: Any, names: Sequence[str], path: Path) -> Iterator[tuple[Path, Any]]:
    if not names:
        yield path, item
        return
    if not isinstance(item, Mapping):
        return
    name, is_list = names[0].removesuffix("[]"), names[0].endswith("[]")
    value, here = item.get(name), path.child(name)
    if not is_list:
        if value is not None:
            yield from _walk(value, names[1:], here)
        return
    for index, member in enumerate(value or ()):
        yield from _walk(member, names[1:], here.index(index))
