"""PUT: an object replaced, or its status; created where the kind allows that."""

import dataclasses
from typing import Any

from apiserver.answer import Answer
from apiserver.objects import keys, objectmeta
from apiserver.objects.cached import decode, encode
from apiserver.options import write_options
from apiserver.verbs.call import Call
from podling.api import errors

Object = dict[str, Any]


async def update(call: Call) -> Answer:
    options = write_options(call.request.options, "UpdateOptions")
    wanted = call.decoded(options.field_validation)
    call.place(wanted)
    call.check_name(wanted)
    objectmeta.dedup_owners(wanted["metadata"], call.request.warnings)
    raw = encode(wanted)

    async def replace(current: Object) -> Object:
        _check_uid(call, wanted["metadata"].get("uid"), current["metadata"]["uid"])
        return call.seen_through(wanted, current) if call.view else decode(raw)

    write = call.write(options)
    registry = call.context.registry
    while True:
        try:
            cached = await registry.update(call.kind, call.namespace, call.name, replace, write, call.sub)
            return call.answer(cached)
        except errors.NotFound:
            _check_uid(call, wanted["metadata"].get("uid"), "")
            if call.sub or not call.kind.create_on_update or not _may_create(call):
                raise
        new = decode(raw)
        new["metadata"].pop("resourceVersion", None)
        try:
            cached = await registry.create(call.kind, call.namespace, new, write)
        except errors.AlreadyExists:
            continue  # somebody else was faster
        return Answer(cached.object, 201, call.kind, cached)


def _check_uid(call: Call, said: str | None, found: str) -> None:
    """A PUT that names a uid means that object and no other."""
    if said and said != found:
        why = (
            f"StorageError: invalid object, Code: 4, Key: {keys.key(call.kind, call.namespace, call.name)}, "
            f"ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {said}, "
            f"UID in object meta: {found}"
        )
        raise errors.conflict(call.kind.resource, call.name, why)


def _may_create(call: Call) -> bool:
    asked = call.request.attributes
    create = dataclasses.replace(asked, verb="create", subresource="")
    return call.context.authorizer.authorize(create).allowed
