"""The names of images: [host[:port]/]path[:tag][@digest]. Pure.

Source: the grammar of github.com/distribution/reference, and applyDefaultImageTag of k8s.io/kubernetes/pkg/kubelet.
"""

import re

from kubelet.runtime import ImageError

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:localhost|{_LABEL}(?:(?:\.{_LABEL})+|(?=:)))(?::[0-9]+)?"  # without a dot or a port it is no host
_REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::(?P<tag>[\w][\w.-]{{0,127}}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
_ID = re.compile(r"[0-9a-f]{64}")
MOST_REPOSITORY_CHARACTERS = 255
DOCKER_HUB = "docker.io"


def checked_name(name: str) -> str:
    """The name, if it is one. Errors: ImageError InvalidImageName."""
    why = _fault(name)
    if not why:
        return name
    message = f'Failed to apply default image tag "{name}": couldn\'t parse image name "{name}": {why}'
    raise ImageError("InvalidImageName", message)


def _fault(name: str) -> str:
    if _ID.fullmatch(name):
        return f"invalid repository name ({name}), cannot specify 64-byte hexadecimal strings"
    if not _REFERENCE.fullmatch(name):
        lower = _REFERENCE.fullmatch(name.lower())
        return "repository name must be lowercase" if lower else "invalid reference format"
    if len(repository(name)) > MOST_REPOSITORY_CHARACTERS:
        return f"repository name must not be more than {MOST_REPOSITORY_CHARACTERS} characters"
    return ""


def name_and_tag(name: str) -> tuple[str, str]:
    """What the engine's pull takes: the repository, and the digest or the tag; no tag is "latest"."""
    found = _REFERENCE.fullmatch(name)
    if not found:
        return name, ""
    if found["digest"]:
        return name.partition("@")[0], found["digest"]
    if found["tag"]:
        return name[: -len(found["tag"]) - 1], found["tag"]
    return name, "latest"


def tagged(name: str) -> str:
    """With the tag that it means."""
    base, tag = name_and_tag(name)
    return name if name != base else f"{base}:{tag}"


def in_full(name: str) -> str:
    """docker.io/library/nginx:latest, or with the digest alone where there is one."""
    tag = name_and_tag(name)[1]
    return f"{repository(name)}{'@' if ':' in tag else ':'}{tag}"


def registry(name: str) -> str:
    """The host, "docker.io" where none is named."""
    head, slash, _ = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        return DOCKER_HUB if head == f"index.{DOCKER_HUB}" else head
    return DOCKER_HUB


def repository(name: str) -> str:
    """In full, without tag and digest: docker.io/library/nginx."""
    base = name.partition("@")[0]
    head, slash, tail = base.rpartition("/")
    base = head + slash + tail.partition(":")[0]
    host = registry(name)
    if host != DOCKER_HUB:
        return base
    path = re.sub(rf"^(index\.)?{re.escape(DOCKER_HUB)}/", "", base)
    return f"{DOCKER_HUB}/{path}" if "/" in path else f"{DOCKER_HUB}/library/{path}"
