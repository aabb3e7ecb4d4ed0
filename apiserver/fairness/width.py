"""How many seats a request takes: one, but for what reads many objects.

Source: k8s.io/apiserver/pkg/util/flowcontrol/request/list_work_estimator.go.
"""

from collections.abc import Mapping

from apiserver.fairness import seats as seating
from apiserver.http import address
from apiserver.objects.feed import Feed
from apiserver.options import boolean
from apiserver.request import Attributes


def seats(feed: Feed, asked: Attributes, options: Mapping[str, str]) -> int:
    """A list, or a watch that begins with one, counts by the objects that it goes through."""
    if asked.verb != "list" and not (asked.verb == "watch" and boolean(options, "sendInitialEvents")):
        return 1
    cache = feed.caches.get((asked.group, asked.resource))
    if cache is None or asked.subresource or address.named_by_selector(asked).name:
        return 1
    limit = options.get("limit", "")
    selected = options.get("labelSelector") or options.get("fieldSelector")
    counts = limit.isdigit() and not selected and options.get("resourceVersion") != "0"
    return seating.of_list(len(cache.objects), int(limit) if counts else 0)
