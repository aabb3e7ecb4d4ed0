"""What a pod's fields are when nobody said. Source: kubernetes/pkg/apis/core/v1/defaults.go.

`default_pod` is for pods; `default_pod_spec` also for the templates of pods, which get less. The API server
defaults what it is sent, the kubelet the manifests of static pods, which no API server has seen.
"""

import re
from collections.abc import Callable
from typing import Any

from podling.api.pod_resources import aggregate, amounts, is_huge, is_pod_level, rounded

Object = dict[str, Any]  # JSON
MODE = 0o644
TOKEN_SECONDS = 3600
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")

# registry[:port]/path:tag@digest, as github.com/distribution/reference has it
_IMAGE = re.compile(
    r"(?:(?:localhost|(?=[^/]*[.:])[A-Za-z0-9][A-Za-z0-9.-]*)(?::\d+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,})?"
)


def pull_policy(image: str) -> str:
    found = _IMAGE.fullmatch(image)
    if not found:
        return "IfNotPresent"
    tag = found["tag"] or ("" if found["digest"] else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"


def default_pod(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    default_pod_spec(spec)
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        _default_requests(container.setdefault("resources", {}))
    _default_huge_limits(spec)
    _default_pod_requests(spec)
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    if spec.get("hostNetwork"):
        default_host_ports(spec)
    _default_addresses(obj.setdefault("status", {}))
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _default_addresses(status: Object) -> None:
    """`podIP` is the first of `podIPs`; where the two differ the older field counts.

    Source: kubernetes/pkg/apis/core/v1/conversion.go.
    """
    one, every = status.get("podIP"), status.get("podIPs") or []
    if one and (not every or every[0].get("ip") != one):
        status["podIPs"] = [{"ip": one}]
    elif every:
        status["podIP"] = every[0].get("ip", "")


def default_host_ports(spec: Object) -> None:
    """On the host's network a container port is a host port."""
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        for port in container.get("ports") or ():
            if not port.get("hostPort"):
                port["hostPort"] = port.get("containerPort", 0)


def default_pod_spec(spec: Object) -> None:
    _fill(spec, "dnsPolicy", "ClusterFirst")
    _fill(spec, "restartPolicy", "Always")
    _fill(spec, "schedulerName", "default-scheduler")
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    grace = spec.get("terminationGracePeriodSeconds")
    spec["terminationGracePeriodSeconds"] = 30 if grace is None else 1 if grace < 0 else grace
    _round_up(spec.get("resources") or {})
    if spec.get("overhead"):
        spec["overhead"] = _all_rounded(spec["overhead"])
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(part) or ():
            _default_container(container)
    for volume in spec.get("volumes") or ():
        _default_volume(volume)


def _fill(obj: Object, name: str, value: object) -> None:
    if not obj.get(name):
        obj[name] = value


def _set(obj: Object, name: str, value: object) -> None:
    """For pointers: a zero that was given stays."""
    if obj.get(name) is None:
        obj[name] = value


def _round_up(resources: Object) -> None:
    """Amounts are kept to thousandths."""
    for part in ("limits", "requests"):
        if resources.get(part):
            resources[part] = _all_rounded(resources[part])


def _all_rounded(found: Object) -> Object:
    return {name: rounded(text) for name, text in found.items()}


def _default_container(container: Object) -> None:
    _round_up(container.get("resources") or {})
    _fill(container, "imagePullPolicy", pull_policy(container.get("image", "")))
    _fill(container, "terminationMessagePath", "/dev/termination-log")
    _fill(container, "terminationMessagePolicy", "File")
    for port in container.get("ports") or ():
        _fill(port, "protocol", "TCP")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        if reference := source.get("fieldRef"):
            _fill(reference, "apiVersion", "v1")
        if reference := source.get("fileKeyRef"):
            _set(reference, "optional", False)
    for name in PROBES:
        if (probe := container.get(name)) is not None:
            _default_probe(probe)
    for hook in ("postStart", "preStop"):
        handler = (container.get("lifecycle") or {}).get(hook)
        if handler and handler.get("httpGet") is not None:
            _default_http(handler["httpGet"])


def _default_probe(probe: Object) -> None:
    for name, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        _fill(probe, name, value)
    if probe.get("httpGet") is not None:
        _default_http(probe["httpGet"])
    if probe.get("grpc") is not None:
        _set(probe["grpc"], "service", "")


def _default_http(action: Object) -> None:
    _fill(action, "path", "/")
    _fill(action, "scheme", "HTTP")


def _default_requests(resources: Object) -> None:
    """What is limited and not requested is requested to the limit."""
    limits = resources.get("limits")
    if limits:
        requests = resources.get("requests") or {}
        resources["requests"] = {**limits, **requests}


def _default_huge_limits(spec: Object) -> None:
    """A pod with resources of its own has the huge pages of its containers."""
    resources = spec.get("resources") or {}
    limits, requests = (resources.get(part) or {} for part in ("limits", "requests"))
    if not (limits or requests):
        return
    sums = {name: str(amount) for name, amount in aggregate(spec, "limits").items() if is_huge(name)}
    found = {name: text for name, text in sums.items() if name not in requests} | limits
    if found:
        resources["limits"] = found


def _default_pod_requests(spec: Object) -> None:
    """The requests of a pod with limits of its own come from its containers', else from those limits."""
    resources = spec.get("resources") or {}
    if not resources.get("limits"):
        return
    asked = {name: amount for name, amount in aggregate(spec, "requests").items() if not is_huge(name)}
    sums = {name: str(amount) for name, amount in (amounts(resources["limits"]) | asked).items() if is_pod_level(name)}
    requests = sums | (resources.get("requests") or {})
    if requests:
        resources["requests"] = requests


def _default_items(source: Object) -> None:
    for item in source.get("items") or ():
        if reference := item.get("fieldRef"):
            _fill(reference, "apiVersion", "v1")


def _default_mode(source: Object) -> None:
    _set(source, "defaultMode", MODE)


def _default_downward(source: Object) -> None:
    _default_mode(source)
    _default_items(source)


def _default_projected(source: Object) -> None:
    _default_mode(source)
    for each in source.get("sources") or ():
        if each.get("downwardAPI") is not None:
            _default_items(each["downwardAPI"])
        if each.get("serviceAccountToken") is not None:
            _set(each["serviceAccountToken"], "expirationSeconds", TOKEN_SECONDS)
        if each.get("podCertificate") is not None:
            _set(each["podCertificate"], "maxExpirationSeconds", 86400)


def _default_rbd(source: Object) -> None:
    _fill(source, "pool", "rbd")
    _fill(source, "user", "admin")
    _fill(source, "keyring", "/etc/ceph/keyring")


def _default_azure_disk(source: Object) -> None:
    for name, value in (("cachingMode", "ReadWrite"), ("kind", "Shared"), ("fsType", "ext4"), ("readOnly", False)):
        _set(source, name, value)


def _default_scale_io(source: Object) -> None:
    _fill(source, "storageMode", "ThinProvisioned")
    _fill(source, "fsType", "xfs")


def _default_ephemeral(source: Object) -> None:
    template = source.get("volumeClaimTemplate") or {}
    if template:
        _set(template.setdefault("spec", {}), "volumeMode", "Filesystem")


_VOLUMES: dict[str, Callable[[Object], None]] = {
    "azureDisk": _default_azure_disk,
    "configMap": _default_mode,
    "downwardAPI": _default_downward,
    "ephemeral": _default_ephemeral,
    "hostPath": lambda source: _set(source, "type", ""),
    "image": lambda source: _fill(source, "pullPolicy", pull_policy(source.get("reference", ""))),
    "iscsi": lambda source: _fill(source, "iscsiInterface", "default"),
    "projected": _default_projected,
    "rbd": _default_rbd,
    "scaleIO": _default_scale_io,
    "secret": _default_mode,
}


def _default_volume(volume: Object) -> None:
    if not any(volume.get(name) is not None for name in volume if name != "name"):
        volume["emptyDir"] = {}
    default_volume_source(volume)


def default_volume_source(volume: Object) -> None:
    """Of a pod's volume, or of a PersistentVolume's spec."""
    for name, fill in _VOLUMES.items():
        if volume.get(name) is not None:
            fill(volume[name])
