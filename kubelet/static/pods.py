"""Pods from manifests instead of the API: what a kubelet runs by itself. Pure.

A static pod's uid is a hash of its manifest and where that came from, so another manifest is another pod. The API shows
it through a mirror pod of the same name, which carries the hash and cannot reach it.
Source: k8s.io/kubernetes/pkg/kubelet/{config,pod,types}, pkg/api/pod/util.go.
"""

import hashlib
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import yaml
from lightkube.models import core_v1

from podling.api.meta import micro_timestamp
from podling.api.pod_defaults import default_pod

Data = dict[str, Any]
SOURCE, HASH = "kubernetes.io/config.source", "kubernetes.io/config.hash"
SEEN, MIRROR = "kubernetes.io/config.seen", "kubernetes.io/config.mirror"
STAYS = {"operator": "Exists", "effect": "NoExecute"}  # a taint does not end what no controller could bring back
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class ManifestError(ValueError):
    """The manifest cannot be run; the message says why, without its name."""


class Origin(NamedTuple):
    """`kind` is file or http, `place` the path or the URL."""

    kind: str
    place: str


class StaticPod(NamedTuple):
    """`data` as the mirror shows it, `pod` the same as the kubelet's parts read it."""

    data: Data
    pod: Any

    @property
    def uid(self) -> str:
        return str(self.data["metadata"]["uid"])

    @property
    def key(self) -> str:
        return f"{self.data['metadata']['namespace']}/{self.data['metadata']['name']}"


def is_static(pod: Any) -> bool:
    """Of a typed pod: whether it came from a manifest. Mirrors did not, nor did a pod of the API with such
    annotations: nobody chooses a uid there."""
    return bool((pod.metadata.annotations or {}).get(HASH) == pod.metadata.uid)


def is_mirror(pod: Any) -> bool:
    return MIRROR in (pod.metadata.annotations or {})


def read(text: bytes, origin: Origin, node: str, now: datetime) -> Sequence[StaticPod]:
    """One pod of a file; by HTTP also a PodList. Errors: ManifestError."""
    found = _parse(text)
    if not isinstance(found, dict):
        raise ManifestError("it holds no object")
    if found.get("kind") == "PodList" and origin.kind == "http":
        items = [item for item in found.get("items") or () if isinstance(item, dict)]
        return [_static({"apiVersion": "v1", "kind": "Pod", **item}, origin, node, now) for item in items]
    return [_static(found, origin, node, now)]


def _parse(text: bytes) -> Any:
    try:
        documents = [each for each in yaml.load_all(text, yaml.CSafeLoader) if each is not None]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ManifestError(f"it is not YAML: {' '.join(str(error).split())}") from None
    if len(documents) != 1:
        raise ManifestError(f"it holds {len(documents)} documents: the manifest of a static pod holds one")
    return documents[0]


def _static(given: Data, origin: Origin, node: str, now: datetime) -> StaticPod:
    if (given.get("apiVersion"), given.get("kind")) != ("v1", "Pod"):
        raise ManifestError(f"it holds a {given.get('kind')} of {given.get('apiVersion')}, not a Pod of v1")
    try:
        data: Data = json.loads(json.dumps(given, default=str))
        checked = msgspec.convert(data, core_v1.Pod, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise ManifestError(str(error)) from None
    if unknown := sorted(_unknown(data, core_v1.Pod, "")):
        raise ManifestError("strict decoding error: " + ", ".join(f'unknown field "{path}"' for path in unknown))
    _check(checked)
    hashed = json.dumps([data, node, *origin], sort_keys=True).encode()
    metadata = data["metadata"]
    uid = metadata.get("uid") or hashlib.md5(hashed, usedforsecurity=False).hexdigest()
    own = {HASH: uid, SEEN: micro_timestamp(now), SOURCE: origin.kind}
    data["metadata"] = {
        **metadata,
        "uid": uid,
        "name": f"{metadata['name']}-{node.lower()}",
        "namespace": metadata.get("namespace") or "default",
        "annotations": {**(metadata.get("annotations") or {}), **own},
    }
    spec = data["spec"]
    spec["nodeName"] = node
    if STAYS not in (spec.get("tolerations") or ()):
        spec["tolerations"] = [*(spec.get("tolerations") or ()), dict(STAYS)]
    default_pod(data)
    data["status"] = {"phase": "Pending"}
    return StaticPod(data, msgspec.convert(data, core_v1.Pod))


def _check(pod: Any) -> None:
    """What a kubelet must be able to count on; the rest the API server says of the mirror."""
    name = (pod.metadata.name if pod.metadata else None) or ""
    if not name:
        raise ManifestError("metadata.name: Required value")
    if not _SUBDOMAIN.fullmatch(name) or len(name) > 200:
        raise ManifestError(f'metadata.name: Invalid value: "{name}": it must be a lowercase RFC 1123 subdomain')
    if pod.spec is None or not pod.spec.containers:
        raise ManifestError("spec.containers: Required value")
    names: set[str] = set()
    for container in [*(pod.spec.initContainers or ()), *pod.spec.containers]:
        if not _LABEL.fullmatch(container.name or ""):
            raise ManifestError(f'container name "{container.name}": it must be a lowercase RFC 1123 label')
        if container.name in names:
            raise ManifestError(f'container name "{container.name}": Duplicate value')
        if not container.image:
            raise ManifestError(f"image of container {container.name}: Required value")
        names.add(container.name)
    if pod.spec.ephemeralContainers:
        raise ManifestError("spec.ephemeralContainers: Forbidden: cannot be set on create")
    volumes = {volume.name for volume in pod.spec.volumes or ()}
    for container in [*(pod.spec.initContainers or ()), *pod.spec.containers]:
        for mount in container.volumeMounts or ():
            if mount.name not in volumes:
                raise ManifestError(f'volumeMounts of container {container.name}: Not found: "{mount.name}"')
    if reference := next(_references(pod.spec), None):
        raise ManifestError(f"static pods may not reference {reference}")


def _references(spec: Any) -> Iterator[str]:
    """Kinds of the API that the pod needs: with no API server there are none."""
    if spec.serviceAccountName or spec.serviceAccount:
        yield "serviceaccounts"
    if spec.imagePullSecrets:
        yield "secrets"
    if spec.resourceClaims:
        yield "resourceclaims"
    for volume in spec.volumes or ():
        yield from _of_volume(volume)
    for container in [*(spec.initContainers or ()), *spec.containers]:
        for source in container.envFrom or ():
            yield "configmaps" if source.configMapRef else "secrets"
        for variable in container.env or ():
            value = variable.valueFrom
            if value and value.configMapKeyRef:
                yield "configmaps"
            if value and value.secretKeyRef:
                yield "secrets"


def _of_volume(volume: Any) -> Iterator[str]:
    if volume.secret:
        yield "secrets"
    if volume.configMap:
        yield "configmaps"
    if volume.persistentVolumeClaim or volume.ephemeral:
        yield "persistentvolumeclaims"
    for source in (volume.projected.sources if volume.projected else None) or ():
        for name, kind in _PROJECTED.items():
            if getattr(source, name, None):
                yield kind


_PROJECTED = {
    "secret": "secrets",
    "configMap": "configmaps",
    "serviceAccountToken": "serviceaccounts",
    "clusterTrustBundle": "clustertrustbundles",
    "podCertificate": "podcertificaterequests",
}


def _unknown(value: Any, kind: Any, path: str) -> Iterator[str]:
    """Paths of fields that the type does not have."""
    inner, is_list = _inner(kind)
    if is_list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, inner, f"{path}[{index}]")
    elif isinstance(inner, type) and issubclass(inner, msgspec.Struct) and isinstance(value, dict):
        fields = _fields(inner)
        for name, item in value.items():
            where = f"{path}.{name}" if path else name
            if name not in fields:
                yield where
            else:
                yield from _unknown(item, fields[name], where)


def _inner(kind: Any) -> tuple[Any, bool]:
    """What stands inside of Optional and list, and whether it was a list."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = next(each for each in typing.get_args(kind) if each is not type(None))
    if typing.get_origin(kind) is list:
        return typing.get_args(kind)[0], True
    return kind, False


@lru_cache(maxsize=256)
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    return {each.encode_name: each.type for each in msgspec.structs.fields(kind)}


def mirror_of(static: StaticPod, node: str, node_uid: str) -> Data:
    """What is created in the API. It is the node's own: it goes when the node goes."""
    metadata = static.data["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace", "labels") if metadata.get(key)}
    owner = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": node_uid, "controller": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": kept | {"annotations": {**metadata["annotations"], MIRROR: static.uid}, "ownerReferences": [owner]},
        "spec": static.data["spec"],
    }


def shows(mirror: Any, static: StaticPod) -> bool:
    """Whether a pod of the API is the mirror of this very static pod."""
    return (mirror.metadata.annotations or {}).get(MIRROR) == static.uid
