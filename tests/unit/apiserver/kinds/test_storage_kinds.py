"""Kinds of storage.k8s.io. Words: kubernetes/pkg/apis/storage/validation."""

from typing import Any

import pytest

from apiserver.kinds import Kind
from apiserver.kinds.runtime_class import RUNTIME_CLASS
from apiserver.kinds.storage.csi_driver import CSI_DRIVER
from apiserver.kinds.storage.csi_node import CSI_NODE
from apiserver.kinds.storage.csi_storage_capacity import CSI_STORAGE_CAPACITY
from apiserver.kinds.storage.volume_attachment import VOLUME_ATTACHMENT
from apiserver.kinds.storage.volume_attributes_class import VOLUME_ATTRIBUTES_CLASS

Object = dict[str, Any]


def named(**fields: Any) -> Object:
    return {"metadata": {"name": "a"}, **fields}


def told(errors: list[Any]) -> list[str]:
    return [str(error) for error in errors]


def cells(kind: Kind, obj: Object) -> list[Any]:
    return [column.cell(obj) for column in kind.columns if column.name not in ("Name", "Age")]


def driver(**spec: Any) -> Object:
    made = named(spec=spec)
    CSI_DRIVER.default(made)
    return made


def test_a_drivers_defaults_and_cells() -> None:
    found = driver(podInfoOnMount=True, tokenRequests=[{"audience": "a"}, {"audience": "b"}])
    assert found["spec"]["attachRequired"] is True
    assert found["spec"]["fsGroupPolicy"] == "ReadWriteOnceWithFSType"
    assert cells(CSI_DRIVER, found) == [True, True, False, "a,b", False, "Persistent"]
    assert told(CSI_DRIVER.validate(found)) == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"fsGroupPolicy": "Never"},
            'spec.fsGroupPolicy: Unsupported value: "Never": supported values: "File", "None", '
            '"ReadWriteOnceWithFSType"',
        ),
        (
            {"volumeLifecycleModes": ["Forever"]},
            'spec.volumeLifecycleModes: Unsupported value: "Forever": supported values: "Persistent", "Ephemeral"',
        ),
        (
            {"tokenRequests": [{"audience": ""}, {"audience": ""}]},
            'spec.tokenRequests[1].audience: Duplicate value: ""',
        ),
        (
            {"tokenRequests": [{"audience": "a", "expirationSeconds": 5}]},
            "spec.tokenRequests[0].expirationSeconds: Invalid value: 5: may not specify a duration less than "
            "10 minutes",
        ),
        (
            {"nodeAllocatableUpdatePeriodSeconds": 9},
            "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds",
        ),
        (
            {"serviceAccountTokenInSecrets": True},
            "spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no "
            "tokenRequests are specified",
        ),
    ],
)
def test_what_a_driver_may_not_be(spec: Object, words: str) -> None:
    assert told(CSI_DRIVER.validate(driver(**spec))) == [words]


def test_how_a_driver_attaches_never_changes() -> None:
    new = driver(attachRequired=False, volumeLifecycleModes=["Ephemeral"])
    assert told(CSI_DRIVER.validate_update(new, driver())) == [
        "spec.attachedRequired: Invalid value: false: field is immutable",
        'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable',
    ]


def node(*drivers: Object) -> Object:
    return named(spec={"drivers": list(drivers)})


def test_the_drivers_of_a_node() -> None:
    good = {"name": "x.example.com", "nodeID": "n", "topologyKeys": ["zone"], "allocatable": {"count": 3}}
    assert told(CSI_NODE.validate(node(good))) == []
    bad = {"name": "", "nodeID": "", "topologyKeys": ["zone", "zone", ""], "allocatable": {"count": -1}}
    found = told(CSI_NODE.validate(node(good, good, bad)))
    assert 'spec.drivers[1].name: Duplicate value: "x.example.com"' in found
    assert "spec.drivers[2].nodeID: Required value" in found
    assert "spec.drivers[2].allocatable.count: Invalid value: -1: must be greater than or equal to 0" in found
    assert 'spec.drivers[2]: Duplicate value: "zone"' in found
    assert "spec.drivers[2]: Required value" in found


def test_a_nodes_driver_changes_but_in_how_much_it_takes() -> None:
    was = {"name": "x", "nodeID": "n", "topologyKeys": None}
    assert told(CSI_NODE.validate_update(node({**was, "allocatable": {"count": 5}}), node(was))) == []
    assert told(CSI_NODE.validate_update(node({**was, "nodeID": "m"}), node(was))) == [
        'spec.drivers: Invalid value: {"Name":"x","NodeID":"m","TopologyKeys":null,"Allocatable":null}: '
        "field is immutable"
    ]


def test_a_driver_has_a_generation_when_it_changes() -> None:
    old, new = driver(), driver(podInfoOnMount=True)
    assert CSI_DRIVER.prepare_update is not None
    CSI_DRIVER.prepare_update(new, old)
    assert new["metadata"]["generation"] == 1


def test_former_labels_of_nodes_are_warned_of() -> None:
    zone = "failure-domain.beta.kubernetes.io/zone"
    words = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
    topology = {"matchLabels": {zone: "a"}, "matchExpressions": [{"key": zone, "operator": "Exists"}]}
    assert list(CSI_STORAGE_CAPACITY.warn(named(nodeTopology=topology))) == [
        f"nodeTopology.matchExpressions[0].key: {zone} is {words}",
        f"nodeTopology.matchLabels.{zone}: {words}",
    ]
    runtime = named(handler="h", scheduling={"nodeSelector": {zone: "a"}})
    assert list(RUNTIME_CLASS.warn(runtime)) == [f"scheduling.nodeSelector: {words}"]


def test_capacities_are_of_a_class_and_never_negative() -> None:
    bad = named(storageClassName="Bad Name", capacity="-1Gi")
    wrong = told(CSI_STORAGE_CAPACITY.validate(bad))
    assert [words.partition(":")[0] for words in wrong] == ["storageClassName", "capacity"]
    assert cells(CSI_STORAGE_CAPACITY, named(storageClassName="fast")) == ["fast", "<unset>"]
    new, old = named(storageClassName="a", nodeTopology={}), named(storageClassName="b")
    assert told(CSI_STORAGE_CAPACITY.validate_update(new, old)) == [
        'storageClassName: Invalid value: "a": field is immutable'
    ]


def attachment(**source: Any) -> Object:
    return named(spec={"attacher": "x.example.com", "nodeName": "n", "source": source})


def test_what_is_attached_is_a_volume_by_name_or_described() -> None:
    csi = {"driver": "x.example.com", "volumeHandle": "v"}
    inline = {"accessModes": ["ReadWriteOnce"], "csi": csi}
    exactly = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
    assert told(VOLUME_ATTACHMENT.validate(attachment(persistentVolumeName="pv"))) == []
    assert told(VOLUME_ATTACHMENT.validate(attachment(inlineVolumeSpec=inline))) == []
    assert told(VOLUME_ATTACHMENT.validate(attachment())) == [f"spec.source: Required value: {exactly}"]
    both = attachment(inlineVolumeSpec=inline, persistentVolumeName="pv")
    assert told(VOLUME_ATTACHMENT.validate(both)) == [f"spec.source: Forbidden: {exactly}"]
    claimed = {**inline, "claimRef": {"name": "c"}, "storageClassName": "s", "volumeMode": "Block"}
    path = "spec.source.inlineVolumeSpec"
    assert told(VOLUME_ATTACHMENT.validate(attachment(inlineVolumeSpec=claimed))) == [
        f"{path}.claimRef: Forbidden: may not be specified in the context of inline volumes",
        f"{path}.storageClassName: Forbidden: may not be specified in the context of inline volumes",
        f"{path}.volumeMode: Forbidden: may not specify volumeMode other than Filesystem in the context of inline "
        "volumes",
    ]


def test_an_attachment_never_becomes_another() -> None:
    new, old = attachment(persistentVolumeName="b"), attachment(persistentVolumeName="a")
    assert told(VOLUME_ATTACHMENT.validate_update(new, old)) == [
        'spec: Invalid value: {"Attacher":"x.example.com","Source":{"PersistentVolumeName":"b","InlineVolumeSpec":'
        'null},"NodeName":"n"}: field is immutable'
    ]
    status = VOLUME_ATTACHMENT.subresource("status")
    assert status and status.prepare_update
    new["metadata"]["labels"], new["status"] = {"a": "b"}, {"attached": True}
    status.prepare_update(new, old)
    assert new == {**old, "status": {"attached": True}}


def test_a_class_of_volume_attributes_has_some_and_keeps_them() -> None:
    assert told(VOLUME_ATTRIBUTES_CLASS.validate(named(driverName="x.example.com"))) == [
        "parameters: Required value: must contain at least one key/value pair"
    ]
    old = named(driverName="x", parameters={"iops": "1"})
    assert told(VOLUME_ATTRIBUTES_CLASS.validate_update(named(driverName="y", parameters={"iops": "2"}), old)) == [
        "driverName: Forbidden: updates to driverName are forbidden.",
        "parameters: Forbidden: updates to parameters are forbidden.",
    ]
