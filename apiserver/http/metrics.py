"""What the API server counts. Names are kube-apiserver's."""

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

from apiserver.kinds.kind import Kind
from apiserver.request import Attributes

REQUESTS = Counter(
    "apiserver_request", "Requests answered.", ["verb", "group", "version", "resource", "subresource", "code"]
)
SECONDS = Histogram(
    "apiserver_request_duration_seconds",
    "Time from a request's first line to its answer.",
    ["verb"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
WATCHES = Gauge("apiserver_longrunning_requests", "Watches that are open.", ["resource"])
REFUSED = Counter(
    "apiserver_flowcontrol_rejected_requests",
    "Requests sent away by priority and fairness.",
    ["flow_schema", "priority_level", "reason"],
)
IN_FLIGHT = Gauge("apiserver_current_inflight_requests", "Requests under way, but for those that last.")
EXECUTING = Gauge("apiserver_flowcontrol_current_executing_seats", "Seats in use.", ["priority_level"])
INQUEUE = Gauge("apiserver_flowcontrol_current_inqueue_seats", "Seats that requests wait for.", ["priority_level"])


_requests = lru_cache(maxsize=4096)(REQUESTS.labels)
_seconds = lru_cache(maxsize=64)(SECONDS.labels)


def count(asked: Attributes, kind: Kind | None, code: int, seconds: float) -> None:
    """`kind` is what is served at the address, if anything is. A path that anybody may make up is no label: each label
    costs memory for good."""
    verb = asked.verb.upper()
    if kind is None or (asked.subresource and kind.subresource(asked.subresource) is None):
        _requests(verb, "", "", "", "", str(code)).inc()
    else:
        _requests(verb, kind.group, kind.version, kind.plural, asked.subresource, str(code)).inc()
    if verb != "WATCH":
        _seconds(verb).observe(seconds)
