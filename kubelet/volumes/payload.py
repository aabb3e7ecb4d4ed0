"""What stands in the files of config map, secret, downward and projected volumes. Pure.

`needs` tells which objects and tokens a volume is made of; `files` lays them out. Source of rules and words:
k8s.io/kubernetes/pkg/volume/{configmap,secret,downwardapi,projected}.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kubelet.downward import FieldUnknown, PodFacts, container_named, field_value, resource_value
from kubelet.environment import Source

DEFAULT_MODE, SECRET_MODE = 0o644, 0o600
MISSING_KEY = {
    "ConfigMap": "configmap references non-existent config key",
    "Secret": "references non-existent secret key",
}
REFUSED_SOURCES = {
    "clusterTrustBundle": "podling has no trust bundles",
    "podCertificate": "podling signs no pod certificates",
}


class File(NamedTuple):
    """`owner` is a user's number, None for root."""

    data: bytes
    mode: int
    owner: int | None = None


class TokenNeed(NamedTuple):
    """A service account's token, for `audience` ("" is the API server)."""

    audience: str
    expiration_seconds: int


class Parts(NamedTuple):
    """`sources` are the bytes by key of each config map and secret, None where it does not exist."""

    sources: Mapping[Source, Mapping[str, bytes] | None]
    tokens: Mapping[TokenNeed, str]
    facts: PodFacts


class PayloadError(Exception):
    """The volume's content cannot be had; the message is Kubernetes'."""


Files = dict[str, File]


def bytes_of(item: Any) -> dict[str, bytes]:
    """The content of a typed ConfigMap or Secret."""
    if hasattr(item, "stringData"):
        return {key: base64.b64decode(value) for key, value in (item.data or {}).items()}
    text = {key: value.encode() for key, value in (item.data or {}).items()}
    return text | {key: base64.b64decode(value) for key, value in (item.binaryData or {}).items()}


def is_made_of_files(volume: Any) -> bool:
    return bool(volume.configMap or volume.secret or volume.downwardAPI or volume.projected)


def needs(volume: Any) -> tuple[set[Source], set[TokenNeed]]:
    sources = {source for source, _ in _objects(volume)}
    tokens = {_token_need(each.serviceAccountToken) for each in _projected(volume) if each.serviceAccountToken}
    return sources, tokens


def _objects(volume: Any) -> Iterable[tuple[Source, Any]]:
    if volume.configMap:
        yield Source("ConfigMap", volume.configMap.name), volume.configMap
    if volume.secret:
        yield Source("Secret", volume.secret.secretName), volume.secret
    for each in _projected(volume):
        if each.configMap:
            yield Source("ConfigMap", each.configMap.name), each.configMap
        if each.secret:
            yield Source("Secret", each.secret.name), each.secret


def _projected(volume: Any) -> Iterable[Any]:
    return (volume.projected.sources or ()) if volume.projected else ()


def _token_need(projection: Any) -> TokenNeed:
    return TokenNeed(projection.audience or "", projection.expirationSeconds or 3600)


def files(pod: Any, volume: Any, parts: Parts) -> Files:
    """By path within the volume; raises `PayloadError`."""
    whole = volume.configMap or volume.secret or volume.downwardAPI or volume.projected
    mode = whole.defaultMode if whole.defaultMode is not None else DEFAULT_MODE
    found: Files = {}
    for source, given in _objects(volume):
        found |= _of_object(source, given, mode, parts)
    if volume.downwardAPI:
        found |= _downward(pod, volume.downwardAPI.items, mode, parts.facts)
    for each in _projected(volume):
        if each.downwardAPI:
            found |= _downward(pod, each.downwardAPI.items, mode, parts.facts)
        elif token := each.serviceAccountToken:
            found[token.path] = _of_token(pod, parts.tokens[_token_need(token)], mode)
        elif refused := next((name for name in REFUSED_SOURCES if getattr(each, name, None)), ""):
            raise PayloadError(f"{refused}: {REFUSED_SOURCES[refused]}")
    return found


def _of_token(pod: Any, token: str, mode: int) -> File:
    """Nobody else's to read, where the pod says who its user or group is."""
    user = common_user(pod)
    group = pod.spec.securityContext.fsGroup if pod.spec.securityContext else None
    return File(token.encode(), mode if user is None and group is None else SECRET_MODE, user)


def common_user(pod: Any) -> int | None:
    """The user that every container asks to run as, if it is one. Source: k8s.io/kubernetes/pkg/volume/util
    FsUserFrom."""
    whole = pod.spec.securityContext.runAsUser if pod.spec.securityContext else None
    found = set()
    for container in (*(pod.spec.initContainers or ()), *pod.spec.containers):
        own = container.securityContext.runAsUser if container.securityContext else None
        found.add(whole if own is None else own)
    return found.pop() if len(found) == 1 else None


def _of_object(source: Source, given: Any, mode: int, parts: Parts) -> Files:
    content = parts.sources.get(source)
    if content is None:
        if given.optional:
            return {}
        raise PayloadError(f'{source.kind.lower()} "{source.name}" not found')
    if not given.items:
        return {key: File(data, mode) for key, data in content.items()}
    found: Files = {}
    for item in given.items:
        if item.key in content:
            found[item.path] = File(content[item.key], mode if item.mode is None else item.mode)
        elif not given.optional:
            raise PayloadError(f"{MISSING_KEY[source.kind]}: {item.key}")
    return found


def _downward(pod: Any, items: Iterable[Any] | None, mode: int, facts: PodFacts) -> Files:
    found: Files = {}
    for item in items or ():
        try:
            if item.fieldRef:
                text = field_value(pod, item.fieldRef.fieldPath, facts)
            else:
                ref = item.resourceFieldRef
                of = container_named(pod, ref.containerName)
                text = resource_value(of, ref.resource, str(ref.divisor or ""), facts)
        except FieldUnknown as error:
            raise PayloadError(str(error)) from error
        found[item.path] = File(text.encode(), mode if item.mode is None else item.mode)
    return found
