"""DELETE of one object, and of many."""

from typing import Any

from apiserver.answer import Answer, ListAnswer
from apiserver.managedfields import manager_name
from apiserver.objects.deletion import DeleteOptions, Step
from apiserver.objects.lists import Reader
from apiserver.objects.registry import Write
from apiserver.options import delete_options, list_options
from apiserver.schema.decode import parse, recognize
from apiserver.schema.load import schema
from apiserver.schema.shape import Mismatch, Notes, shaper
from apiserver.schema.text import Malformed
from apiserver.verbs.call import Call
from podling.api import errors
from podling.api.errors import BadRequest
from podling.api.field import show

SCHEME = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"


async def delete(call: Call) -> Answer:
    options = _options(call)
    if call.kind.warn_orphans and options.says_nothing:
        call.request.warnings.append(call.kind.warn_orphans)
    found = await call.context.registry.delete(call.kind, call.namespace, call.name, options, _write(call, options))
    cached = found.cached
    if found.step is not Step.GO or call.kind.returns_deleted:
        return Answer(cached.object, 200, call.kind, cached)
    details = {"name": call.name, "group": call.kind.group, "kind": call.kind.plural, "uid": cached.metadata["uid"]}
    details = {name: value for name, value in details.items() if value}
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    return Answer(status)


async def delete_collection(call: Call) -> ListAnswer:
    """Answers with the objects as they were before."""
    wanted = list_options(call.request.options, call.kind)
    options = _options(call)
    listed = await Reader(call.context.feed).list(call.kind, call.namespace, wanted)
    for cached in listed.items:
        meta = cached.metadata
        write = _write(call, options)
        try:
            await call.context.registry.delete(call.kind, meta.get("namespace", ""), meta["name"], options, write)
        except errors.NotFound:
            continue  # somebody else was faster
    return listed


def _write(call: Call, options: DeleteOptions) -> Write:
    return Write(
        user=call.request.attributes.user,
        manager=manager_name("", call.request.user_agent),
        dry_run=options.dry_run,
        options=dict(call.request.options),
        warnings=call.request.warnings,
        annotations=call.request.annotations,
    )


def _options(call: Call) -> DeleteOptions:
    return delete_options(call.request.options, _body(call.request.body, call.request.content_type))


def _body(raw: bytes, content_type: str) -> dict[str, Any] | None:
    """The options in the body, of any group and version; raises `BadRequest`."""
    if not raw:
        return None
    try:
        body, _ = parse(raw, content_type)
        version, kind = recognize(body)
    except Malformed as error:
        raise BadRequest(str(error)) from None
    if kind not in ("", "DeleteOptions"):
        known = f"{show(kind)} is registered for version {show(version or 'v1')} in scheme {show(SCHEME)}"
        raise BadRequest(f"no kind {known}")
    try:
        return dict(shaper(schema("meta.v1.DeleteOptions"))(body or {}, None, Notes()))
    except Mismatch as error:
        raise BadRequest(str(error)) from None
