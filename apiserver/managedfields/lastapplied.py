"""kubectl's annotation of client-side apply, when the same object is then applied by the server.

Only the manager named kubectl is treated so: what it last applied on the client is its own, and no conflict.
Source: apimachinery's lastappliedmanager.go and lastappliedupdater.go.
"""

import json
from typing import Any

from apiserver.managedfields.compare import compare
from apiserver.managedfields.entries import Manager
from apiserver.managedfields.fieldset import FieldSet
from apiserver.managedfields.mentioned import fields_of
from apiserver.managedfields.shape import SchemaError, Shape

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"

Object = dict[str, Any]


def _annotations(found: Object) -> Object:
    return found.get("metadata", {}).get("annotations") or {}


def allowed_conflicts(live: Object, who: Manager, api_version: str, shape: Shape) -> FieldSet | None:
    """The fields that client-side apply last wrote and nobody changed since; None where that does not apply."""
    text = _annotations(live).get(ANNOTATION)
    if who.name != "kubectl" or not text:
        return None
    try:
        last = json.loads(text)
        if not isinstance(last, dict) or last.get("apiVersion") != api_version:
            return None
        found = compare(last, live, shape)
        return fields_of(last, shape) - found.modified - found.added - found.removed
    except (ValueError, SchemaError):
        return None


def refresh(applied: Object, config: Object) -> None:
    """Keep the annotation, where there is one, in step with what is applied now."""
    if not _annotations(applied).get(ANNOTATION):
        return
    meta = {**(config.get("metadata") or {})}
    if noted := meta.get("annotations"):
        meta["annotations"] = {name: value for name, value in noted.items() if name != ANNOTATION}
    elif noted is None:
        meta.pop("annotations", None)
    bare = {**config, "metadata": meta}
    applied["metadata"]["annotations"][ANNOTATION] = _encoded(bare)


def _encoded(value: Object) -> str:
    """As Go writes JSON: keys sorted, what HTML could misread escaped, a line end."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    for letter in "&<>\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text + "\n"
