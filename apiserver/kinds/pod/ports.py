"""Ports of containers. Source: kubernetes/pkg/apis/core/validation.validateContainerPorts."""

from collections.abc import Sequence

from apiserver.kinds import names
from apiserver.kinds.kind import Object
from podling.api import field
from podling.api.field import ErrorList, Path

PROTOCOLS = ("SCTP", "TCP", "UDP")
PORT_RANGE = "must be between 1 and 65535, inclusive"


def number(port: int, path: Path) -> ErrorList:
    return [] if 1 <= port <= 65535 else [field.invalid(path, port, PORT_RANGE)]


def port_or_name(port: int | str, path: Path) -> ErrorList:
    """A port that may be named: a container's, as a probe or a Service means it."""
    return names.each(path, port, names.port(port)) if isinstance(port, str) else number(port, path)


def validate_ports(ports: Sequence[Object], path: Path) -> ErrorList:
    errors: ErrorList = []
    seen: set[str] = set()
    for position, port in enumerate(ports):
        here = path.index(position)
        if name := port.get("name"):
            if messages := names.port(name):
                errors += names.each(here.child("name"), name, messages)
            elif name in seen:
                errors.append(field.duplicate(here.child("name"), name))
            else:
                seen.add(name)
        if not port.get("containerPort"):
            errors.append(field.required(here.child("containerPort")))
        else:
            errors += number(port["containerPort"], here.child("containerPort"))
        if port.get("hostPort"):
            errors += number(port["hostPort"], here.child("hostPort"))
        protocol = port.get("protocol")
        if not protocol:
            errors.append(field.required(here.child("protocol")))
        elif protocol not in PROTOCOLS:
            errors.append(field.not_supported(here.child("protocol"), protocol, PROTOCOLS))
    return errors


def host_port_conflicts(containers: Sequence[Object], path: Path) -> ErrorList:
    """Two containers that run at once cannot have one port of the host."""
    errors: ErrorList = []
    seen: set[str] = set()
    for position, container in enumerate(containers):
        for number_, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if key in seen:
                here = path.index(position).child("ports").index(number_).child("hostPort")
                errors.append(field.duplicate(here, key))
            seen.add(key)
    return errors


def validate_host_network(spec: Object, path: Path, *, of_pod: bool) -> ErrorList:
    """On the host's network a port is the host's. A template may leave it out: its pods get it when they are made."""
    if not spec.get("hostNetwork"):
        return []
    errors: ErrorList = []
    for position, container in enumerate(spec.get("containers") or ()):
        for number_, port in enumerate(container.get("ports") or ()):
            host_port = port.get("hostPort", 0)
            if (of_pod or host_port) and host_port != port.get("containerPort", 0):
                here = path.child("containers").index(position).child("ports").index(number_).child("hostPort")
                words = "must match `containerPort` when `hostNetwork` is true"
                errors.append(field.invalid(here, host_port, words))
    return errors
