"""Where objects live in the store: `/registry/pods/default/web`, as etcd's users know it from Kubernetes.

Built-in kinds have no group in their keys, custom resources do. Source: k8s.io/kubernetes/pkg/kubeapiserver
(default_storage_factory_builder.go: SpecialDefaultResourcePrefixes).
"""

from apiserver.kinds.kind import Kind

ROOT = "/registry/"

SPECIAL = {
    ("", "endpoints"): "services/endpoints",
    ("", "nodes"): "minions",
    ("", "replicationcontrollers"): "controllers",
    ("", "services"): "services/specs",
    ("networking.k8s.io", "ingresses"): "ingress",
}
WITH_GROUP = ("apiextensions.k8s.io", "apiregistration.k8s.io")


def prefix(kind: Kind) -> str:
    """The prefix of all keys of a kind, with the last slash."""
    home = kind.home
    special = SPECIAL.get((home.group, home.plural))
    if special is None:
        special = f"{home.group}/{home.plural}" if _has_group(home) else home.plural
    return f"{ROOT}{special}/"


def _has_group(kind: Kind) -> bool:
    return kind.custom or kind.group in WITH_GROUP


def relative(kind: Kind, namespace: str, name: str) -> str:
    """The key below the kind's prefix, which is also how lists are ordered: `default/web`, `node-1`."""
    return f"{namespace}/{name}" if kind.namespaced else name


def key(kind: Kind, namespace: str, name: str) -> str:
    return prefix(kind) + relative(kind, namespace, name)
