"""The resources that podling's own services read and write, with the types that they decode into."""

from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from lightkube.models import (
    apps_v1,
    authorization_v1,
    autoscaling_v1,
    certificates_v1,
    coordination_v1,
    core_v1,
    networking_v1,
    node_v1,
    policy_v1,
    rbac_v1,
)
from lightkube.models.meta_v1 import ObjectMeta, Status

T = TypeVar("T")


class Resource(NamedTuple, Generic[T]):
    """`PODS` is `Resource("", "v1", "pods", "Pod", core_v1.Pod)`."""

    group: str
    version: str
    plural: str
    kind: str
    type: type[T]
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass
class Partial:
    """Any object, of which only the metadata matters: what controllers over all kinds decode into."""

    metadata: ObjectMeta = field(default_factory=ObjectMeta)


PODS = Resource("", "v1", "pods", "Pod", core_v1.Pod)
BINDINGS = Resource("", "v1", "pods", "Binding", Status)  # create(…, name=pod, subresource="binding")
NODES = Resource("", "v1", "nodes", "Node", core_v1.Node, namespaced=False)
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", core_v1.Namespace, namespaced=False)
EVENTS = Resource("", "v1", "events", "Event", core_v1.Event)
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", core_v1.ConfigMap)
SECRETS = Resource("", "v1", "secrets", "Secret", core_v1.Secret)
SERVICES = Resource("", "v1", "services", "Service", core_v1.Service)
PERSISTENT_VOLUME_CLAIMS = Resource(
    "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", core_v1.PersistentVolumeClaim
)
RESOURCE_QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota", core_v1.ResourceQuota)
REPLICATION_CONTROLLERS = Resource(
    "", "v1", "replicationcontrollers", "ReplicationController", core_v1.ReplicationController
)
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount", core_v1.ServiceAccount)
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", apps_v1.Deployment)
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet", apps_v1.ReplicaSet)
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet", apps_v1.StatefulSet)
POD_DISRUPTION_BUDGETS = Resource(
    "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", policy_v1.PodDisruptionBudget
)
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease", coordination_v1.Lease)
CLUSTER_ROLES = Resource(
    "rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", rbac_v1.ClusterRole, namespaced=False
)
CERTIFICATE_SIGNING_REQUESTS = Resource(
    "certificates.k8s.io",
    "v1",
    "certificatesigningrequests",
    "CertificateSigningRequest",
    certificates_v1.CertificateSigningRequest,
    namespaced=False,
)
SUBJECT_ACCESS_REVIEWS = Resource(
    "authorization.k8s.io",
    "v1",
    "subjectaccessreviews",
    "SubjectAccessReview",
    authorization_v1.SubjectAccessReview,
    namespaced=False,
)
IP_ADDRESSES = Resource(
    "networking.k8s.io", "v1", "ipaddresses", "IPAddress", networking_v1.IPAddress, namespaced=False
)
RUNTIME_CLASSES = Resource(
    "node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", node_v1.RuntimeClass, namespaced=False
)
CUSTOM_RESOURCE_DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", Partial, namespaced=False
)
API_SERVICES = Resource("apiregistration.k8s.io", "v1", "apiservices", "APIService", Partial, namespaced=False)


def scale(of: Resource[Any]) -> Resource[autoscaling_v1.Scale]:
    """get(scale(DEPLOYMENTS), …, subresource="scale")."""
    return of._replace(kind="Scale", type=autoscaling_v1.Scale)


RESOURCES: tuple[Resource[object], ...] = (
    PODS,
    NODES,
    NAMESPACES,
    EVENTS,
    CONFIG_MAPS,
    SECRETS,
    SERVICES,
    PERSISTENT_VOLUME_CLAIMS,
    RESOURCE_QUOTAS,
    REPLICATION_CONTROLLERS,
    SERVICE_ACCOUNTS,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    POD_DISRUPTION_BUDGETS,
    LEASES,
    CLUSTER_ROLES,
    CERTIFICATE_SIGNING_REQUESTS,
    IP_ADDRESSES,
    RUNTIME_CLASSES,
)
