"""What the API server counts. Names are kube-apiserver's."""

from prometheus_client import Counter, Gauge, Histogram

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


def count(asked: Attributes, code: int, seconds: float) -> None:
    verb = asked.verb.upper()
    REQUESTS.labels(verb, asked.group, asked.version, asked.resource, asked.subresource, str(code)).inc()
    if verb != "WATCH":
        SECONDS.labels(verb).observe(seconds)
