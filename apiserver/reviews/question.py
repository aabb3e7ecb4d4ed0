"""What all reviews share: their metadata, managed fields and admission."""

from typing import Any

from apiserver.context import Context
from apiserver.kinds.kind import Kind
from apiserver.managedfields.track import track as track_fields
from apiserver.options import write_options
from apiserver.request import Request, User
from apiserver.schema.schema import Schema
from apiserver.verbs import admitted
from apiserver.verbs.call import manager_of
from podling.api.errors import NotFound
from podling.api.meta import timestamp

Object = dict[str, Any]

SYSTEM = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")


def kind_of(context: Context, request: Request) -> Kind:
    """The kind that the address names."""
    asked = request.attributes
    kind = context.kinds.find(asked.group, asked.version, asked.resource)
    if kind is None:
        raise NotFound("the server could not find the requested resource", {})
    return kind


def wipe(body: Object) -> Object:
    """Its metadata, without what nobody but the server says."""
    metadata: Object = body.setdefault("metadata", {})
    for name in SYSTEM:
        metadata.pop(name, None)
    return metadata


def track(context: Context, request: Request, body: Object, schema: Schema, api_version: str) -> None:
    """Say in managedFields what the caller set, as on every object that passes."""
    options = write_options(request.options, "CreateOptions")
    track_fields(
        body,
        None,
        manager=options.field_manager or manager_of(request.user_agent),
        operation="Update",
        api_version=api_version,
        subresource=request.attributes.subresource,
        schema=schema,
        now=timestamp(context.registry.clock.now()),
    )


async def admit(context: Context, request: Request, kind: Kind, body: Object) -> None:
    await admitted.admit(context, request, kind, request.attributes.subresource, body)


def user_info(user: User) -> Object:
    """A user as authentication.k8s.io/v1 UserInfo."""
    shown: Object = {"username": user.name, "uid": user.uid, "groups": list(user.groups)}
    shown["extra"] = {key: list(values) for key, values in user.extra.items()}
    return {key: value for key, value in shown.items() if value}
