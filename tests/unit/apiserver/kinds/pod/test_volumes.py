"""What volumes of pods may not be, beyond what one source asks for. Words: Kubernetes' own."""

from typing import Any

import pytest

CASES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    # ({the container}, {the spec}, errors)
    (
        {},
        {
            "volumes": [
                {"name": "a", "gcePersistentDisk": {"pdName": ""}},
                {"name": "b", "image": {}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "web-d"}},
                {"name": "d", "ephemeral": {"volumeClaimTemplate": {"metadata": {"name": "x"}, "spec": {}}}},
                {
                    "name": "e",
                    "iscsi": {
                        "targetPortal": "p" * 63,
                        "iqn": "iqn.2001-04.a.b:c",
                        "initiatorName": "iqn.2001-04.a.b:c",
                    },
                },
            ]
        },
        [
            "spec.volumes[0].persistentDisk.pdName: Required value",
            "spec.volumes[1].image.reference: Required value",
            'spec.volumes[2].persistentVolumeClaim.claimName: Invalid value: "web-d": '
            "must not reference a PVC that gets created for an ephemeral volume",
            "spec.volumes[3].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set",
            "spec.volumes[3].ephemeral.volumeClaimTemplate.spec.accessModes: Required value: "
            "at least 1 access mode is required",
            "spec.volumes[3].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value",
            'spec.volumes[4].name: Invalid value: "e": Total length of <volume name>:<iscsi.targetPortal> must be '
            "under 64 characters if iscsi.initiatorName is specified.",
        ],
    ),
    (
        {"env": [{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "x", "path": "f", "key": "A"}}}]},
        {},
        ['spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Not found: "x"'],
    ),
]


@pytest.mark.parametrize(("app", "spec", "errors"), CASES)
def test_volumes_are_looked_at_with_the_pod_that_has_them(
    refused: Any, app: dict[str, Any], spec: dict[str, Any], errors: list[str]
):
    assert refused(app, **spec) == errors
