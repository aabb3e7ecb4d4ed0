"""An EncryptionConfiguration, checked. Pure. Source of rules and words: k8s.io/apiserver/pkg/apis/config/validation."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, NamedTuple

from podling.api import field
from podling.api.errors import GroupResource
from podling.api.field import ErrorList, Path

Object = dict[str, Any]

API_VERSION = "apiserver.config.k8s.io/v1"
KEY_BYTES = {"aesgcm": (16, 24, 32), "aescbc": (16, 24, 32), "secretbox": (32,)}
PROVIDERS = (*KEY_BYTES, "identity", "kms")
WITHOUT_REST = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")


class ConfigurationError(ValueError):
    """The configuration cannot be used; the message is for whoever wrote it."""


class Key(NamedTuple):
    name: str
    secret: bytes


class Provider(NamedTuple):
    """`kind` is aesgcm, aescbc, secretbox or identity, which has no keys."""

    kind: str
    keys: tuple[Key, ...] = ()


class Rule(NamedTuple):
    """The first of `providers` writes, all of them read."""

    resources: tuple[GroupResource, ...]
    providers: tuple[Provider, ...]

    def means(self, resource: GroupResource) -> bool:
        return any(each in (resource, (resource.group, "*"), ("*", "*")) for each in self.resources)


def read(body: Any) -> list[Rule]:
    """Raises `ConfigurationError`."""
    if not isinstance(body, dict) or (body.get("apiVersion"), body.get("kind")) != (
        *(API_VERSION, "EncryptionConfiguration"),
    ):
        raise ConfigurationError(f"it is to be of kind EncryptionConfiguration, apiVersion {API_VERSION}")
    root = Path("resources")
    rules = body.get("resources") or []
    errors = [] if rules else [field.required(root, "at least one resources is required")]
    for position, rule in enumerate(rules):
        errors += _rule(rule, root.index(position))
    if errors:
        raise ConfigurationError("; ".join(map(str, errors)))
    return [_made(rule) for rule in rules]


def _made(rule: Object) -> Rule:
    providers = []
    for given in rule["providers"]:
        kind, found = next((kind, given[kind]) for kind in PROVIDERS if given.get(kind) is not None)
        keys = tuple(Key(key["name"], base64.b64decode(key["secret"])) for key in found.get("keys") or ())
        providers.append(Provider(kind, keys))
    return Rule(tuple(map(parsed, rule["resources"])), tuple(providers))


def parsed(text: str) -> GroupResource:
    """`secrets`, `deployments.apps`, `*.apps`, `*.` (the core group's), `*.*`."""
    resource, _, group = text.partition(".")
    return GroupResource(group, resource)


def _rule(rule: Object, path: Path) -> ErrorList:
    errors: ErrorList = []
    resources, here = rule.get("resources") or [], path.child("resources")
    if not resources:
        errors.append(field.required(here, f"at least one {here} is required"))
    errors += _overlap(resources, here)
    for position, text in enumerate(resources):
        if words := _wrong_name(text):
            errors.append(field.invalid(here.index(position), text, words))
    providers, here = rule.get("providers") or [], path.child("providers")
    if not providers:
        errors.append(field.required(here, f"at least one {here} is required"))
    for position, provider in enumerate(providers):
        errors += _provider(provider or {}, here.index(position))
    return errors


def _overlap(resources: Sequence[str], path: Path) -> ErrorList:
    found = [parsed(text) for text in resources]
    errors: ErrorList = []
    if len(set(found)) < len(found):
        words = "the same resource cannot be specified multiple times"
        errors.append(field.invalid(path, list(resources), words))
    groups = [each.group for each in found if each.resource == "*"]
    if len(found) > 1 and ("*" in groups or any(each.group in groups and each.resource != "*" for each in found)):
        words = (
            "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they "
            "will be masked"
        )
        errors.append(field.invalid(path, list(resources), words))
    return errors


def _wrong_name(text: str) -> str:
    resource = parsed(text)
    if text != text.lower():
        return "resource name should not contain capital letters"
    if text == "*":
        return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
    if text in WITHOUT_REST:
        return "resources which do not have REST API/s cannot be encrypted"
    if resource.group == "events.k8s.io":
        words = "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. "
        return words + "Use 'events' instead in the config file"
    if resource.group == "extensions":
        return "'extensions' group has been removed and cannot be used for encryption"
    if resource.group == "*" and resource.resource != "*":
        return "encrypting the same resource across groups is not supported"
    return ""


def _provider(provider: Object, path: Path) -> ErrorList:
    kinds = [kind for kind in PROVIDERS if provider.get(kind) is not None]
    if not kinds:
        words = "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
        return [field.invalid(path, sorted(provider), words)]
    if len(kinds) > 1:
        words = "more than one provider specified in a single element, should split into different list elements"
        return [field.invalid(path, kinds, words)]
    kind = kinds[0]
    if kind == "kms":
        return [field.forbidden(path.child(kind), "podling speaks to no KMS plugin: use aesgcm, secretbox or aescbc")]
    return _keys(provider[kind].get("keys") or [], path.child(kind, "keys"), kind) if kind in KEY_BYTES else []


def _keys(keys: Sequence[Object], path: Path, kind: str) -> ErrorList:
    if not keys:
        return [field.required(path, "at least one keys is required")]
    errors: ErrorList = []
    for position, key in enumerate(keys):
        here = path.index(position)
        if not key.get("name"):
            errors.append(field.required(here.child("name"), "name is a mandatory field for a key"))
        if not key.get("secret"):
            errors.append(field.required(here.child("secret"), "secret is a mandatory field for a key"))
            continue
        try:
            size = len(base64.b64decode(key["secret"], validate=True))
        except (binascii.Error, ValueError):
            errors.append(field.invalid(here.child("secret"), "REDACTED", "secrets must be base64 encoded"))
            continue
        if size not in KEY_BYTES[kind]:
            expected = " ".join(map(str, KEY_BYTES[kind]))
            words = f"secret is not of the expected length, got {size}, expected one of [{expected}]"
            errors.append(field.invalid(here.child("secret"), "REDACTED", words))
    return errors
