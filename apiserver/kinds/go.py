"""Objects as Go's internal types print, and the difference of two of them: what refusals show.

Only the order of fields and a few names are data here; which fields are null, empty or zero when nobody set them
follows from the schema. Source of the orders: kubernetes/pkg/apis/{core,flowcontrol,resource,storage,...}/types.go.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from apiserver.kinds.kind import Object
from apiserver.schema.load import schema
from apiserver.schema.schema import Field, Schema

_CONTAINER = (
    *("name", "image", "command", "args", "workingDir", "ports", "envFrom", "env", "resources", "resizePolicy"),
    *("restartPolicy", "restartPolicyRules", "volumeMounts", "volumeDevices", "livenessProbe", "readinessProbe"),
    *("startupProbe", "lifecycle", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy"),
    *("securityContext", "stdin", "stdinOnce", "tty"),
)
ORDERS: Mapping[str, Sequence[str]] = {
    "PodSpec": (
        *("volumes", "initContainers", "containers", "ephemeralContainers", "restartPolicy"),
        *("terminationGracePeriodSeconds", "activeDeadlineSeconds", "dnsPolicy", "nodeSelector", "serviceAccountName"),
        *("automountServiceAccountToken", "nodeName", "securityContext", "imagePullSecrets", "hostname", "subdomain"),
        *("setHostnameAsFQDN", "affinity", "schedulerName", "tolerations", "hostAliases", "priorityClassName"),
        *("priority", "preemptionPolicy", "dnsConfig", "readinessGates", "runtimeClassName", "overhead"),
        *("enableServiceLinks", "topologySpreadConstraints", "os", "schedulingGates", "resourceClaims", "resources"),
        *("hostnameOverride", "schedulingGroup"),
    ),
    "Container": _CONTAINER,
    "EphemeralContainer": (*_CONTAINER, "targetContainerName"),
    "PodSecurityContext": (
        *("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers", "seLinuxOptions"),
        *("windowsOptions", "runAsUser", "runAsGroup", "runAsNonRoot", "supplementalGroups"),
        *("supplementalGroupsPolicy", "fsGroup", "fsGroupChangePolicy", "sysctls", "seccompProfile"),
        *("appArmorProfile", "seLinuxChangePolicy"),
    ),
    "SecurityContext": (
        *("capabilities", "privileged", "seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup"),
        *("runAsNonRoot", "readOnlyRootFilesystem", "allowPrivilegeEscalation", "procMount", "seccompProfile"),
        "appArmorProfile",
    ),
    "SeccompProfile": ("type", "localhostProfile"),
    "Volume": (
        *("name", "hostPath", "emptyDir", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "secret", "nfs"),
        *("iscsi", "glusterfs", "persistentVolumeClaim", "rbd", "quobyte", "flexVolume", "cinder", "cephfs", "flocker"),
        *("downwardAPI", "fc", "azureFile", "configMap", "vsphereVolume", "azureDisk", "photonPersistentDisk"),
        *("projected", "portworxVolume", "scaleIO", "storageos", "csi", "ephemeral", "image"),
    ),
    "ProjectedVolumeSource": ("sources", "defaultMode"),
    "VolumeProjection": (
        *("secret", "downwardAPI", "configMap", "serviceAccountToken", "clusterTrustBundle", "podCertificate"),
    ),
    "ServiceAccountTokenProjection": ("audience", "expirationSeconds", "path"),
    "ConfigMapProjection": ("name", "items", "optional"),
    "SecretProjection": ("name", "items", "optional"),
    "ConfigMapVolumeSource": ("name", "items", "defaultMode", "optional"),
    "SecretVolumeSource": ("secretName", "items", "defaultMode", "optional"),
    "KeyToPath": ("key", "path", "mode"),
    "DownwardAPIVolumeFile": ("path", "fieldRef", "resourceFieldRef", "mode"),
    "HostPathVolumeSource": ("path", "type"),
    "ContainerPort": ("name", "hostPort", "containerPort", "protocol", "hostIP"),
    "EnvVar": ("name", "value", "valueFrom"),
    "EnvVarSource": ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"),
    "EnvFromSource": ("prefix", "configMapRef", "secretRef"),
    "ConfigMapKeySelector": ("name", "key", "optional"),
    "SecretKeySelector": ("name", "key", "optional"),
    "ResourceRequirements": ("limits", "requests", "claims"),
    "VolumeMount": ("name", "readOnly", "recursiveReadOnly", "mountPath", "subPath", "mountPropagation", "subPathExpr"),
    "VolumeDevice": ("name", "devicePath"),
    "Probe": (
        *("exec", "httpGet", "tcpSocket", "grpc", "initialDelaySeconds", "timeoutSeconds", "periodSeconds"),
        *("successThreshold", "failureThreshold", "terminationGracePeriodSeconds"),
    ),
    "Lifecycle": ("postStart", "preStop", "stopSignal"),
    "LifecycleHandler": ("exec", "httpGet", "tcpSocket", "sleep"),
    "HTTPGetAction": ("path", "port", "host", "scheme", "httpHeaders"),
    "TCPSocketAction": ("port", "host"),
    "GRPCAction": ("port", "service"),
    "HTTPHeader": ("name", "value"),
    "Toleration": ("key", "operator", "value", "effect", "tolerationSeconds"),
    "NodeSelectorRequirement": ("key", "operator", "values"),
    "NodeSelectorTerm": ("matchExpressions", "matchFields"),
    "PreferredSchedulingTerm": ("weight", "preference"),
    "WeightedPodAffinityTerm": ("weight", "podAffinityTerm"),
    "PodAffinityTerm": (
        *("labelSelector", "namespaces", "topologyKey", "namespaceSelector", "matchLabelKeys", "mismatchLabelKeys"),
    ),
    "PersistentVolumeClaimSpec": (
        *("accessModes", "selector", "resources", "volumeName", "storageClassName", "volumeMode", "dataSource"),
        *("dataSourceRef", "volumeAttributesClassName"),
    ),
    "VolumeResourceRequirements": ("limits", "requests"),
    "LabelSelector": ("matchLabels", "matchExpressions"),
    "LabelSelectorRequirement": ("key", "operator", "values"),
    "HostAlias": ("ip", "hostnames"),
    "PodDNSConfig": ("nameservers", "searches", "options"),
    "TopologySpreadConstraint": (
        *("maxSkew", "topologyKey", "whenUnsatisfiable", "labelSelector", "minDomains", "nodeAffinityPolicy"),
        *("nodeTaintsPolicy", "matchLabelKeys"),
    ),
    "HorizontalPodAutoscalerBehavior": ("scaleUp", "scaleDown"),
    "HPAScalingRules": ("stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance"),
    "HPAScalingPolicy": ("type", "value", "periodSeconds"),
    "CertificateSigningRequestCondition": (
        *("type", "status", "reason", "message", "lastUpdateTime", "lastTransitionTime"),
    ),
    "DeviceClaim": ("requests", "constraints", "config"),
    "DeviceRequest": ("name", "exactly", "firstAvailable"),
    "ExactDeviceRequest": (
        *("deviceClassName", "selectors", "allocationMode", "count", "adminAccess", "tolerations", "capacity"),
    ),
    "DeviceSubRequest": (
        *("name", "deviceClassName", "selectors", "allocationMode", "count", "tolerations", "capacity"),
    ),
    "DeviceToleration": ("key", "operator", "value", "effect", "tolerationSeconds"),
    "DeviceConstraint": ("requests", "matchAttribute", "distinctAttribute"),
    "DeviceClaimConfiguration": ("requests", "opaque"),
    "OpaqueDeviceConfiguration": ("driver", "parameters"),
    "AllocationResult": ("devices", "nodeSelector", "allocationTimestamp"),
    "DeviceAllocationResult": ("results", "config"),
    "DeviceRequestAllocationResult": (
        *("request", "driver", "pool", "device", "adminAccess", "tolerations", "bindingConditions"),
        *("bindingFailureConditions", "shareID", "consumedCapacity"),
    ),
    "DeviceAllocationConfiguration": ("source", "requests", "opaque"),
    "CapacityRequirements": ("requests",),
    "VolumeAttachmentSpec": ("attacher", "source", "nodeName"),
    "VolumeAttachmentSource": ("persistentVolumeName", "inlineVolumeSpec"),
    "CSINodeDriver": ("name", "nodeID", "topologyKeys", "allocatable"),
    "ScopedResourceSelectorRequirement": ("scopeName", "operator", "values"),
    "ParentReference": ("group", "resource", "namespace", "name"),
    "FlowSchemaSpec": ("priorityLevelConfiguration", "matchingPrecedence", "distinguisherMethod", "rules"),
    "PolicyRulesWithSubjects": ("subjects", "resourceRules", "nonResourceRules"),
    "Subject": ("kind", "user", "group", "serviceAccount"),
    "ResourcePolicyRule": ("verbs", "apiGroups", "resources", "clusterScope", "namespaces"),
    "NonResourcePolicyRule": ("verbs", "nonResourceURLs"),
    "ServiceAccountSubject": ("namespace", "name"),
    "PriorityLevelConfigurationSpec": ("type", "limited", "exempt"),
    "LimitedPriorityLevelConfiguration": (
        *("nominalConcurrencyShares", "limitResponse", "lendablePercent", "borrowingLimitPercent"),
    ),
    "LimitResponse": ("type", "queuing"),
    "QueuingConfiguration": ("queues", "handSize", "queueLengthLimit"),
    "ExemptPriorityLevelConfiguration": ("nominalConcurrencyShares", "lendablePercent"),
}
_HELD_BY_SPEC = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
_STRUCTS = ("preference", "podAffinityTerm")  # never null, being no pointers
_NAMES = {
    "apiGroups": "APIGroups",
    "apiVersion": "APIVersion",
    "awsElasticBlockStore": "AWSElasticBlockStore",
    "cel": "CEL",
    "cephfs": "CephFS",
    "cidrs": "CIDRs",
    "csi": "CSI",
    "dnsConfig": "DNSConfig",
    "dnsPolicy": "DNSPolicy",
    "fc": "FC",
    "fsGroup": "FSGroup",
    "fsGroupChangePolicy": "FSGroupChangePolicy",
    "gcePersistentDisk": "GCEPersistentDisk",
    "grpc": "GRPC",
    "httpGet": "HTTPGet",
    "httpHeaders": "HTTPHeaders",
    "ip": "IP",
    "iscsi": "ISCSI",
    "nfs": "NFS",
    "os": "OS",
    "rbd": "RBD",
    "seLinuxChangePolicy": "SELinuxChangePolicy",
    "seLinuxOptions": "SELinuxOptions",
    "storageos": "StorageOS",
    "tcpSocket": "TCPSocket",
    "tty": "TTY",
}


def internal(value: Object, type_: str) -> Object:
    """The struct as it stands in an error; `type_`: "resource.v1.ResourceClaimSpec"."""
    return _struct(value, schema(type_))


def internal_template(template: Object) -> Object:
    """A pod's template: its metadata stands in the struct itself, under the API's names."""
    meta = {name: value for name, value in (template.get("metadata") or {}).items() if value not in (None, {}, [])}
    return {**_sorted_maps(meta), "Spec": internal_spec(template.get("spec") or {})}


def internal_spec(spec: Object) -> Object:
    return internal(_of_spec(spec), "core.v1.PodSpec")


def _sorted_maps(meta: Object) -> Object:
    return {name: dict(sorted(each.items())) if isinstance(each, dict) else each for name, each in meta.items()}


def difference(old: Object, new: Object, type_: str) -> str:
    """As a unified diff; `type_`: "core.v1.PodSpec"."""
    return _difference(_rendered(old, type_), _rendered(new, type_))


def spec_difference(old: Object, new: Object) -> str:
    return difference(_of_spec(old), _of_spec(new), "core.v1.PodSpec")


def ephemeral_difference(old: Object, new: Object) -> str:
    return difference(old, new, "core.v1.EphemeralContainer")


def _of_spec(spec: Object) -> Object:
    """Go's internal security context holds what the API has beside it."""
    held = {name: spec[name] for name in _HELD_BY_SPEC if name in spec}
    return {**spec, "securityContext": {**(spec.get("securityContext") or {}), **held}}


def _difference(old: str, new: str) -> str:
    lines = list(difflib.unified_diff(old.split("\n"), new.split("\n"), lineterm=""))
    return "\n".join(lines[2:]) + "\n" if lines else ""


def _rendered(value: Object, kind: str) -> str:
    text = json.dumps(_struct(value, schema(kind)), indent=1, ensure_ascii=False)
    for character, escaped in (("&", r"\u0026"), ("<", r"\u003c"), (">", r"\u003e")):
        text = text.replace(character, escaped)
    return text


def _struct(value: Mapping[str, Any], of: Schema) -> dict[str, Any]:
    kind = of.name.rpartition(".")[2]
    order = ORDERS.get(kind) or sorted(of.fields)
    made: dict[str, Any] = {}
    for name in order:
        field = of.fields.get(name)
        made[_NAMES.get(name) or name[0].upper() + name[1:]] = _field(value.get(name), field, name)
    return made


def _field(value: Any, field: Field | None, name: str) -> Any:
    if field is None:  # what the internal type has elsewhere, or the API no longer
        return False if value is None and name in ("hostNetwork", "hostPID", "hostIPC") else value
    if value is None:
        return _unset(field, name)
    return _value(value, field.schema)


def _unset(field: Field, name: str) -> Any:
    of = field.schema
    if field.pointer or of.type == "array" or of.values is not None or of.format in ("date-time", "micro-time"):
        return None
    if of.fields:
        return _struct({}, of) if field.absent == "struct" or name in _STRUCTS else None
    return {"string": "", "integer": 0, "boolean": False}.get(of.type)


def _value(value: Any, of: Schema) -> Any:
    if of.fields and isinstance(value, Mapping):
        return _struct(value, of)
    if of.type == "array" and of.items is not None:
        return [_value(item, of.items) for item in value]
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value
