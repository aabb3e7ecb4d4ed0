"""The kinds that Kubernetes can read from a body at all, served or not: its messages tell those from what nobody knows.

Source: runtime.Scheme as pkg/api/legacyscheme fills it; metav1.AddToGroupVersion gives every version its options.
"""

from apiserver.schema.load import declared, served

# Versions that Kubernetes still reads and lightkube-models no longer has.
_FORMER = {
    "apps/v1beta1": ("Deployment", "StatefulSet", "ControllerRevision", "Scale"),
    "apps/v1beta2": ("Deployment", "StatefulSet", "ControllerRevision", "DaemonSet", "ReplicaSet", "Scale"),
    "extensions/v1beta1": ("Deployment", "DaemonSet", "ReplicaSet", "Ingress", "NetworkPolicy", "Scale"),
    "batch/v1beta1": ("CronJob",),
    "policy/v1beta1": ("PodDisruptionBudget", "Eviction"),
    "events.k8s.io/v1beta1": ("Event",),
    "rbac.authorization.k8s.io/v1beta1": ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    "rbac.authorization.k8s.io/v1alpha1": ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    "autoscaling/v2beta1": ("HorizontalPodAutoscaler",),
    "autoscaling/v2beta2": ("HorizontalPodAutoscaler",),
    "coordination.k8s.io/v1beta1": ("Lease",),
    "scheduling.k8s.io/v1beta1": ("PriorityClass",),
    "storage.k8s.io/v1beta1": ("StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "CSIStorageCapacity"),
    "discovery.k8s.io/v1beta1": ("EndpointSlice",),
    "networking.k8s.io/v1beta1": ("Ingress", "IngressClass"),
}


_OF_CORE = (
    "List", "PodStatusResult", "RangeAllocation", "SerializedReference", "NodeProxyOptions", "PodAttachOptions",
    "PodExecOptions", "PodLogOptions", "PodPortForwardOptions", "PodProxyOptions", "ServiceProxyOptions",
)  # fmt: skip
_OF_EVERY_VERSION = (
    "CreateOptions", "DeleteOptions", "GetOptions", "ListOptions", "PatchOptions", "UpdateOptions", "WatchEvent",
)  # fmt: skip
_OF_NO_VERSION = ("APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "Status")
META = "v1"


def registered(api_version: str, kind: str) -> bool:
    return (
        kind in _FORMER.get(api_version, ())
        or kind in _OF_NO_VERSION
        or (api_version == "v1" and kind in _OF_CORE)
        or (kind in _OF_EVERY_VERSION and (api_version in _FORMER or served(api_version)))
        or declared(api_version, kind)
    )


def go_version(api_version: str, kind: str) -> str:
    """The Go package of a kind, as messages name it: that of its version, or that of meta/v1."""
    return META if kind in (*_OF_EVERY_VERSION, *_OF_NO_VERSION) else api_version.rpartition("/")[2]
