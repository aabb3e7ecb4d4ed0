"""AdmissionReview: what a webhook is asked, and what it may answer. Pure.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go, errors/statuserror.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from apiserver.admission.matching import namespace_of
from apiserver.admission.plugin import Admission
from apiserver.kinds.kind import Kind
from podling.api.errors import BY_CODE, BadRequest
from podling.api.field import show

Object = dict[str, Any]

VERSIONS = ("v1", "v1beta1")
KIND = "AdmissionReview"
OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}
JSON_PATCH = "JSONPatch"
MOST_CODE = 599


class Unusable(Exception):
    """No review can be made, or its answer is none: the call has failed."""


class Denied(BadRequest):
    """A webhook's refusal, with the code, reason and details of its choice."""

    def __init__(self, name: str, result: Mapping[str, Any]) -> None:
        why = result.get("message") or result.get("reason") or ""
        denied = f"admission webhook {show(name)} denied the request"
        super().__init__(f"{denied}: {why}" if why else f"{denied} without explanation", result.get("details"))
        code = result.get("code") or 0
        self.code = min(max(code, 400), MOST_CODE)  # type: ignore[misc]
        self.reason = result.get("reason") or ""  # type: ignore[misc]
        self.grpc = BY_CODE.get(self.code, BadRequest).grpc  # type: ignore[misc]

    def status(self) -> Object:
        return {name: value for name, value in super().status().items() if name != "reason" or value}


@dataclass(frozen=True, slots=True)
class Shown:
    """A write as a webhook sees it: in the version of `kind`, the objects with their kind and apiVersion."""

    kind: Kind
    object: Object | None
    old: Object | None


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    result: Object = field(default_factory=dict)
    patch: bytes = b""
    patch_type: str = ""
    warnings: Sequence[str] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


def version_of(accepted: Sequence[str]) -> str:
    """The first that both sides know."""
    found = next((version for version in accepted if version in VERSIONS), None)
    if found is None:
        known = ", ".join(VERSIONS)
        raise Unusable(
            f"could not create admission objects: webhook does not accept known AdmissionReview versions ({known})"
        )
    return found


def question(write: Admission, shown: Shown, uid: str, version: str) -> Object:
    request: Object = {
        "uid": uid,
        "kind": gvk(shown.kind, write.subresource),
        "resource": _resource(shown.kind),
        "subResource": write.subresource,
        "requestKind": gvk(write.kind, write.subresource),
        "requestResource": _resource(write.kind),
        "requestSubResource": write.subresource,
        "name": write.name,
        "namespace": namespace_of(write),
        "operation": write.operation,
        "userInfo": _user(write),
    }
    request = {name: value for name, value in request.items() if value}
    told = {"object": shown.object, "oldObject": shown.old, "dryRun": write.dry_run, "options": options(write)}
    return {"kind": KIND, "apiVersion": f"admission.k8s.io/{version}", "request": request | told}


def gvk(kind: Kind, subresource: str) -> Object:
    """The kind of bodies there: a subresource may have its own."""
    sub = kind.subresource(subresource) if subresource else None
    if sub is not None and sub.kind:
        return {"group": sub.group, "version": sub.version or "v1", "kind": sub.kind}
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _resource(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "resource": kind.plural}


def _user(write: Admission) -> Object:
    user = write.user
    extra = {key: list(values) for key, values in user.extra.items()}
    found = {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": extra}
    return {name: value for name, value in found.items() if value}


def options(write: Admission) -> Object | None:
    kind = OPTIONS.get(write.operation)
    if kind is None:
        return None
    head: Object = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
    if write.operation == "DELETE":
        return head | write.options
    said = {name: write.options[name] for name in ("fieldManager", "fieldValidation") if write.options.get(name)}
    return head | ({"dryRun": ["All"]} if write.dry_run else {}) | said


class _Status(msgspec.Struct):
    message: str | None = None
    reason: str | None = None
    code: int | None = None
    details: Object | None = None


class _Response(msgspec.Struct):
    uid: str | None = None
    allowed: bool | None = None
    status: _Status | None = None
    patch: bytes | None = None
    patchType: str | None = None
    auditAnnotations: dict[str, str] | None = None
    warnings: list[str] | None = None


def verdict(answer: Object, uid: str, version: str, mutating: bool) -> Verdict:
    """Raises `Unusable`. Of v1beta1 less is demanded: its webhooks were written before anybody looked."""
    if answer.get("response") is None:
        raise Unusable("webhook response was absent")
    try:
        response = msgspec.convert(answer["response"], _Response)
    except msgspec.ValidationError as error:
        raise Unusable(f"response: {error}") from None
    patch, kind = response.patch or b"", response.patchType
    if version == "v1":
        _check(answer, response.uid or "", uid)
        _check_patch(patch, kind, mutating)
    elif patch:
        kind = JSON_PATCH
    return Verdict(
        allowed=response.allowed is True,
        result=msgspec.to_builtins(response.status or _Status()),
        patch=patch if mutating else b"",
        patch_type=kind or "" if mutating else "",
        warnings=response.warnings or (),
        annotations=response.auditAnnotations or {},
    )


def _check(answer: Object, told: str, uid: str) -> None:
    if told != uid:
        raise Unusable(f"expected response.uid={show(uid)}, got {show(told)}")
    version, kind = answer.get("apiVersion") or "/", answer.get("kind") or ""
    if (version, kind) != ("admission.k8s.io/v1", KIND):
        wanted = f"admission.k8s.io/v1, Kind={KIND}"
        raise Unusable(f"expected webhook response of {wanted}, got {version}, Kind={kind}")


def _check_patch(patch: bytes, kind: str | None, mutating: bool) -> None:
    if not mutating:
        if patch:
            raise Unusable("validating webhook may not return response.patch")
        if kind is not None:
            raise Unusable("validating webhook may not return response.patchType")
    elif patch and kind is None:
        raise Unusable("webhook returned response.patch but not response.patchType")
    elif not patch and kind is not None:
        raise Unusable("webhook returned response.patchType but not response.patch")
    elif kind == "":
        raise Unusable('webhook returned invalid response.patchType of ""')
