"""POST to a collection: a new object. POST below an object: whatever its handler does."""

from apiserver import handlers
from apiserver.answer import Answer
from apiserver.objects import objectmeta
from apiserver.options import write_options
from apiserver.refusal import not_allowed
from apiserver.verbs.call import Call


async def create(call: Call) -> Answer:
    options = write_options(call.request.options, "CreateOptions")
    body = call.decoded(options.field_validation)
    attributes = call.request.attributes
    handler = handlers.HANDLERS.get((call.kind.group, call.kind.plural, attributes.subresource))
    if handler is not None:
        call.place(body)
        call.request.decoded = body
        return await handler(call.context, call.request)
    if call.sub is not None or not call.kind.stored:
        raise not_allowed()
    call.place(body)
    objectmeta.dedup_owners(body["metadata"], call.request.warnings)
    cached = await call.context.registry.create(call.kind, call.namespace, body, call.write(options))
    return Answer(cached.object, 201, call.kind, cached)
