"""PersistentVolumes and classes of storage. Words: kubernetes/pkg/apis/{core,storage}/validation."""

from typing import Any

import pytest

from apiserver.kinds.persistent_volume import PERSISTENT_VOLUME
from apiserver.kinds.persistent_volume_claim import PERSISTENT_VOLUME_CLAIM
from apiserver.kinds.storage.storage_class import STORAGE_CLASS

Object = dict[str, Any]
TERM = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}]}
NEAR = {"nodeAffinity": {"required": {"nodeSelectorTerms": [TERM]}}}
DRIVER = {"driver": "d.example.com", "volumeHandle": "h"}


def volume(**spec: Any) -> Object:
    usual = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    return {"metadata": {"name": "v"}, "spec": {**usual, **spec}}


def told(errors: list[Any]) -> list[str]:
    return [str(error) for error in errors]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"local": {"path": "/d"}, **NEAR}, []),
        ({"local": {"path": "/d"}}, ["nodeAffinity: Required value: Local volume requires node affinity"]),
        ({"local": {"path": "/d/../e"}, **NEAR}, ["local.path: Invalid value: \"/d/../e\": must not contain '..'"]),
        ({"csi": DRIVER}, []),
        (
            {"csi": {"driver": "d", "nodePublishSecretRef": {"name": "Bad"}}},
            ["csi.volumeHandle: Required value", "csi.nodePublishSecretRef.name: Invalid value", "namespace: Required"],
        ),
        ({"gcePersistentDisk": {}}, ["persistentDisk.pdName: Required value"]),
        (
            {"glusterfs": {"endpoints": "e", "path": "p", "endpointsNamespace": ""}},
            ['glusterfs.endpointsNamespace: Invalid value: "": if the endpointnamespace is set, it must be a valid'],
        ),
        ({"cinder": {"volumeID": "a", "secretRef": {"name": "s"}}}, ["cinder.secretRef.namespace: Required value"]),
        ({"azureFile": {"secretName": "a", "shareName": "b", "secretNamespace": ""}}, ["azureFile.secretNamespace: "]),
        ({"quobyte": {"registry": "a:1,b", "volume": "v"}}, ['quobyte.registry: Invalid value: "a:1,b": must be a']),
        (
            {"azureDisk": {"diskName": "a", "diskURI": "x", "kind": "Managed", "cachingMode": "No"}},
            ['azureDisk.cachingMode: Unsupported value: "No"', 'azureDisk.diskURI: Unsupported value: "x"'],
        ),
        (
            {"hostPath": {"path": "/a/.."}, "persistentVolumeReclaimPolicy": "Recycle"},
            ["hostPath.path: Invalid value", "persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle'"],
        ),
        (
            {"hostPath": {"path": "/a"}, "volumeAttributesClassName": ""},
            ["volumeAttributesClassName: Required value: an empty string is disallowed", "csi: Required value: has to"],
        ),
        (
            {"nfs": {"server": "s", "path": "/"}, "persistentVolumeReclaimPolicy": "No", "nodeAffinity": {}},
            ["persistentVolumeReclaimPolicy: Unsupported", "nodeAffinity.required: Required value: must specify"],
        ),
    ],
)
def test_a_volume_is_checked_in_kubernetes_order(spec: Object, wrong: list[str]) -> None:
    errors = told(PERSISTENT_VOLUME.validate(volume(**spec)))
    assert len(errors) == len(wrong)
    assert all(words in error for words, error in zip(wrong, errors, strict=True)), errors


def test_the_annotation_for_mount_options_is_of_old_volumes() -> None:
    found = volume(hostPath={"path": "/a"})
    found["metadata"]["annotations"] = {"volume.beta.kubernetes.io/mount-options": "ro"}
    assert told(PERSISTENT_VOLUME.validate(found)) == [
        "metadata.annotations.volume.beta.kubernetes.io/mount-options: Forbidden: may not specify mount options for "
        "this volume type"
    ]
    found["spec"] = volume(nfs={"server": "s", "path": "/"})["spec"]
    assert told(PERSISTENT_VOLUME.validate(found)) == []


def test_the_secret_for_growing_may_come_later_and_the_class_of_attributes_stays() -> None:
    secret = {"controllerExpandSecretRef": {"name": "s", "namespace": "n"}}
    old = volume(csi=DRIVER, volumeAttributesClassName="fast")
    assert (
        told(PERSISTENT_VOLUME.validate_update(volume(csi=DRIVER | secret, volumeAttributesClassName="a"), old)) == []
    )
    assert told(PERSISTENT_VOLUME.validate_update(volume(csi=DRIVER), old)) == [
        "spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden"
    ]


def test_what_a_claim_is_a_copy_of_stays_in_both_fields() -> None:
    source = {"kind": "PersistentVolumeClaim", "name": "a"}
    new = {"metadata": {}, "spec": {"dataSourceRef": source}}
    assert PERSISTENT_VOLUME_CLAIM.prepare_update is not None
    PERSISTENT_VOLUME_CLAIM.prepare_update(new, {"metadata": {}, "spec": {"dataSource": source}})
    assert new["spec"] == {"dataSourceRef": source, "dataSource": source}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"dataSource": {"kind": "Pod", "name": "a"}}, {}),
        (
            {
                "dataSource": {"kind": "Pod", "name": "a"},
                "dataSourceRef": {"kind": "Tape", "name": "b", "apiGroup": "x.y"},
            },
            {
                "dataSource": {"kind": "Pod", "name": "a"},
                "dataSourceRef": {"kind": "Tape", "name": "b", "apiGroup": "x.y"},
            },
        ),
        ({"dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "a", "namespace": "other"}}, {}),
    ],
)
def test_what_is_no_source_of_data_is_left_out_where_it_stands_alone(given: Object, kept: Object) -> None:
    claim = {"metadata": {}, "spec": dict(given)}
    PERSISTENT_VOLUME_CLAIM.prepare_create(claim)
    assert claim["spec"] == kept


def test_claims_are_warned_of_the_annotation_and_of_parts_of_bytes() -> None:
    annotation = "volume.beta.kubernetes.io/storage-class"
    spec = {"resources": {"requests": {"storage": "1500m"}, "limits": {"storage": "2"}}}
    assert list(PERSISTENT_VOLUME_CLAIM.warn({"metadata": {"annotations": {annotation: "a"}}, "spec": spec})) == [
        f'metadata.annotations[{annotation}]: deprecated since v1.8; use "storageClassName" attribute instead',
        'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ]


def test_topologies_of_a_class_of_storage() -> None:
    zone = {"key": "failure-domain.beta.kubernetes.io/zone", "values": ["a", "a"]}
    terms = [{"matchLabelExpressions": [zone, {"key": zone["key"]}]}, {}]
    found = {"metadata": {"name": "a"}, "provisioner": "p", "allowedTopologies": terms}
    STORAGE_CLASS.default(found)
    path = "allowedTopologies[0].matchLabelExpressions"
    assert told(STORAGE_CLASS.validate(found)) == [
        f'{path}[0].values[1]: Duplicate value: "a"',
        f"{path}[1].values: Required value",
        f'{path}[1].key: Duplicate value: "failure-domain.beta.kubernetes.io/zone"',
        *['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'] * 2,
    ]
    words = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
    assert list(STORAGE_CLASS.warn(found)) == [f"{path}[{number}].key: {words}" for number in (0, 1)]
