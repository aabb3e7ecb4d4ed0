"""The kinds of one file each. Words: golden core-config, core-nodes, core-events, groups-cluster."""

import base64
from typing import Any

from apiserver.kinds.addresses import validate_cidr
from apiserver.kinds.columns import duration
from apiserver.kinds.config_map import CONFIG_MAP
from apiserver.kinds.event import EVENT
from apiserver.kinds.events.event import EVENTS_EVENT
from apiserver.kinds.lease import LEASE
from apiserver.kinds.limit_range import LIMIT_RANGE
from apiserver.kinds.names import SUBDOMAIN
from apiserver.kinds.namespace import NAMESPACE
from apiserver.kinds.node import NODE
from apiserver.kinds.persistent_volume import PERSISTENT_VOLUME
from apiserver.kinds.persistent_volume_claim import PERSISTENT_VOLUME_CLAIM
from apiserver.kinds.pod.dns import validate_address
from apiserver.kinds.priority_class import PRIORITY_CLASS
from apiserver.kinds.resource_quota import MUST_EXIST, RESOURCE_QUOTA
from apiserver.kinds.role_bindings import CLUSTER_ROLE_BINDING, ROLE_BINDING
from apiserver.kinds.roles import CLUSTER_ROLE, ROLE
from apiserver.kinds.runtime_class import RUNTIME_CLASS
from apiserver.kinds.secret import SECRET
from apiserver.kinds.service_account import SERVICE_ACCOUNT
from podling.api import field
from podling.api.field import Path


def told(errors: list[Any]) -> list[str]:
    return [str(error) for error in errors]


def named(**fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "namespace": "ns"}, **fields}


def cells(kind: Any, obj: dict[str, Any]) -> dict[str, Any]:
    return {column.name: column.cell(obj) for column in kind.columns}


def test_a_config_maps_keys_are_file_names_and_stand_once():
    errors = told(CONFIG_MAP.validate_create(named(data={"..": "x", "k": "a"}, binaryData={"k": "YQ=="})))
    assert errors == [
        "data[..]: Invalid value: \"..\": must not be '..'",
        'data[k]: Invalid value: "k": duplicate of key present in binaryData',
    ]


def test_a_config_map_over_a_mebibyte_is_too_long():
    assert told(CONFIG_MAP.validate_create(named(data={"k": "x" * (1024 * 1024)}))) == []
    assert told(CONFIG_MAP.validate_create(named(data={"k": "x" * (1024 * 1024 + 1)}))) == [
        "[]: Too long: may not be more than 1048576 bytes"
    ]


def test_what_is_immutable_stays_so():
    old = named(data={"a": "1"}, immutable=True)
    words = "Forbidden: field is immutable when `immutable` is set"
    assert told(CONFIG_MAP.validate_update(named(data={"b": "2"}), old)) == [f"immutable: {words}", f"data: {words}"]
    assert told(CONFIG_MAP.validate_update(named(data={"a": "1"}, immutable=True), old)) == []


def test_the_change_is_looked_at_before_the_rest():
    old, new = named(data={"a": "1"}, immutable=True), named(data={"..": "2"}, immutable=True)
    wrong = [words.partition(":")[0] for words in told(CONFIG_MAP.validate_update(new, old))]
    assert wrong == ["data", "data[..]"]


def test_of_a_changed_priority_only_the_change_is_wrong():
    old, new = named(value=1, preemptionPolicy="Never"), named(value=2_000_000_000, preemptionPolicy="Never")
    wrong = told([*PRIORITY_CLASS.validate(new), *PRIORITY_CLASS.validate_update(new, old)])
    assert wrong == ["value: Forbidden: may not be changed in an update."]


def test_string_data_goes_into_a_secrets_data():
    secret = named(data={"user": "Ym9i", "pass": "b2xk"}, stringData={"pass": "new"})
    SECRET.default(secret)
    assert secret == named(data={"user": "Ym9i", "pass": "bmV3"}, type="Opaque")


def test_types_of_secrets_ask_for_their_keys():
    def wrong(kind: str, **data: str) -> list[str]:
        encoded = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
        return told(SECRET.validate_create(named(type=kind, data=encoded)))

    assert wrong("kubernetes.io/tls", tls_crt="x") == ["data[tls.key]: Required value"]
    assert wrong("kubernetes.io/basic-auth") == ["data[username]: Required value", "data[password]: Required value"]
    assert wrong("kubernetes.io/basic-auth", username="x") == []
    assert wrong("kubernetes.io/dockerconfigjson", _dockerconfigjson="not json") == [
        'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": '
        "invalid character 'o' in literal null (expecting 'u')"
    ]
    assert wrong("kubernetes.io/service-account-token") == [
        "metadata.annotations[kubernetes.io/service-account.name]: Required value"
    ]


def test_a_secrets_type_never_changes():
    assert told(SECRET.validate_update(named(type="b"), named(type="a"))) == [
        'type: Invalid value: "b": field is immutable'
    ]


def test_a_namespace_gets_its_label_finalizer_and_phase():
    namespace: dict[str, Any] = {"metadata": {"name": "a"}, "status": {"phase": "Odd"}}
    NAMESPACE.default(namespace)
    NAMESPACE.prepare_create(namespace)
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "a"}
    assert namespace["spec"] == {"finalizers": ["kubernetes"]}
    assert namespace["status"] == {"phase": "Active"}


def test_a_nodes_taints_are_unique_by_key_and_effect():
    taints = [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "value": "b", "effect": "NoSchedule"}, {"key": "a"}]
    assert told(NODE.validate(named(spec={"taints": taints}))) == [
        'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"b","Effect":"NoSchedule","TimeAdded":null}: '
        "taints must be unique by key and effect pair",
        "metadata.taints[2].effect: Required value",
    ]


def test_a_nodes_pod_network_is_set_once():
    node = named(spec={"podCIDR": "10.244.2.0/24", "podCIDRs": ["10.244.1.0/24"]})
    NODE.default(node)
    assert told(NODE.validate_update(node, named(spec={"podCIDRs": ["10.244.1.0/24"]}))) == [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'
    ]


def test_a_nodes_row_tells_its_readiness_roles_and_kernel():
    node = named(
        spec={"unschedulable": True},
        status={
            "conditions": [{"type": "Ready", "status": "False"}],
            "nodeInfo": {"kernelVersion": "6.9.1", "architecture": "amd64"},
            "addresses": [{"type": "InternalIP", "address": "192.0.2.7"}],
        },
    )
    node["metadata"]["labels"] = {"node-role.kubernetes.io/edge": "", "kubernetes.io/role": "worker"}
    found = cells(NODE, node)
    assert found["Status"] == "NotReady,SchedulingDisabled"
    assert found["Roles"] == "edge,worker"
    assert found["Kernel-Version"] == "6.9.1 (amd64)"
    assert found["Internal-IP"] == "192.0.2.7"
    assert found["External-IP"] == "<none>"
    assert found["OS-Image"] == "<unknown>"


def test_an_event_belongs_to_its_objects_namespace():
    event = named(involvedObject={"namespace": "other"})
    assert told(EVENT.validate(event)) == [
        'involvedObject.namespace: Invalid value: "other": does not match event.namespace'
    ]


def test_an_event_of_the_new_form_says_who_reports_what():
    event = named(involvedObject={"namespace": "ns"}, eventTime="2024-01-01T00:00:00.000000Z")
    errors = told(EVENT.validate(event))
    assert errors[0] == "reportingComponent: Required value"
    assert errors[-3:] == ["reportingInstance: Required value", "action: Required value", "reason: Required value"]


def test_an_event_of_the_new_form_may_be_about_another_namespace():
    new = {"eventTime": "2024-01-01T00:00:00.000000Z", "reportingComponent": "c", "reportingInstance": "c-1"}
    event = named(involvedObject={"namespace": "other"}, action="Run", reason="R", **new)
    assert told(EVENT.validate(event)) == []
    mismatch = 'involvedObject.namespace: Invalid value: "": does not match event.namespace'
    assert told(EVENT.validate({**event, "involvedObject": {}})) == [mismatch]
    event["metadata"]["namespace"] = "kube-system"
    assert told(EVENT.validate({**event, "involvedObject": {}})) == []
    assert told(EVENT.validate({**event, "reason": "r" * 129, "message": "m" * 1025})) == [
        'reason: Invalid value: "": can have at most 128 characters',
        'message: Invalid value: "": can have at most 1024 characters',
    ]


def test_an_event_names_its_reporter_as_its_version_does():
    event = {**named(regarding={"namespace": "ns"}), "eventTime": "2024-01-01T00:00:00.000000Z"}
    assert told(EVENTS_EVENT.validate(event))[0] == "reportingController: Required value"


def test_an_events_row_counts_its_series():
    event = named(
        involvedObject={"kind": "Pod", "name": "web"}, source={"component": "kubelet", "host": "n1"}, message=" hi\n"
    )
    found = cells(EVENT, event)
    assert (found["Object"], found["Source"], found["Message"], found["Count"]) == ("pod/web", "kubelet, n1", "hi", 1)
    assert cells(EVENT, {**event, "series": {"count": 7}})["Count"] == 7


def test_fields_of_coordinated_election_are_not_kept():
    lease = named(spec={"strategy": "OldestEmulationVersion", "preferredHolder": "a", "holderIdentity": "b"})
    LEASE.prepare_create(lease)
    assert lease["spec"] == {"holderIdentity": "b"}


def test_what_a_node_was_called_outside_stays():
    wrong = told(NODE.validate_update(named(spec={"externalID": "b"}), named(spec={"externalID": "a"})))
    assert wrong == ["spec.externalID: Forbidden: may not be updated"]


def test_a_scope_selector_says_not_which_expression_is_wrong():
    terms = [
        {"scopeName": "BestEffort", "operator": "In", "values": ["a"]},
        {"scopeName": "NotBestEffort", "operator": "Exists"},
    ]
    quota = named(
        spec={"hard": {"services": "1", "example.com/gpu": "500m"}, "scopeSelector": {"matchExpressions": terms}}
    )
    shown = (
        '{"MatchExpressions":[{"ScopeName":"BestEffort","Operator":"In","Values":["a"]},'
        '{"ScopeName":"NotBestEffort","Operator":"Exists","Values":null}]}'
    )
    path = "spec.scopeSelector.matchExpressions"
    unfit = f"{path}: Invalid value: {shown}: unsupported scope applied to resource"
    assert told(RESOURCE_QUOTA.validate(quota)) == [
        'spec.hard[example.com/gpu]: Invalid value: "500m": must be an integer',
        unfit,
        f'{path}.operator: Invalid value: "In": {MUST_EXIST}',
        unfit,
        f"{path}: Invalid value: null: conflicting scopes",
    ]


def test_limits_of_pods_have_no_defaults():
    limits = [
        {"type": "Pod", "min": {"cpu": "2"}, "default": {"cpu": "1"}},
        {"type": "PersistentVolumeClaim", "maxLimitRequestRatio": {"bananas": "2"}},
    ]
    assert told(LIMIT_RANGE.validate(named(spec={"limits": limits}))) == [
        "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
        "spec.limits[1].limits: Required value: either minimum or maximum storage value is required, but neither was "
        "provided",
        'spec.limits[1].maxLimitRequestRatio[bananas]: Invalid value: "bananas": must be a standard resource type or '
        "fully qualified",
    ]


def test_tolerations_of_a_runtime_stand_once():
    one = {"key": "a", "operator": "Exists"}
    wrong = told(RUNTIME_CLASS.validate(named(handler="h", scheduling={"tolerations": [one, one]})))
    shown = '{"Key":"a","Operator":"Exists","Value":"","Effect":"","TolerationSeconds":null}'
    assert wrong == [f"scheduling.tolerations[1]: Duplicate value: {shown}"]


def test_a_lease_lasts_some_time():
    lease = named(spec={"leaseDurationSeconds": 0, "leaseTransitions": -1})
    assert told(LEASE.validate(lease)) == [
        "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
    ]


def test_rules_of_roles_name_verbs_groups_and_resources():
    rules = [{"apiGroups": [""], "resources": ["pods"]}, {"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]
    assert told(ROLE.validate(named(rules=rules))) == [
        "rules[0].verbs: Required value: verbs must contain at least one value",
        'rules[1].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs',
    ]
    assert told(CLUSTER_ROLE.validate(named(rules=rules[1:]))) == []
    assert told(CLUSTER_ROLE.validate(named(aggregationRule={}))) == [
        "aggregationRule.clusterRoleSelectors: Required value: "
        "at least one clusterRoleSelector required if aggregationRule is non-nil"
    ]


def test_bindings_get_groups_and_keep_their_role():
    binding = named(roleRef={"kind": "Role", "name": "reader"}, subjects=[{"kind": "User", "name": "ann"}])
    ROLE_BINDING.default(binding)
    assert ROLE_BINDING.validate(binding) == []
    assert cells(ROLE_BINDING, binding)["Role"] == "Role/reader"
    other = named(roleRef={**binding["roleRef"], "name": "writer"})
    assert told(ROLE_BINDING.validate_update(other, binding)) == [
        'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"writer"}: '
        "cannot change roleRef"
    ]
    assert told(CLUSTER_ROLE_BINDING.validate(binding)) == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'
    ]


def test_priorities_of_users_have_a_limit():
    high = named(value=1_000_000_001, preemptionPolicy="Never")
    assert told(PRIORITY_CLASS.validate_create(high)) == [
        "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"
    ]


def test_ages_have_two_digits_of_precision():
    shown = {0: "0s", 119: "119s", 120: "2m", 185: "3m5s", 3599: "59m", 3 * 3600 + 60: "3h1m", 86400 * 2: "2d"}
    assert {seconds: duration(seconds) for seconds in shown} == shown
    assert (duration(86400 * 400), duration(86400 * 365 * 9), duration(-5)) == ("400d", "9y", "<invalid>")


def test_a_runtime_class_names_a_handler_and_what_it_costs():
    toleration = {"key": "box", "operator": "Exists"}
    scheduling = {"nodeSelector": {"box": "yes"}, "tolerations": [toleration]}
    good = named(handler="gvisor", overhead={"podFixed": {"cpu": "100m"}}, scheduling=scheduling)
    assert told(RUNTIME_CLASS.validate(good)) == [] and cells(RUNTIME_CLASS, good)["Handler"] == "gvisor"
    assert told(RUNTIME_CLASS.validate(named())) == ["handler: Required value"]
    bad = named(handler="x", overhead={"podFixed": {"cpu": "-1"}}, scheduling={"tolerations": [toleration] * 2})
    errors = told(RUNTIME_CLASS.validate(bad))
    assert errors[0] == 'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'
    assert errors[1].startswith("scheduling.tolerations[1]: Duplicate value")
    changed = told(RUNTIME_CLASS.validate_update(named(handler="runc"), named(handler="gvisor")))
    assert changed == ['handler: Invalid value: "runc": field is immutable']


def test_addresses_and_ranges_are_written_one_way():
    wrong = [
        *validate_address("010.1.1.1", Path("a")),
        *validate_address("::ffff:1.2.3.4", Path("a")),
        *validate_cidr("10.0.0.0/08", Path("a")),
        *validate_cidr("::ffff:1.2.3.0/120", Path("a")),
        *validate_cidr("10.0.0.1/8", Path("a")),
    ]
    assert [error.text.partition(": ")[2].partition(": ")[2] for error in wrong] == [
        "must not have leading 0s",
        "must not be an IPv4-mapped IPv6 address",
        "must not have leading 0s in IP or prefix length",
        "must not have an IPv4-mapped IPv6 address",
        "must not have bits set beyond the prefix length",
    ]
    assert validate_cidr("10.0.0.0/255.0.0.0", Path("a")) and not validate_cidr("2001:db8::/64", Path("a"))


def claim(**spec: Any) -> dict[str, Any]:
    given = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Block"}
    return named(spec={**given, **spec})


def test_what_a_claim_is_a_copy_of_is_named_whole():
    pod = {"kind": "Pod", "name": "p"}
    assert told(PERSISTENT_VOLUME_CLAIM.validate(claim(dataSourceRef=pod | {"apiGroup": "_"}))) == [
        f'spec.dataSourceRef.apiGroup: Invalid value: "_": {SUBDOMAIN}'
    ]
    own = {"kind": "PersistentVolumeClaim"}
    assert told(PERSISTENT_VOLUME_CLAIM.validate(claim(dataSource=pod, dataSourceRef=own))) == [
        f"spec.dataSource: Invalid value: {field.show('Pod')}: "
        "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
        "spec.dataSourceRef.name: Required value",
        "spec: Invalid value: {}: must match dataSourceRef",
    ]


def test_a_claims_class_appears_and_its_attributes_stay_named():
    assert told(PERSISTENT_VOLUME_CLAIM.validate_update(claim(storageClassName="fast"), claim())) == []
    assert told(
        PERSISTENT_VOLUME_CLAIM.validate_update(
            claim(volumeAttributesClassName=""), claim(volumeAttributesClassName="a")
        )
    ) == ["spec.volumeAttributesClassName: Forbidden: update from non-nil value to an empty string is forbidden"]
    assert told(PERSISTENT_VOLUME_CLAIM.validate_update(claim(volumeMode="Filesystem"), claim()))[-1:] == [
        'volumeMode: Invalid value: "Filesystem": field is immutable'
    ]


def test_a_claims_status_holds_amounts():
    [status] = PERSISTENT_VOLUME_CLAIM.subresources
    resized = {"allocatedResourceStatuses": {"storage": "x"}, "allocatedResources": {"cpu": "1"}}
    errors = told(status.validate_update(named(status={"capacity": {"storage": "-1"}, **resized}), {}))
    assert errors[0] == "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity"
    assert errors[1].startswith('status.allocatedResourceStatus: Unsupported value: "storage": supported values: "Con')
    assert errors[2] == 'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"'


def test_what_is_unwise_is_told():
    volume = named(spec={"persistentVolumeReclaimPolicy": "Recycle", "rbd": {"image": "a"}})
    assert [words.partition(":")[0] for words in PERSISTENT_VOLUME.warn(volume)] == [
        "spec.persistentVolumeReclaimPolicy",
        "spec.rbd",
    ]
    words = PERSISTENT_VOLUME_CLAIM.warn(claim(resources={"requests": {"storage": "1500m"}}))
    assert words == ['spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer']


def test_an_account_keeps_the_names_of_its_secrets():
    account = named(secrets=[{"name": "a", "kind": "Secret"}])
    SERVICE_ACCOUNT.prepare_create(account)
    assert account["secrets"] == [{"name": "a"}]
    account["metadata"]["annotations"] = {"kubernetes.io/enforce-mountable-secrets": "true"}
    assert SERVICE_ACCOUNT.warn(account) and not SERVICE_ACCOUNT.warn_update(account, account)
