"""A changed object takes the place of the one that is written, whoever changed it: a webhook or a policy."""

from typing import Any

import msgspec

from apiserver.admission.plugin import Admission
from apiserver.admission.webhooks.hooks import internal
from apiserver.kinds.kind import Kind
from apiserver.schema.shape import Mismatch, Notes, shaper
from podling.api.errors import BadRequest

Object = dict[str, Any]


class ConnectOptions(msgspec.Struct, omit_defaults=True):
    """PodExecOptions and their kin: the options of every kind of connection."""

    kind: str
    apiVersion: str
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False
    container: str = ""
    command: list[str] = []
    ports: list[int] = []
    path: str = ""


def shaped(write: Admission, kind: Kind, patched: Any) -> Object:
    """As its type has it: fields that it does not know are gone, and a field of another type is refused."""
    if write.operation == "CONNECT":
        return _options(patched)
    sub = kind.subresource(write.subresource) if write.subresource else None
    schema = sub.schema if sub is not None and sub.kind else kind.schema
    if schema is None or not isinstance(patched, dict):
        raise internal("the patched object is no object of its kind")
    try:
        made: Object = shaper(schema)(patched, None, Notes())
    except Mismatch as error:
        raise internal(str(error)) from None
    return {**made, "kind": patched.get("kind"), "apiVersion": patched.get("apiVersion")}


def _options(patched: Any) -> Object:
    try:
        found: Object = msgspec.to_builtins(msgspec.convert(patched, ConnectOptions))
    except msgspec.ValidationError as error:
        raise internal(str(error)) from None
    return found


async def become(write: Admission, kind: Kind, new: Object) -> None:
    """The write's object, from what it became in the webhook's version, with its defaults."""
    if write.operation == "CONNECT":
        return write.become(new)
    sub = write.kind.subresource(write.subresource) if write.subresource else None
    namespace = (new.get("metadata") or {}).get("namespace", "")
    if write.kind.namespaced and namespace != write.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    if sub is not None and sub.view is not None:
        assert write.object is not None
        return sub.view.write(new, write.object)
    if sub is not None and sub.kind:
        return write.become(new)
    kind.default(new)
    if kind is not write.kind and write.kind.versions is not None:
        new = (await write.kind.versions.convert([new], write.kind))[0]
        write.kind.default(new)
    return write.become(new)
