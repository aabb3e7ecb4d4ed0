"""Do a policy's expressions fit the kinds that it is for? What does not is warned of in its status, no more.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from apiserver.cel import CompileError
from apiserver.cel.schemas import type_of
from apiserver.cel.types import DYN
from apiserver.kinds.admissionregistration.expressions import FAILED, Environment
from apiserver.kinds.kind import Kind
from podling.api.field import Path

Object = dict[str, Any]

MOST_KINDS = 10
EXPRESSIONS = ("expression", "messageExpression")


def warnings(spec: Mapping[str, Any], served: Iterable[Kind]) -> list[Object]:
    """`fieldRef` and `warning` of each expression that is wrong about a kind."""
    known = list(served)
    kinds, parameter = _kinds(spec, known), _parameter(spec, known)
    found: list[Object] = []
    for position, validation in enumerate(spec.get("validations") or ()):
        for name in EXPRESSIONS:
            text = validation.get(name)
            told = [words for kind in kinds if (words := _wrong(spec, text, kind, parameter))] if text else []
            if told:
                path = Path("spec").child("validations").index(position).child(name)
                found.append({"fieldRef": str(path), "warning": "\n".join(told)})
    return found


def _kinds(spec: Mapping[str, Any], known: Iterable[Kind]) -> list[Kind]:
    """Those that the rules name, without wildcards and subresources."""
    named: set[tuple[str, str, str]] = set()
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
        if "*" in groups or "*" in versions:
            continue
        plurals = [each for each in rule.get("resources") or () if "*" not in each and "/" not in each]
        named |= {(group, version, plural) for group in groups for version in versions for plural in plurals}
    found = [kind for kind in known if (kind.group, kind.version, kind.plural) in named]
    return sorted(found, key=lambda kind: (kind.group, kind.version, kind.kind))[:MOST_KINDS]


def _parameter(spec: Mapping[str, Any], known: Iterable[Kind]) -> Kind | None:
    said = spec.get("paramKind") or {}
    wanted = (said.get("apiVersion"), said.get("kind"))
    return next((kind for kind in known if (kind.api_version, kind.kind) == wanted), None)


def _wrong(spec: Mapping[str, Any], text: str, kind: Kind, parameter: Kind | None) -> str:
    environment = Environment(
        params=parameter is not None,
        composed=bool(spec.get("variables")),
        written=type_of(kind.schema),
        parameter=type_of(parameter.schema) if parameter else DYN,
    )
    try:
        for variable in spec.get("variables") or ():
            _add(environment, variable)
        environment.compile(text)
    except CompileError as error:
        return f"{kind.group}/{kind.version}, Kind={kind.kind}: {str(error).removeprefix(FAILED)}\n"
    return ""


def _add(environment: Environment, variable: Mapping[str, Any]) -> None:
    """What is wrong with a variable shows where it is used."""
    try:
        environment.add(variable["name"], variable["expression"])
    except CompileError:
        return
