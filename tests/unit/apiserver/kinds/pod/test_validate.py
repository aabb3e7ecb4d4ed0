"""What a pod may not be. Words: golden core-pod-validation, and Kubernetes' own where golden has no case."""

from typing import Any

import pytest

CASES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    # ({the container}, {the spec}, errors)
    ({}, {}, []),
    ({}, {"hostnameOverride": "a.b"}, []),
    (
        {},
        {"hostnameOverride": f"{'a' * 62}.bc", "hostNetwork": True, "setHostnameAsFQDN": True},
        [
            "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
            "spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
            "spec.hostnameOverride: Too long: may not be more than 64 bytes",
        ],
    ),
    ({"name": ""}, {}, ["spec.containers[0].name: Required value"]),
    (
        {"image": " nginx"},
        {},
        ['spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace'],
    ),
    ({"ports": [{"containerPort": 0}]}, {}, ["spec.containers[0].ports[0].containerPort: Required value"]),
    (
        {"ports": [{"containerPort": 80, "protocol": "tcp"}]},
        {},
        ['spec.containers[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"'],
    ),
    (
        {"ports": [{"containerPort": 80, "hostPort": 81}]},
        {"hostNetwork": True},
        [
            "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match "
            "`containerPort` when `hostNetwork` is true"
        ],
    ),
    (
        {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
        {},
        ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ),
    (
        {"resources": {"requests": {"example.com/gpu": "1"}}},
        {},
        ["spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources"],
    ),
    (
        {"resources": {"limits": {"hugepages-2Mi": "3Mi"}}},
        {},
        [
            'spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: "3Mi": '
            "3Mi is not positive integer multiple of hugepages-2Mi",
            'spec.containers[0].resources.requests[hugepages-2Mi]: Invalid value: "3Mi": '
            "3Mi is not positive integer multiple of hugepages-2Mi",
            "spec.containers[0].resources: Forbidden: HugePages require cpu or memory",
        ],
    ),
    (
        {"resources": {"limits": {"wheels": "4"}}},
        {},
        [
            f'spec.containers[0].resources.{part}[wheels]: Invalid value: "wheels": must be a standard resource {words}'
            for part in ("limits", "requests")
            for words in ("type or fully qualified", "for containers")
        ],
    ),
    (
        {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]},
        {},
        [
            'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported '
            'values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", '
            '"spec.serviceAccountName", '
            '"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"'
        ],
    ),
    ({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['tier']"}}}]}, {}, []),
    (
        {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "2"}}}]},
        {},
        [
            'spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": '
            "only divisor's values 1m and 1 are supported with the cpu resource"
        ],
    ),
    (
        {"envFrom": [{"configMapRef": {}}]},
        {},
        ["spec.containers[0].envFrom[0].configMapRef.name: Required value"],
    ),
    (
        {"volumeMounts": [{"name": "x", "mountPath": "/a"}]},
        {},
        ['spec.containers[0].volumeMounts[0].name: Not found: "x"'],
    ),
    (
        {"volumeMounts": [{"name": "d", "mountPath": "/x", "readOnly": False, "recursiveReadOnly": "Enabled"}]},
        {"volumes": [{"name": "d"}]},
        ["spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true"],
    ),
    (
        {"volumeDevices": [{"name": "d", "devicePath": "/dev/x"}]},
        {"volumes": [{"name": "d"}]},
        [
            'spec.containers[0].volumeDevices[0].name: Invalid value: "d": '
            "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
        ],
    ),
    (
        {"livenessProbe": {"tcpSocket": {"port": 80}, "successThreshold": 2}},
        {},
        ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"],
    ),
    ({"readinessProbe": {"tcpSocket": {"port": 80}, "successThreshold": 2}}, {}, []),
    (
        {"lifecycle": {"preStop": {"sleep": {"seconds": 60}}}},
        {},
        [
            "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 60: "
            "must be non-negative and less than terminationGracePeriodSeconds (30)"
        ],
    ),
    (
        {"securityContext": {"privileged": True}},
        {},
        ["spec.containers[0].securityContext.privileged: Forbidden: disallowed by cluster policy"],
    ),
    (
        {"securityContext": {"seccompProfile": {"type": "Mine"}}},
        {},
        [
            'spec.containers[0].securityContext.seccompProfile.type: Unsupported value: "Mine": '
            'supported values: "Localhost", "RuntimeDefault", "Unconfined"'
        ],
    ),
    (
        {},
        {"volumes": [{"name": "a", "emptyDir": {}, "secret": {"secretName": "s"}}]},
        ["spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type"],
    ),
    (
        {},
        {"volumes": [{"name": "a", "nfs": {"server": "s", "path": "x"}}]},
        ['spec.volumes[0].nfs.path: Invalid value: "x": must be an absolute path'],
    ),
    (
        {},
        {"volumes": [{"name": "a", "projected": {"sources": [{"secret": {}, "configMap": {"name": "c"}}]}}]},
        [
            "spec.volumes[0].projected.sources[0].secret.name: Required value",
            "spec.volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source",
        ],
    ),
    (
        {},
        {"volumes": [{"name": "a", "hostPath": {"path": "/x", "type": "Odd"}}]},
        [
            'spec.volumes[0].hostPath.type: Unsupported value: "Odd": supported values: "", '
            '"BlockDevice", "CharDevice", '
            '"Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"'
        ],
    ),
    ({}, {"dnsPolicy": "None"}, ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]),
    (
        {},
        {"dnsConfig": {"nameservers": ["1.1.1.1", "x"], "options": [{}]}},
        [
            'spec.dnsConfig.nameservers[1]: Invalid value: "x": must be a valid IP address, '
            "(e.g. 10.9.8.7 or 2001:db8::ffff)",
            "spec.dnsConfig.options[0]: Required value: must not be empty",
        ],
    ),
    ({}, {"hostUsers": False, "hostNetwork": True}, ["spec.hostNetwork: Forbidden: when `hostUsers` is false"]),
    (
        {},
        {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
        ["spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'"],
    ),
    (
        {},
        {
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
            ]
            * 2
        },
        ['spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{z, ScheduleAnyway}"'],
    ),
    (
        {},
        {"schedulingGates": [{"name": "hold"}, {"name": "hold"}], "nodeName": "n1"},
        [
            'spec.schedulingGates[1]: Duplicate value: "hold"',
            "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
        ],
    ),
    (
        {},
        {"os": {"name": "windows"}, "securityContext": {"runAsUser": 1}},
        ["spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod"],
    ),
    (
        {},
        {"securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}, {"name": "A B", "value": "1"}]}},
        [
            'spec.securityContext.sysctls[1].name: Invalid value: "A B": must have at most '
            "253 characters and match regex "
            r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
        ],
    ),
    (
        {"securityContext": {"windowsOptions": {"runAsUserName": "a\\b\\c", "hostProcess": True}}},
        {},
        [
            'spec.containers[0].securityContext.windowsOptions.runAsUserName: Invalid value: "a\\\\b\\\\c": '
            "runAsUserName cannot contain more than one backslash",
            "spec.hostNetwork: Invalid value: false: "
            "hostNetwork must be true if pod contains any hostProcess containers",
            "spec: Forbidden: hostProcess containers are disallowed by cluster policy",
        ],
    ),
    (
        {},
        {
            "volumes": [
                {"name": "a", "fc": {"targetWWNs": ["x"]}},
                {"name": "b", "iscsi": {"targetPortal": "p", "iqn": "x"}},
            ]
        },
        [
            "spec.volumes[0].fc.lun: Required value: lun is required if targetWWNs is specified",
            'spec.volumes[1].iscsi.iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa',
        ],
    ),
    (
        {},
        {"volumes": [{"name": "a", "projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 5}}]}}]},
        [
            "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: "
            "may not specify a duration less than 10 minutes",
            "spec.volumes[0].projected.path: Required value",
        ],
    ),
    (
        {},
        {"ephemeralContainers": [{"name": "dbg", "image": "busybox"}]},
        ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    ),
    (
        {},
        {"initContainers": [{"name": "i", "image": "x", "livenessProbe": {"exec": {"command": ["x"]}}}]},
        [
            "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init "
            "containers without restartPolicy=Always"
        ],
    ),
    ({}, {"initContainers": [{"name": "app", "image": "x"}]}, ['spec.initContainers[0].name: Duplicate value: "app"']),
    (
        {},
        {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
        ['spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ),
    (
        {"resources": {"claims": [{"name": "a", "request": "x"}, {"name": "a"}, {"name": "a", "request": "y"}]}},
        {"resourceClaims": [{"name": "a", "resourceClaimName": "c"}]},
        [
            'spec.containers[0].resources.claims[1]: Duplicate value: "a"',
            'spec.containers[0].resources.claims[2]: Duplicate value: "a"',
        ],
    ),
    (
        {"resources": {"requests": {"no good": "1"}}},
        {},
        [
            'spec.containers[0].resources.requests[no good]: Invalid value: "no good": name part must consist of '
            "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
            "'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            'spec.containers[0].resources.requests[no good]: Invalid value: "no good": must be a standard resource for '
            "containers",
        ],
    ),
    (
        {"restartPolicy": "Never", "restartPolicyRules": [{"action": "Restart"}]},
        {},
        ["spec.containers[0].restartPolicyRules[0].exitCodes: Required value: must be specified"],
    ),
    (
        {},
        {
            "affinity": {
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "weight": 1,
                            "preference": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["!"]}]},
                        }
                    ]
                }
            }
        },
        [],
    ),
    (
        {},
        {
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "zone",
                    "whenUnsatisfiable": "DoNotSchedule",
                    "matchLabelKeys": ["a/b/c"],
                }
            ]
        },
        [
            "spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: "
            "must not be specified when labelSelector is not set",
            'spec.topologySpreadConstraints[0].matchLabelKeys[0]: Invalid value: "a/b/c": a valid label key must '
            "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')",
        ],
    ),
    (
        {},
        {"os": {"name": "windows"}, "resources": {"limits": {"cpu": "1"}}},
        ["spec.resources: Forbidden: may not be set for a windows pod"],
    ),
    (
        {},
        {
            "initContainers": [
                {"name": "i", "image": "x", "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}]}
            ]
        },
        [],
    ),
]


@pytest.mark.parametrize(("app", "spec", "errors"), CASES)
def test_a_pod_is_told_all_that_is_wrong_with_it(
    refused: Any, app: dict[str, Any], spec: dict[str, Any], errors: list[str]
):
    assert refused(app, **spec) == errors


def test_a_pod_needs_a_container(make_pod: Any, refused: Any):
    assert refused(containers=[]) == ["spec.containers: Required value"]


def test_errors_come_in_kubernetes_order(refused: Any):
    found = refused(
        {"name": "A", "image": "", "volumeMounts": [{"name": "x", "mountPath": "/a"}]},
        restartPolicy="Nope",
        hostname="A B",
        volumes=[{"name": "v"}, {"name": "v"}],
        tolerations=[{"operator": "Equal"}],
    )
    assert [words.partition(":")[0] for words in found] == [
        "spec.volumes[1].name",
        "spec.containers[0].name",
        "spec.containers[0].image",
        "spec.containers[0].volumeMounts[0].name",
        "spec.restartPolicy",
        "spec.hostname",
        "spec.tolerations[0].operator",
    ]
