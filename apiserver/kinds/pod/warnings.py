"""What is valid in a pod but unwise. Source: kubernetes/pkg/api/pod/warnings.go."""

from collections.abc import Iterator, Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.affinity import PREFERRED, REQUIRED
from podling.api.field import Path
from podling.api.quantity import parse

SPEC = Path("spec")
PARTS = ("initContainers", "containers", "ephemeralContainers")
LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
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
    return found + warn_spec(pod.get("spec") or {}, SPEC)


def warn_spec(spec: Object, path: Path) -> list[str]:
    found = list(_labels(spec, path))
    found += _pull_secrets(spec.get("imagePullSecrets") or (), path.child("imagePullSecrets"))
    for position, volume in enumerate(spec.get("volumes") or ()):
        here = path.child("volumes").index(position)
        found += [f"{here.child(name)}: {words}" for name, words in VOLUMES.items() if volume.get(name) is not None]
    for container, here in _containers(spec, path):
        found += _environment(container, here)
        found += _fractions(container.get("resources") or {}, here.child("resources"))
    found += _fractions(spec.get("resources") or {}, path.child("resources"))
    return found + _ports(spec, path) + _port_names(spec, path)


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
        yield from warn_term(each.get("preference") or {}, here.child(PREFERRED).index(position).child("preference"))
    for position, each in enumerate(spec.get("topologySpreadConstraints") or ()):
        here = path.child("topologySpreadConstraints").index(position)
        if each.get("topologyKey") in LABELS:
            yield f"{here.child('topologyKey')}: {each['topologyKey']} is {LABELS[each['topologyKey']]}"
        if each.get("labelSelector") is None:
            yield f"{here.child('labelSelector')}: a null labelSelector results in matching no pod"


def warn_term(term: Object, path: Path) -> Iterator[str]:
    for position, each in enumerate(term.get("matchExpressions") or ()):
        if each.get("key") in LABELS:
            here = path.child("matchExpressions").index(position).child("key")
            yield f"{here}: {each['key']} is {LABELS[each['key']]}"


def _pull_secrets(secrets: Sequence[Object], path: Path) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    for position, each in enumerate(secrets):
        here, name = path.index(position).child("name"), each.get("name", "")
        if not name:
            found.append(f'{here}: invalid empty name ""')
        elif name in seen:
            found.append(f'{here}: duplicate name "{name}"')
        seen.add(name)
    return found


def _environment(container: Object, path: Path) -> list[str]:
    found: list[str] = []
    values: dict[str, str] = {}
    for position, variable in enumerate(container.get("env") or ()):
        name = variable.get("name", "")
        # FOO=$(FOO)… extends what was there before: nothing is hidden
        if name in values and f"$({name})" not in variable.get("value", ""):
            words = f'hides previous definition of "{name}", which may be dropped when using apply'
            found.append(f"{path.child('env').index(position)}: {words}")
        values[name] = variable.get("value", "")
    return found


def _fractions(resources: Object, path: Path) -> list[str]:
    found: list[str] = []
    for part in ("limits", "requests"):
        for name in ("memory", "ephemeral-storage"):
            text = (resources.get(part) or {}).get(name)
            if text is not None and parse(text).nanos % 10**9:
                words = f'fractional byte value "{text}" is invalid, must be an integer'
                found.append(f"{path.child(part).key(name)}: {words}")
    return found


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
    for position, container in enumerate(spec.get("containers") or ()):
        for number, port in enumerate(container.get("ports") or ()):
            here, name = path.child("containers").index(position).child("ports").index(number), port.get("name")
            if name in seen:
                other = seen[name]
                words = f"services and probes that select ports by name will use {other}"
                found.append(f'{here}: duplicate port name "{name}" with {other}, {words}')
            elif name:
                seen[name] = here
    return found
