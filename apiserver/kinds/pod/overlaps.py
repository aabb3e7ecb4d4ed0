"""Files of one volume that lie over each other: two of one path, or one below another.

Source: kubernetes/pkg/api/pod/warnings.go, warningsForOverlappingVirtualPaths.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from apiserver.kinds.kind import Object
from podling.api.field import show


class File(NamedTuple):
    path: str
    source: str = ""  # of the sources of one volume: `ConfigMap "a"`

    def __str__(self) -> str:
        return f"{show(self.path)} ({self.source})" if self.source else show(self.path)


def warn_overlaps(volumes: Iterable[Object]) -> Iterator[str]:
    for volume in volumes:
        name = show(volume.get("name", ""))
        for each, described in _own(volume):
            for words in _overlapping(_files(each)):
                yield f"volume {name} ({described}): overlapping paths: {words}"
        sources = (volume.get("projected") or {}).get("sources") or ()
        if any(not source for source in sources):
            yield f"volume {name} (Projected) has no sources provided"
        for words in _overlapping(file for source in sources for file in _projected(source)):
            yield f"volume {name} (Projected): overlapping paths: {words}"


def _own(volume: Object) -> Iterator[tuple[Object, str]]:
    if found := volume.get("configMap"):
        yield found, f"ConfigMap {show(found.get('name', ''))}"
    if found := volume.get("secret"):
        yield found, f"Secret {show(found.get('secretName', ''))}"
    if found := volume.get("downwardAPI"):
        yield found, "DownwardAPI"


def _projected(source: Object) -> Iterable[File]:
    if (found := source.get("configMap")) and found.get("items"):
        return _files(found, f"ConfigMap {show(found.get('name', ''))}")
    if (found := source.get("secret")) and found.get("items"):
        return _files(found, f"Secret {show(found.get('name', ''))}")
    if (found := source.get("downwardAPI")) and found.get("items"):
        return _files(found, "DownwardAPI")
    if found := source.get("serviceAccountToken"):
        return [File(found.get("path", ""), "ServiceAccountToken")]
    if found := source.get("clusterTrustBundle"):
        return [
            File(found.get("path", ""), f"ClusterTrustBundle {show(found.get('name') or found.get('signerName', ''))}")
        ]
    found = source.get("podCertificate") or {}
    return [File(found[name], f"PodCertificate {words}") for name, words in _CERTIFICATES.items() if found.get(name)]


_CERTIFICATES = {
    "certificateChainPath": "chain",
    "keyPath": "key",
    "credentialBundlePath": "credential bundle",
}


def _files(source: Object, described: str = "") -> list[File]:
    return [File(item.get("path", ""), described) for item in source.get("items") or ()]


def _overlapping(files: Iterable[File]) -> Iterator[str]:
    seen: list[File] = []
    for each in files:
        file = each._replace(path=each.path.rstrip("/"))
        for other in seen:
            if file.path and other.path and _lie_over(file.path, other.path):
                yield f"{file} with {other}"
        seen.append(file)


def _lie_over(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
