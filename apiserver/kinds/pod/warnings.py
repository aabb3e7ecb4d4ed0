"""What is valid in a pod but unwise. Source: kubernetes/pkg/api/pod/warnings.go."""

from collections.abc import Iterator, Sequence

from apiserver.kinds import names
from apiserver.kinds.addresses import warn_address
from apiserver.kinds.kind import Object
from apiserver.kinds.persistent_volume_claim import warn_claim_spec
from apiserver.kinds.pod.affinity import PREFERRED, REQUIRED
from apiserver.kinds.pod.annotations import APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD
from apiserver.kinds.pod.overlaps import warn_overlaps
from podling.api.field import Path, show
from podling.api.quantity import parse

NO_PATH = Path()
PARTS = ("initContainers", "containers", "ephemeralContainers")
LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
USE_FIELD = 'use the "{}" field instead'
NO_POD = "a null labelSelector results in matching no pod"
VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}


def warn(pod: Object) -> list[str]:
    found: list[str] = []
    name = pod["metadata"].get("name", "")
    if messages := names.label(name):
        found.append(
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label "
            f"is recommended: [{' '.join(messages)}]"
        )
    return found + warn_template(pod, NO_PATH)


def warn_template(template: Object, path: Path) -> list[str]:
    """Of a template, or of a pod, which has no path."""
    spec, annotations = template.get("spec") or {}, (template.get("metadata") or {}).get("annotations") or {}
    here, notes = path.child("spec"), path.child("metadata", "annotations")
    found = list(_labels(spec, here))
    found += [f"{notes.key(key)}: {words}" for key, words in ANNOTATIONS.items() if key in annotations]
    found += [*_volumes(spec, here.child("volumes")), *warn_overlaps(spec.get("volumes") or ())]
    found += _twice(spec.get("hostAliases") or (), "ip", here.child("hostAliases"))
    found += _pull_secrets(spec.get("imagePullSecrets") or (), here.child("imagePullSecrets"))
    found += _fractions(spec.get("overhead"), here.child("overhead"))
    context = spec.get("securityContext") or {}
    if context.get("seccompProfile") is None and SECCOMP_POD in annotations:
        found.append(_no_seccomp(notes.key(SECCOMP_POD)))
    app_armor = path != NO_PATH and context.get("appArmorProfile") is None
    for container, where in _containers(spec, here):
        found += _annotated(container, annotations, notes, app_armor=app_armor)
        resources = container.get("resources") or {}
        for part in ("limits", "requests"):
            found += _fractions(resources.get(part), where.child("resources", part))
        found += _environment(container, where)
    for part in ("limits", "requests"):
        found += _fractions((spec.get("resources") or {}).get(part), here.child("resources", part))
    found += _ports(spec, here) + _port_names(spec, here)
    return [*found, *_pod_affinity(spec.get("affinity") or {}, here.child("affinity")), *_addresses(spec, here)]


def _containers(spec: Object, path: Path) -> Iterator[tuple[Object, Path]]:
    for part in PARTS:
        for position, container in enumerate(spec.get(part) or ()):
            yield container, path.child(part).index(position)


def _labels(spec: Object, path: Path) -> Iterator[str]:
    for key in sorted(spec.get("nodeSelector") or ()):
        if key in LABELS:
            yield f"{path.child('nodeSelector').key(key)}: {LABELS[key]}"
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    here = path.child("affinity", "nodeAffinity")
    terms = (affinity.get(REQUIRED) or {}).get("nodeSelectorTerms") or ()
    for position, term in enumerate(terms):
        yield from warn_term(term, here.child(REQUIRED, "nodeSelectorTerms").index(position))
    for position, each in enumerate(affinity.get(PREFERRED) or ()):
        where = here.child(PREFERRED).index(position).child("preference")
        yield from warn_term(each.get("preference") or {}, where, values=True)
    for position, each in enumerate(spec.get("topologySpreadConstraints") or ()):
        here = path.child("topologySpreadConstraints").index(position)
        if each.get("topologyKey") in LABELS:
            yield f"{here.child('topologyKey')}: {each['topologyKey']} is {LABELS[each['topologyKey']]}"
        if each.get("labelSelector") is None:
            yield f"{here.child('labelSelector')}: {NO_POD}"


def warn_term(term: Object, path: Path, *, values: bool = False) -> Iterator[str]:
    """`values`: those that are no label's are fine here, and match nothing."""
    for position, each in enumerate(term.get("matchExpressions") or ()):
        here = path.child("matchExpressions").index(position)
        if each.get("key") in LABELS:
            yield f"{here.child('key')}: {each['key']} is {LABELS[each['key']]}"
        for number, value in enumerate(each.get("values") or () if values else ()):
            for words in names.label_value(value):
                yield f"{here.child('values').index(number)}: {value} is invalid, {words}"


def _volumes(spec: Object, path: Path) -> Iterator[str]:
    for position, volume in enumerate(spec.get("volumes") or ()):
        here = path.index(position)
        for name, words in VOLUMES.items():
            if volume.get(name) is not None:
                yield f"{here.child(_SPELLED.get(name, name))}: {words}"
        if claim := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
            yield from warn_claim_spec(claim.get("spec") or {}, here.child("ephemeral", "volumeClaimTemplate", "spec"))


_SPELLED = {"storageos": "storageOS"}


def _twice(items: Sequence[Object], name: str, path: Path) -> Iterator[str]:
    seen: set[str] = set()
    for position, each in enumerate(items):
        value = each.get(name, "")
        if value in seen:
            yield f"{path.index(position).child(name)}: duplicate {name} {show(value)}"
        seen.add(value)


def _pull_secrets(secrets: Sequence[Object], path: Path) -> Iterator[str]:
    yield from _twice(secrets, "name", path)
    for position, each in enumerate(secrets):
        if not each.get("name"):
            yield f'{path.index(position).child("name")}: invalid empty name ""'


def _no_seccomp(path: Path) -> str:
    return f"{path}: non-functional in v1.27+; {USE_FIELD.format('seccompProfile')}"


def _annotated(container: Object, annotations: Object, path: Path, *, app_armor: bool) -> Iterator[str]:
    """What annotations said of a container once, and no field says now."""
    context, name = container.get("securityContext") or {}, container.get("name", "")
    if context.get("seccompProfile") is None and SECCOMP_CONTAINER + name in annotations:
        yield _no_seccomp(path.key(SECCOMP_CONTAINER + name))
    if app_armor and context.get("appArmorProfile") is None and APP_ARMOR + name in annotations:
        yield f"{path.key(APP_ARMOR + name)}: deprecated since v1.30; {USE_FIELD.format('appArmorProfile')}"


def _fractions(amounts: Object | None, path: Path) -> Iterator[str]:
    for name in ("memory", "ephemeral-storage"):
        text = (amounts or {}).get(name)
        if text is not None and parse(text).nanos % 10**9:
            yield f'{path.key(name)}: fractional byte value "{text}" is invalid, must be an integer'


def _environment(container: Object, path: Path) -> Iterator[str]:
    seen: set[str] = set()
    for position, variable in enumerate(container.get("env") or ()):
        name, value = variable.get("name", ""), variable.get("value", "")
        # FOO=$(FOO)… extends what was there before: nothing is hidden
        extends = f"$({name})" in value and value != f"$({name})" and variable.get("valueFrom") is None
        if name in seen and not extends:
            words = f"hides previous definition of {show(name)}, which may be dropped when using apply"
            yield f"{path.child('env').index(position)}: {words}"
        seen.add(name)


def _pod_affinity(affinity: Object, path: Path) -> Iterator[str]:
    for name in ("podAffinity", "podAntiAffinity"):
        found, here = affinity.get(name) or {}, path.child(name)
        for position, term in enumerate(found.get(REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{here.child(REQUIRED).index(position).child('labelSelector')}: {NO_POD}"
        for position, each in enumerate(found.get(PREFERRED) or ()):
            if (each.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{here.child(PREFERRED).index(position).child('podAffinityTerm', 'labelSelector')}: {NO_POD}"


def _addresses(spec: Object, path: Path) -> Iterator[str]:
    for position, server in enumerate((spec.get("dnsConfig") or {}).get("nameservers") or ()):
        yield from warn_address(server, path.child("dnsConfig", "nameservers").index(position))
    for position, alias in enumerate(spec.get("hostAliases") or ()):
        yield from warn_address(alias.get("ip", ""), path.child("hostAliases").index(position).child("ip"))


def _ports(spec: Object, path: Path) -> list[str]:
    found: list[str] = []
    seen: dict[tuple[int, str], list[tuple[Path, Object]]] = {}
    for container, around in _containers(spec, path):
        for position, port in enumerate(container.get("ports") or ()):
            here = around.child("ports").index(position)
            if port.get("hostIP") and not port.get("hostPort"):
                found.append(f"{here}: hostIP set without hostPort: {_shown(port)}")
            key = (port.get("containerPort", 0), port.get("protocol", ""))
            for where, other in seen.get(key, ()):
                if words := _overlap(port, other):
                    found.append(f"{here}: {words} port definition with {where}")
            seen.setdefault(key, []).append((here, port))
    return found


def _overlap(port: Object, other: Object) -> str:
    mine, theirs = port.get("hostPort", 0), other.get("hostPort", 0)
    address, another = port.get("hostIP", ""), other.get("hostIP", "")
    if (mine, address) == (theirs, another):
        return "duplicate"
    if not mine or not theirs:
        return "overlapping"
    return "dangerously ambiguous" if mine == theirs and bool(address) != bool(another) else ""


def _shown(port: Object) -> str:
    """As Go's %+v."""
    fields = {"name": "", "hostPort": 0, "containerPort": 0, "protocol": "", "hostIP": ""}
    shown = (f"{name[0].upper()}{name[1:]}:{port.get(name, zero)}" for name, zero in fields.items())
    return f"{{{' '.join(shown)}}}"


def _port_names(spec: Object, path: Path) -> list[str]:
    found: list[str] = []
    seen: dict[str, Path] = {}
    for container, around in _containers(spec, path):
        for number, port in enumerate(container.get("ports") or ()):
            here, name = around.child("ports").index(number), port.get("name")
            if name in seen:
                other = seen[name]
                words = f"services and probes that select ports by name will use {other}"
                found.append(f'{here}: duplicate port name "{name}" with {other}, {words}')
            elif name:
                seen[name] = here
    return found
