"""A container's environment, command and arguments, resolved.

`needs` tells which config maps and secrets to read; the rest is pure. What cannot be resolved raises `ConfigError`,
which kubectl shows as CreateContainerConfigError. Source: k8s.io/kubernetes/pkg/kubelet/kubelet_pods.go.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kubelet.downward import FieldUnknown, PodFacts, container_named, field_value, resource_value
from kubelet.env_file import EnvFileError, value_of
from kubelet.expansion import expand


class ConfigError(Exception):
    """The container cannot be configured; the message is what kubectl shows."""


class Source(NamedTuple):
    kind: str  # ConfigMap or Secret
    name: str


class File(NamedTuple):
    """Of `fileKeyRef`: `path` within a volume of the pod."""

    volume: str
    path: str


# Each config map's or secret's text by key; None where it does not exist.
Sources = Mapping[Source, Mapping[str, str] | None]


class Given(NamedTuple):
    """`services` are the variables that every container gets unless it sets them itself. `files` are what stands in
    those that `needs_files` names, None where there is none."""

    pod: Any
    facts: PodFacts
    sources: Sources = {}
    files: Mapping[File, str | None] = {}
    services: Mapping[str, str] = {}


def needs(container: Any) -> set[Source]:
    found = set()
    for each in container.envFrom or ():
        found |= {Source(kind, reference.name) for kind, reference in _from(each)}
    for variable in container.env or ():
        origin = variable.valueFrom
        if origin and origin.configMapKeyRef:
            found.add(Source("ConfigMap", origin.configMapKeyRef.name))
        if origin and origin.secretKeyRef:
            found.add(Source("Secret", origin.secretKeyRef.name))
    return found


def needs_files(container: Any) -> set[File]:
    origins = [variable.valueFrom for variable in container.env or () if variable.valueFrom]
    return {File(each.fileKeyRef.volumeName, each.fileKeyRef.path) for each in origins if each.fileKeyRef}


def text_of(item: Any) -> dict[str, str]:
    """What a typed ConfigMap or Secret offers to variables."""
    if hasattr(item, "stringData"):
        raw = {key: base64.b64decode(value) for key, value in (item.data or {}).items()}
        return {key: value.decode("utf-8", "replace") for key, value in raw.items()}
    return dict(item.data or {})


def environment(given: Given, container: Any) -> dict[str, str]:
    """In order: `envFrom`, then `env`, each later one winning and seeing those before it; `services` where unset."""
    found: dict[str, str] = {}
    for each in container.envFrom or ():
        for kind, reference in _from(each):
            texts = _texts(given, Source(kind, reference.name), bool(reference.optional))
            found |= {f"{each.prefix or ''}{key}": text for key, text in texts.items()}
    for variable in container.env or ():
        value = _value(given, container, variable, {**given.services, **found})
        if value is not None:
            found[variable.name] = value
    return {**{name: value for name, value in given.services.items() if name not in found}, **found}


def _from(each: Any) -> Iterable[tuple[str, Any]]:
    return [(kind, ref) for kind, ref in (("ConfigMap", each.configMapRef), ("Secret", each.secretRef)) if ref]


def _value(given: Given, container: Any, variable: Any, known: Mapping[str, str]) -> str | None:
    """None leaves the variable out."""
    origin = variable.valueFrom
    if origin is None:
        return expand(variable.value or "", known)
    try:
        if origin.fieldRef:
            return field_value(given.pod, origin.fieldRef.fieldPath, given.facts)
        if ref := origin.resourceFieldRef:
            of = container_named(given.pod, ref.containerName) if ref.containerName else container
            return resource_value(of, ref.resource, str(ref.divisor or ""), given.facts)
    except FieldUnknown as error:
        raise ConfigError(str(error)) from error
    if ref := origin.configMapKeyRef:
        return _key(given, Source("ConfigMap", ref.name), ref.key, bool(ref.optional))
    if ref := origin.secretKeyRef:
        return _key(given, Source("Secret", ref.name), ref.key, bool(ref.optional))
    return _of_file(given, origin.fileKeyRef)


def _of_file(given: Given, ref: Any) -> str | None:
    text = given.files.get(File(ref.volumeName, ref.path))
    try:
        value = value_of(text, ref.key) if text is not None else None
    except EnvFileError as error:
        raise ConfigError("couldn't parse env file") from error
    if value or ref.optional:
        return value or None
    if text is None:
        raise ConfigError("couldn't parse env file")
    raise ConfigError(f'environment variable key "{ref.key}" not found in file "{ref.path}"')


def _key(given: Given, source: Source, key: str, optional: bool) -> str | None:
    texts = _texts(given, source, optional)
    if key not in texts and not optional:
        raise ConfigError(f"couldn't find key {key} in {source.kind} {given.pod.metadata.namespace}/{source.name}")
    return texts.get(key)


def _texts(given: Given, source: Source, optional: bool) -> Mapping[str, str]:
    texts = given.sources.get(source)
    if texts is None and not optional:
        raise ConfigError(f'{source.kind.lower()} "{source.name}" not found')
    return texts or {}


def command(container: Any, values: Mapping[str, str]) -> tuple[Sequence[str], Sequence[str]]:
    """(command, args) with `$(NAME)` filled in."""
    return (
        [expand(word, values) for word in container.command or ()],
        [expand(word, values) for word in container.args or ()],
    )
