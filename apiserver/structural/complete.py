"""What alternatives speak of is also said outside of them.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/complete.go.
"""

from typing import Any

from podling.api import field
from podling.api.field import ErrorList, Path


def complete(props: Any, path: Path) -> ErrorList:
    return _values(props, props, path, path)


def _values(said: Any, props: Any, path: Path, where: Path) -> ErrorList:
    """`said` at `where` restricts what `props` at `path` declares."""
    if not isinstance(said, dict):
        return []
    found = _nested(said.get("not"), props, path, where.child("not"))
    for name in ("allOf", "anyOf", "oneOf"):
        for position, each in enumerate(said.get(name) or ()):
            found += _nested(each, props, path, where.child(name).index(position))
    return found


def _nested(said: Any, props: Any, path: Path, where: Path) -> ErrorList:
    if not isinstance(said, dict):
        return []
    if not isinstance(props, dict):
        return [field.required(path, f"because it is defined in {where}")]
    found = _values(said, props, path, where)
    found += _nested(said.get("items"), props.get("items"), path.child("items"), where.child("items"))
    for name, each in (said.get("properties") or {}).items():
        at, there = path.child("properties").key(name), where.child("properties").key(name)
        found += _nested(each, (props.get("properties") or {}).get(name), at, there)
    return found
