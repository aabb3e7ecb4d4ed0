"""The flow schemas and priority levels that every cluster has: two of each are mandatory, the others suggested.

Source: k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap.
"""

from collections.abc import Sequence

from apiserver.kinds.kind import Object

GROUP = "flowcontrol.apiserver.k8s.io"
EXEMPT, CATCH_ALL = "exempt", "catch-all"
MANDATORY = (EXEMPT, CATCH_ALL)
AUTOUPDATE = "apf.kubernetes.io/autoupdate-spec"
EVERYBODY = ("system:unauthenticated", "system:authenticated")
CONTROLLERS, SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
LEADER_VERBS = ("get", "create", "update")


def _level(name: str, spec: Object) -> Object:
    return _object("PriorityLevelConfiguration", name, spec)


def _limited(name: str, shares: int, lendable_percent: int, queues: tuple[int, int] | None) -> Object:
    """`queues`: how many there are, and how many a flow is dealt; None: whoever is too many is refused."""
    response: Object = {"type": "Reject"}
    if queues:
        response = {
            "type": "Queue",
            "queuing": {"queues": queues[0], "handSize": queues[1], "queueLengthLimit": 50},
        }
    limited = {"nominalConcurrencyShares": shares, "limitResponse": response, "lendablePercent": lendable_percent}
    return _level(name, {"type": "Limited", "limited": limited})


def _schema(name: str, level: str, precedence: int, distinguisher: str, rules: Object) -> Object:
    spec: Object = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence}
    if distinguisher:
        spec["distinguisherMethod"] = {"type": distinguisher}
    return _object("FlowSchema", name, {**spec, "rules": [rules]})


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[Object]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _accounts(*names: str) -> list[Object]:
    """Service accounts of kube-system; "*" is all of them."""
    return [{"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": name}} for name in names]


def _resources(verbs: Sequence[str], group: str, resources: Sequence[str], cluster: bool = False) -> Object:
    rule: Object = {"verbs": list(verbs), "apiGroups": [group], "resources": list(resources)}
    return rule | ({"clusterScope": True} if cluster else {}) | {"namespaces": ["*"]}


def _paths(verbs: Sequence[str], paths: Sequence[str]) -> Object:
    return {"verbs": list(verbs), "nonResourceURLs": list(paths)}


def _all(subjects: list[Object]) -> Object:
    """Whatever they ask."""
    everything = [_resources("*", "*", "*", cluster=True)]
    return {"subjects": subjects, "resourceRules": everything, "nonResourceRules": [_paths("*", "*")]}


LEASES = _resources(LEADER_VERBS, "coordination.k8s.io", ["leases"])
NODES = [
    _resources("*", "", ["nodes", "nodes/status"], cluster=True),
    _resources("*", LEASES["apiGroups"][0], ["leases"]),
]
ENDPOINTS = [_resources(LEADER_VERBS, "", ["endpoints"])]
ENDPOINT_ACCOUNTS = _accounts("endpoint-controller", "endpointslicemirroring-controller")
PROBES = [_paths(["get"], ["/healthz", "/readyz", "/livez"])]

LEVELS: tuple[Object, ...] = (
    _limited(CATCH_ALL, 5, 0, None),
    _level(EXEMPT, {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}}),
    _limited("system", 30, 33, (64, 6)),
    _limited("node-high", 40, 25, (64, 6)),
    _limited("leader-election", 10, 0, (16, 4)),
    _limited("workload-high", 40, 50, (128, 6)),
    _limited("workload-low", 100, 90, (128, 6)),
    _limited("global-default", 20, 50, (128, 6)),
)
SCHEMAS: tuple[Object, ...] = (
    _schema(EXEMPT, EXEMPT, 1, "", _all(_groups("system:masters"))),
    _schema(CATCH_ALL, CATCH_ALL, 10000, "ByUser", _all(_groups(*EVERYBODY))),
    _schema("system-nodes", "system", 500, "ByUser", _all(_groups("system:nodes"))),
    _schema("system-node-high", "node-high", 400, "ByUser",
            {"subjects": _groups("system:nodes"), "resourceRules": NODES}),
    _schema("probes", EXEMPT, 2, "", {"subjects": _groups(*EVERYBODY), "nonResourceRules": PROBES}),
    _schema("system-leader-election", "leader-election", 100, "ByUser",
            {"subjects": _users(CONTROLLERS, SCHEDULER) + _accounts("*"), "resourceRules": [LEASES]}),
    _schema("endpoint-controller", "workload-high", 150, "ByUser",
            {"subjects": _users(CONTROLLERS) + ENDPOINT_ACCOUNTS, "resourceRules": ENDPOINTS}),
    _schema("workload-leader-election", "leader-election", 200, "ByUser",
            {"subjects": _accounts("*"), "resourceRules": [LEASES]}),
    _schema("kube-controller-manager", "workload-high", 800, "ByNamespace", _all(_users(CONTROLLERS))),
    _schema("kube-scheduler", "workload-high", 800, "ByNamespace", _all(_users(SCHEDULER))),
    _schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", _all(_accounts("*"))),
    _schema("service-accounts", "workload-low", 9000, "ByUser", _all(_groups("system:serviceaccounts"))),
    _schema("global-default", "global-default", 9900, "ByUser", _all(_groups(*EVERYBODY))),
)  # fmt: skip


def mandatory_spec(presets: Sequence[Object], name: str) -> Object | None:
    """What the spec of a mandatory object must be; None for every other name."""
    if name not in MANDATORY:
        return None
    spec: Object = next(each["spec"] for each in presets if each["metadata"]["name"] == name)
    return spec
