"""PATCH: an object changed in part, by JSON patch, merge patch, strategic merge patch, or by server-side apply."""

from typing import Any

from apiserver import managedfields
from apiserver.answer import Answer
from apiserver.crd import reading
from apiserver.kinds.kind import Kind, View
from apiserver.managedfields.elsewhere import Elsewhere
from apiserver.objects.cached import encode
from apiserver.objects.otherversions import decided
from apiserver.options import WriteOptions, write_options
from apiserver.patch.decode import OBJECT
from apiserver.patch.gotext import json_kind
from apiserver.patch.patch import APPLY_YAML, STRATEGIC_MERGE_PATCH, Patched, apply_patch
from apiserver.patch.restore import restore
from apiserver.refusal import Unexplained
from apiserver.schema import decode
from apiserver.schema.schema import Schema
from apiserver.schema.shape import Mismatch, Notes, shaper
from apiserver.schema.text import Malformed, plain
from apiserver.verbs.call import Call
from podling.api import errors
from podling.api.errors import BadRequest
from podling.api.meta import timestamp

Object = dict[str, Any]


async def patch(call: Call) -> Answer:
    content_type = call.request.content_type.partition(";")[0].strip()
    options = write_options(call.request.options, "PatchOptions", content_type)
    if content_type == APPLY_YAML:
        return await _apply(call, options)

    async def change(current: Object) -> Object:
        if call.view is None:
            return _patched(call, content_type, options, current)
        base = (call.view.base or call.view.read)(current)
        return call.seen_through(_patched(call, content_type, options, base), current)

    registry = call.context.registry
    return call.answer(
        await registry.update(call.kind, call.namespace, call.name, change, call.write(options), call.sub)
    )


def _patched(call: Call, content_type: str, options: WriteOptions, current: Object) -> Object:
    api_version, kind, schema = call.body_kind
    checked = options.field_validation != decode.IGNORE
    patched = apply_patch(content_type, current, call.request.body, schema, checked=checked)
    raw = patched.object
    unknown = Notes()
    try:
        new = _reshaped(schema, raw, current, unknown)
    except Mismatch as error:
        raise patched.refusal(str(error)) from None
    call.empties.keep(unknown.empties)
    if content_type == STRATEGIC_MERGE_PATCH:
        unknown.sort()
    elif schema.custom:
        reading.check_patched(call.kind, raw, patched.refusal)
    else:
        _check_type(api_version, kind, patched)
    if (raw.get("metadata") or {}).get("managedFields") == []:
        new["metadata"]["managedFields"] = []  # not left out but emptied: nobody owns anything any more
    notes = [*patched.notes, *dict.fromkeys(unknown)]
    if notes and options.field_validation == decode.STRICT:
        raise patched.refusal(f"strict decoding error: {', '.join(notes)}")
    if options.field_validation == decode.WARN:
        call.request.warnings += [note for note in notes if note not in call.request.warnings]
    call.place(new)
    call.check_name(new)
    return {**new, "kind": kind, "apiVersion": api_version}


def _reshaped(schema: Schema, raw: Object, current: Object, unknown: Notes) -> Object:
    """What the patch left alone is in shape already."""
    kept = {name: current[name] for name, value in raw.items() if name in current and _same(value, current[name])}
    changed = {name: value for name, value in raw.items() if name not in kept}
    shaped: Object = shaper(schema)(changed, None, unknown)
    return {**shaped, **kept}


def _same(value: Any, known: Any) -> bool:
    """To the letter: true equals 1, which has another type."""
    return value is known or (value == known and encode(plain(value)) == encode(known))


def _check_type(api_version: str, kind: str, patched: Patched) -> None:
    """A patch may not make another kind of an object. Another version is taken for this one."""
    said = patched.object.get("apiVersion") or api_version, patched.object.get("kind") or kind
    if said != (api_version, kind) and (why := decode.foreign(kind, api_version, *said)):
        raise patched.refusal(why)


async def _apply(call: Call, options: WriteOptions) -> Answer:
    """The configuration is merged with what is there; where nothing is, it is created."""
    config, doubles = _config(call)
    kind, registry = call.kind, call.context.registry
    if call.view:  # what is owned are the object's own fields
        seen = config
        managedfields.check_config(seen, *call.body_kind)
        config = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": seen.get("metadata") or {}}
        call.view.write(seen, config)
    subresource = call.sub.name if call.sub else ""
    now = "" if call.view else timestamp(registry.clock.now())  # Kubernetes tells no times of views

    async def merged(live: Object | None) -> Object:
        def apply(elsewhere: Elsewhere) -> Object:
            return managedfields.apply(
                live,
                config,
                manager=options.field_manager,
                force=bool(options.force),
                api_version=kind.api_version,
                subresource=subresource,
                schema=kind.schema,
                now=now,
                kind=kind.kind,
                elsewhere=elsewhere,
            )

        return await decided(kind, apply, live)

    async def applied(live: Object | None) -> Object:
        try:
            notes = Notes()
            new = _shaped(kind, config, await merged(live), notes)
            call.empties.keep(notes.empties)
        except errors.Conflict as error:
            raise _renamed(error, call.view) from None
        _check_doubles(call, options, doubles)
        if live is None and (uid := new["metadata"].get("uid")):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise errors.conflict(kind.resource, call.name, why)
        call.place(new)
        call.check_name(new)
        return new

    write = call.write(options)
    write.tracked = False
    while True:
        try:
            return call.answer(await registry.update(kind, call.namespace, call.name, applied, write, call.sub))
        except errors.NotFound:
            if call.sub:
                raise
        new = await applied(None)
        new["metadata"].pop("resourceVersion", None)
        try:
            cached = await registry.create(kind, call.namespace, new, write)
        except errors.AlreadyExists:
            continue  # somebody else was faster: merge with theirs
        return Answer(cached.object, 201, kind, cached)


def _config(call: Call) -> tuple[Object, list[str]]:
    """The configuration, and its keys that stand twice."""
    try:
        config, doubles = decode.parse(call.request.body, "application/yaml")
    except Malformed as error:
        raise BadRequest(f"error decoding YAML: error converting YAML to JSON: {error}") from None
    if config is not None and not isinstance(config, dict):
        words = f"json: cannot unmarshal {json_kind(config)} into Go value of type {OBJECT}"
        raise BadRequest(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {words}")
    return config or {}, doubles


def _check_doubles(call: Call, options: WriteOptions, doubles: list[str]) -> None:
    if doubles and options.field_validation == decode.STRICT:
        found = "\n".join(f"  {each}" for each in doubles)
        raise BadRequest(f"error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n{found}")
    if options.field_validation == decode.WARN:
        call.request.warnings += [note for note in doubles if note not in call.request.warnings]


def _renamed(error: errors.Conflict, view: View | None) -> errors.Conflict:
    """Conflicts in the words of the view that was applied."""
    if view is None or not view.renamed[0]:
        return error
    causes = (error.details or {}).get("causes") or ()
    told = [{**cause, "field": cause["field"].replace(*view.renamed)} for cause in causes]
    return errors.Conflict(error.message.replace(*view.renamed), {**(error.details or {}), "causes": told})


def _shaped(kind: Kind, config: Object, merged: Object, notes: Notes) -> Object:
    try:
        if not kind.custom:
            restore(merged, kind.schema)
        shaped: Object = shaper(kind.schema)(merged, None, notes)
    except Mismatch as error:
        of = managedfields.called(config)
        what = f"unable to convert unstructured object to {of.partition('; ')[2]}: {error}"
        raise Unexplained(f"failed to convert new object ({of}) to proper version: {what}") from None
    return {**shaped, "kind": kind.kind, "apiVersion": kind.api_version}
