"""GET of one object, or of a status-like subresource of it."""

from apiserver import handlers
from apiserver.answer import Answer
from apiserver.options import version
from apiserver.refusal import no_such_resource
from apiserver.verbs.call import Call


async def get(call: Call) -> Answer:
    attributes = call.request.attributes
    handler = handlers.HANDLERS.get((call.kind.group, call.kind.plural, attributes.subresource))
    if handler is not None and attributes.subresource:
        return await handler(call.context, call.request)
    if not call.kind.stored:
        made = handlers.MADE[call.kind.group, call.kind.plural]
        return call.answer(await made.one(call.context, call.kind, call.namespace, call.name))
    if call.sub and call.sub.kind and not call.view:
        raise no_such_resource()
    wanted = version(call.request.options)
    at_least = wanted if call.request.options.get("resourceVersion") else None
    cached = await call.context.registry.get(call.kind, call.namespace, call.name, at_least)
    return call.answer(cached)
