"""GET of a collection with watch=true: changes as they come."""

import random

from apiserver.answer import WatchAnswer
from apiserver.objects.lists import Reader
from apiserver.options import list_options
from apiserver.verbs.call import Call

SHORTEST_SECONDS = (
    1800  # a watch without a timeout ends after this long or up to twice that, so that all do not at once
)


async def watch(call: Call) -> WatchAnswer:
    selector = call.request.attributes.field_selector
    if call.name:  # as the gRPC face may say it
        selector = ",".join(filter(None, (selector, f"metadata.name={call.name}")))
    options = list_options({**call.request.options, "watch": "1", "fieldSelector": selector}, call.kind)
    watcher = await Reader(call.context.feed).watch(call.kind, call.namespace, options)
    seconds = options.timeout_seconds or SHORTEST_SECONDS * (1 + random.random())
    return WatchAnswer(call.kind, watcher, call.context.feed, seconds, options.bookmarks)
