"""One request as the audit log tells it: what is known at each stage becomes an Event. Pure.

Source: k8s.io/apiserver/pkg/audit/request.go and pkg/endpoints/filters/audit.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import yaml

from apiserver.audit.policy import REQUEST, RESPONSE, Told
from apiserver.request import Attributes, User

Object = dict[str, Any]

PATCHES = "patch.webhook.admission.k8s.io/"


@dataclass(slots=True)
class Record:
    """`request_body` and `response` are filled in as they become known; `annotations` by whoever decides something."""

    told: Told
    audit_id: str
    asked: Attributes
    uri: str
    agent: str
    sources: Sequence[str]
    received: str  # a MicroTime
    annotations: dict[str, str] = field(default_factory=dict)
    impersonated: User | None = None
    request_body: bytes = b""
    content_type: str = ""
    response: Object | None = None  # a Status where it failed

    def event(self, stage: str, now: str, status: Object | None = None) -> Object | None:
        """None where the policy does not want it; `status` is the answer's {code, …}, None before there is one."""
        if stage in self.told.omit_stages:
            return None
        made: Object = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": self.told.level,
            "auditID": self.audit_id,
            "stage": stage,
            "requestURI": self.uri,
            "verb": self.asked.verb,
            "user": _user(self.asked.user),
        }
        if self.impersonated is not None:
            made["impersonatedUser"] = _user(self.impersonated)
        if self.sources:
            made["sourceIPs"] = list(self.sources)
        if self.agent:
            made["userAgent"] = self.agent
        sent = self._sent() if self.request_body else None
        if self.asked.resource:
            made["objectRef"] = self._reference(sent if isinstance(sent, dict) else {})
        if status is not None:
            made["responseStatus"] = {"metadata": {}, **status}
            if sent is not None and self.told.has(REQUEST):
                made["requestObject"] = self._shown(sent)
            if self.response is not None and self.told.has(RESPONSE):
                made["responseObject"] = self._shown(self.response)
        made |= {"requestReceivedTimestamp": self.received, "stageTimestamp": now}
        if annotations := self._annotations():
            made["annotations"] = annotations
        return made

    def _annotations(self) -> dict[str, str]:
        """What a webhook patched is as secret as the request's body."""
        kept = self.told.has(REQUEST)
        return {key: text for key, text in sorted(self.annotations.items()) if kept or not key.startswith(PATCHES)}

    def _sent(self) -> Any:
        """The body, where it can be read."""
        try:
            if "yaml" in self.content_type:
                return yaml.safe_load(self.request_body)
            return msgspec.json.decode(self.request_body)
        except (ValueError, yaml.YAMLError, RecursionError):
            return None

    def _reference(self, sent: Object) -> Object:
        asked, meta = self.asked, sent.get("metadata") or {}
        meta = meta if isinstance(meta, dict) and asked.verb in ("create", "update") else {}
        parts = {
            "resource": asked.resource,
            "namespace": asked.namespace or meta.get("namespace"),
            "name": asked.name or meta.get("name"),
            "uid": meta.get("uid"),
            "apiGroup": asked.group,
            "apiVersion": asked.version,
            "resourceVersion": meta.get("resourceVersion"),
            "subresource": asked.subresource,
        }
        return {key: value for key, value in parts.items() if value}

    def _shown(self, value: Any) -> Any:
        if not self.told.omit_managed_fields or not isinstance(value, dict):
            return value
        value = _unmanaged(value)
        if isinstance(value.get("items"), list):
            value["items"] = [_unmanaged(each) if isinstance(each, dict) else each for each in value["items"]]
        return value


def attempted(headers: Mapping[str, str]) -> str:
    """What is told of a request that nobody was known by."""
    kind = headers.get("Authorization", "").strip().partition(" ")[0].lower()
    if kind in ("bearer", "basic"):
        return f"Authentication failed, attempted: {kind}"
    return "Authentication failed, no credentials provided"


def _unmanaged(value: Object) -> Object:
    meta = value.get("metadata")
    if not isinstance(meta, dict) or "managedFields" not in meta:
        return dict(value)
    return {**value, "metadata": {key: each for key, each in meta.items() if key != "managedFields"}}


def _user(user: User) -> Object:
    made: Object = {"username": user.name} if user.name else {}
    if user.uid:
        made["uid"] = user.uid
    if user.groups:
        made["groups"] = list(user.groups)
    if user.extra:
        made["extra"] = {key: list(values) for key, values in user.extra.items()}
    return made
