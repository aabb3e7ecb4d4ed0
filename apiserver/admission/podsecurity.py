"""PodSecurity: the labels of a namespace say which standard its pods are held to, and which they are warned by.

    pod-security.kubernetes.io/{enforce,warn}          privileged, baseline or restricted
    pod-security.kubernetes.io/{enforce,warn}-version  latest or v1.x

Pods are refused by `enforce`; pods, and templates of pods, are warned by `warn`, or by `enforce` where only that is
said. Source: k8s.io/pod-security-admission/{admission,api}.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from apiserver.admission.namespacelifecycle import NAMESPACES
from apiserver.admission.plugin import Admission, Validating
from apiserver.admission.podstandards import LEVELS, SECCOMP, SECCOMP_PREFIX, violations
from apiserver.authz.node import PODS
from apiserver.authz.references import containers
from apiserver.lister import Lister
from podling.api import errors, field
from podling.api.errors import GroupResource
from podling.api.field import FieldError, Path, show

PREFIX = "pod-security.kubernetes.io/"
MODES = ("enforce", "audit", "warn")
VERSION = re.compile(r"latest|v1\.(0|[1-9][0-9]*)")
WORKLOADS = (
    *(GroupResource("", plural) for plural in ("podtemplates", "replicationcontrollers")),
    *(GroupResource("apps", plural) for plural in ("daemonsets", "deployments", "replicasets", "statefulsets")),
    *(GroupResource("batch", plural) for plural in ("cronjobs", "jobs")),
)
MOST_PODS = 3000  # that a change of a namespace's level looks at

Object = dict[str, Any]


class Policy(NamedTuple):
    level: str = "privileged"
    version: str = "latest"

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"


def policy(labels: Mapping[str, str], mode: str) -> Policy:
    """What is not said is privileged, what cannot be read is enforced as restricted. Who says nothing of warnings is
    warned of what is enforced."""
    said, version = labels.get(PREFIX + mode), labels.get(f"{PREFIX}{mode}-version")
    if mode == "warn" and said is None and labels.get(PREFIX + "enforce") in LEVELS[1:]:
        enforced = policy(labels, "enforce")
        return enforced if version is None else enforced._replace(version=_version(version))
    if said not in LEVELS:
        said = "restricted" if said is not None and mode == "enforce" else "privileged"
    return Policy(said, _version(version or "latest"))


def _version(said: str) -> str:
    return said if VERSION.fullmatch(said) else "latest"


def label_errors(labels: Mapping[str, str]) -> list[FieldError]:
    found = []
    for mode in MODES:
        for key, valid, words in (
            (PREFIX + mode, LEVELS.__contains__, "must be one of privileged, baseline, restricted"),
            (f"{PREFIX}{mode}-version", VERSION.fullmatch, 'must be "latest" or "v1.x"'),
        ):
            if key in labels and not valid(labels[key]):
                found.append(field.invalid(Path("metadata.labels").key(key), labels[key], words))
    return found


class PodSecurity(Validating):
    name = "PodSecurity"

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    async def validate(self, write: Admission) -> None:
        if write.object is None or write.operation not in {"CREATE", "UPDATE"}:
            return
        if write.kind.resource == NAMESPACES:
            self._namespace(write, write.object)
        elif write.kind.resource == PODS:
            self._pod(write, write.object)
        elif write.kind.resource in WORKLOADS and not write.subresource and (found := pod_template(write.object)):
            self._warn(write, found)

    def _labels(self, namespace: str) -> Mapping[str, str]:
        found = self._lister.get(NAMESPACES, "", namespace) or {"metadata": {}}
        return found["metadata"].get("labels") or {}

    def _pod(self, write: Admission, pod: Object) -> None:
        if write.subresource not in {"", "ephemeralcontainers", "resize"}:
            return
        if write.operation == "UPDATE" and write.old is not None and not changes_images(pod, write.old):
            return
        labels = self._labels(write.namespace)
        if all(policy(labels, mode).level == "privileged" for mode in MODES):
            return
        wanted = policy(labels, "enforce")
        write.annotations[f"{PREFIX}enforce-policy"] = str(wanted)
        found = violations(pod, *wanted)
        if found:
            told = ", ".join(map(str, found))
            raise write.forbidden(f"violates PodSecurity {show(str(wanted))}: {told}")
        self._warn(write, pod)

    def _warn(self, write: Admission, pod: Object) -> None:
        audited = policy(self._labels(write.namespace), "audit")
        if found := violations(pod, *audited):
            words = f"would violate PodSecurity {show(str(audited))}: {', '.join(map(str, found))}"
            write.annotations[f"{PREFIX}audit-violations"] = words
        wanted = policy(self._labels(write.namespace), "warn")
        found = violations(pod, *wanted)
        if found:
            write.warnings.append(f"would violate PodSecurity {show(str(wanted))}: {', '.join(map(str, found))}")

    def _namespace(self, write: Admission, new: Object) -> None:
        if write.subresource:
            return
        labels = new["metadata"].get("labels") or {}
        before = ((write.old or {}).get("metadata") or {}).get("labels") or {}
        wrong = label_errors(labels)
        if wrong and wrong != label_errors(before):
            raise errors.invalid("", "Namespace", new["metadata"]["name"], wrong)
        wanted, had = policy(labels, "enforce"), policy(before, "enforce")
        relaxed = wanted.version == had.version and LEVELS.index(wanted.level) <= LEVELS.index(had.level)
        if write.operation == "UPDATE" and wanted != had and not relaxed and wanted.level != "privileged":
            write.warnings.extend(self._existing(new["metadata"]["name"], wanted))

    def _existing(self, namespace: str, wanted: Policy) -> list[str]:
        """What the pods that are there would be refused for, pods of one mind together."""
        by_reason: dict[str, list[str]] = {}
        pods = list(self._lister.list(PODS, namespace))
        for pod in pods[:MOST_PODS]:
            found = violations(pod, *wanted)
            if found:
                reason = ", ".join(violation.reason for violation in found)
                by_reason.setdefault(reason, []).append(pod["metadata"]["name"])
        warnings = []
        if len(pods) > MOST_PODS:
            checked = f"the first {MOST_PODS} of {len(pods)} existing pods"
            warnings.append(f"new PodSecurity enforce level only checked against {checked}")
        if by_reason:
            level = f"the new PodSecurity enforce level {show(str(wanted))}"
            warnings.append(f"existing pods in namespace {show(namespace)} violate {level}")
        return warnings + sorted(f"{_named(sorted(names))}: {reason}" for reason, names in by_reason.items())


def _named(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    others = len(names) - 1
    return f"{names[0]} (and {others} other {'pod' if others == 1 else 'pods'})"


def pod_template(body: Object) -> Object | None:
    """The template of the pods that an object makes."""
    spec = body.get("spec") or {}
    inner = (spec.get("jobTemplate") or {}).get("spec") or spec
    template = body.get("template") or inner.get("template")
    return template if isinstance(template, dict) and template.get("spec") else None


def changes_images(new: Object, old: Object) -> bool:
    """Of what may change in a pod, its images matter, containers that are added, and annotations that old versions of
    the standards look at."""

    def images(pod: Object) -> list[tuple[Any, Any]]:
        return [(container.get("name"), container.get("image")) for container in containers(pod.get("spec") or {})]

    def seccomp(pod: Object) -> dict[str, str]:
        said = pod["metadata"].get("annotations") or {}
        return {key: value for key, value in said.items() if key == SECCOMP or key.startswith(SECCOMP_PREFIX)}

    return images(new) != images(old) or seccomp(new) != seccomp(old)
