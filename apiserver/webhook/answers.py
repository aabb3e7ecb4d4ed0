"""What a webhook answered, as the client of Kubernetes reads it. Pure.

Source of words: k8s.io/client-go/rest/request.go (transformResponse, Into), k8s.io/apimachinery/pkg/api/errors.
"""

from typing import Any

import msgspec

from apiserver.schema.syntax import syntax_error
from podling.api.field import show

Object = dict[str, Any]

WORDS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    410: "the requested resource has been removed",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}
SERVERS_OWN = (403, 406, 415)  # refusals that are told in the server's words


class Unusable(Exception):
    """An answer that is none, and why."""


def read(status: int, content_type: str, body: bytes) -> Object:
    """The object answered. Raises `Unusable`."""
    if not 200 <= status <= 206:
        raise Unusable(_refusal(status, content_type, body))
    if not body:
        raise Unusable(f"0-length response with status code: {status} and content type: {content_type}")
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"couldn't get version/kind; json parse error: {syntax_error(body) or error}") from None
    if not isinstance(found, dict):
        raise Unusable("couldn't get version/kind; json parse error: json: cannot unmarshal into Go value")
    return found


def _refusal(status: int, content_type: str, body: bytes) -> str:
    text = body.decode(errors="replace").strip() if content_type.startswith("text/") else "unknown"
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = None
    if isinstance(told, dict) and told.get("kind") == "Status" and told.get("message"):
        return str(told["message"])
    if status in SERVERS_OWN:
        return text
    if status in WORDS:
        return WORDS[status]
    if status >= 500:
        return f"an error on the server ({show(text)}) has prevented the request from succeeding"
    return f"the server responded with the status code {status} but did not return further information"
