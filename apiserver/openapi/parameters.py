"""The parameters of every call, in the order and with the names that Kubernetes' documents have. Pure."""

from typing import Any

Document = dict[str, Any]


def _query(name: str, words: str, kind: str = "string") -> Document:
    return {"name": name, "in": "query", "description": words, "schema": {"type": kind, "uniqueItems": True}}


def in_path(name: str, words: str) -> Document:
    found = {**_query(name, words), "in": "path", "required": True}
    return {key: found[key] for key in ("name", "in", "description", "required", "schema")}


NAMESPACE = in_path("namespace", "object name and auth scope, such as for teams and projects")
PROXIED = in_path("path", "path to the resource")

PRETTY = _query("pretty", "Whether the answer is indented.")
DRY_RUN = _query("dryRun", "With 'All' the request runs through every stage and changes nothing.")
FIELD_MANAGER = _query("fieldManager", "The name of who makes these changes, for managedFields.")
FIELD_VALIDATION = _query(
    "fieldValidation",
    "What happens to unknown and repeated fields: 'Ignore' drops them, 'Warn' drops them and says so in a warning, "
    "'Strict' refuses the request.",
)
FORCE = _query("force", "An apply takes fields from their managers instead of a conflict.", "boolean")
WRITE = (DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION)

_BOOKMARKS = _query("allowWatchBookmarks", "A watch may send BOOKMARK events.", "boolean")
_CONTINUE = _query("continue", "Where a list that was limited goes on.")
_SELECTION = (
    _query("fieldSelector", "Only objects with these fields."),
    _query("labelSelector", "Only objects with these labels."),
    _query("limit", "At most so many objects.", "integer"),
    _query("resourceVersion", "How new the answer must be, or where a watch begins."),
    _query("resourceVersionMatch", "How resourceVersion is applied to a list."),
    _query("sendInitialEvents", "A watch begins with all objects there are.", "boolean"),
    _query("timeoutSeconds", "How long the call may take.", "integer"),
)
LIST = (_BOOKMARKS, _CONTINUE, *_SELECTION, _query("watch", "Changes as they happen instead of a list.", "boolean"))
DELETE = (
    DRY_RUN,
    _query("gracePeriodSeconds", "How long the object may take to go.", "integer"),
    _query(
        "ignoreStoreReadErrorWithClusterBreakingPotential",
        "Deletes an object that cannot be read any more, with nothing looked at.",
        "boolean",
    ),
    _query("orphanDependents", "Older than propagationPolicy: whether what it owns stays.", "boolean"),
    _query("propagationPolicy", "What happens to its dependents: 'Orphan', 'Background' or 'Foreground'."),
)
DELETE_COLLECTION = (_CONTINUE, *DELETE, *_SELECTION)

_CONTAINER = _query("container", "Which container; the only one where there is but one.")
_STREAMS = (
    _query("stderr", "Whether its standard error comes.", "boolean"),
    _query("stdin", "Whether its standard input goes there.", "boolean"),
    _query("stdout", "Whether its standard output comes.", "boolean"),
    _query("tty", "Whether it has a terminal.", "boolean"),
)
# What a subresource that is a call takes, by the kind of its options.
CONNECT: dict[str, tuple[Document, ...]] = {
    "PodAttachOptions": (_CONTAINER, *_STREAMS),
    "PodExecOptions": (_query("command", "The command, one word each time."), _CONTAINER, *_STREAMS),
    "PodPortForwardOptions": (
        _query("ports", "The ports, where the connection itself does not name them.", "integer"),
    ),
    **{f"{kind}ProxyOptions": (_query("path", "The path asked of it."),) for kind in ("Node", "Pod", "Service")},
}
LOG = (
    _CONTAINER,
    _query("follow", "Goes on with what is written next.", "boolean"),
    _query("insecureSkipTLSVerifyBackend", "The kubelet's certificate is not looked at.", "boolean"),
    _query("limitBytes", "At most so many bytes.", "integer"),
    _query("previous", "Of the container that ran before this one.", "boolean"),
    _query("sinceSeconds", "What was written these last seconds.", "integer"),
    _query("stream", "'All', 'Stdout' or 'Stderr'."),
    _query("tailLines", "At most so many lines, the last.", "integer"),
    _query("timestamps", "Each line begins with its time.", "boolean"),
)
