"""In which form an answer goes out: JSON or YAML, the object itself, its metadata alone, or a Table. Pure.

Protobuf is read, never written: clients that would prefer it take JSON.
Source: go-restful's Accept matching, then k8s.io/apiserver/pkg/endpoints/handlers/negotiation.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from podling.api.errors import NotAcceptable, UnsupportedMediaType

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
PRODUCED = (JSON, YAML, PROTOBUF, f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")
OFFERED = (JSON, YAML)
READ = (JSON, YAML, PROTOBUF)
VERSIONS = ("v1", "v1beta1")
TRANSFORMS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")


class Form(NamedTuple):
    """`as_` is "" for the object itself; `version` that of meta.k8s.io for the others."""

    media: str = JSON
    as_: str = ""
    version: str = "v1"
    pretty: bool = False


class _Clause(NamedTuple):
    media: str
    parameters: Mapping[str, str]
    weight: float


def _clauses(accept: str) -> list[_Clause]:
    found = []
    for part in accept.split(","):
        media, *rest = (word.strip() for word in part.split(";"))
        pairs = (word.partition("=") for word in rest if word)
        parameters = {name.strip(): value.strip() for name, _, value in pairs}
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            weight = 1.0
        if media:
            found.append(_Clause(media, parameters, weight))
    return sorted(found, key=lambda clause: -clause.weight)  # stable: the client's order among equals


@lru_cache(maxsize=256)
def form(accept: str, *, pretty: bool = False, watch: bool = False, custom: bool = False) -> Form:
    """The first clause that can be served; raises `NotAcceptable` in the words of the layer that refuses. Custom
    resources have no protobuf, and one layer less."""
    clauses = _clauses(accept) or [_Clause("*/*", {}, 1.0)]
    if not custom and not any(clause.media in (*READ, "*/*") for clause in clauses):
        available = ", ".join(PRODUCED)
        raise NotAcceptable(f"406: Not Acceptable\n\nAvailable representations: {available}", {})
    for clause in clauses:
        if found := _serve(clause, watch):
            return found._replace(pretty=pretty)
    raise NotAcceptable(f"only the following media types are accepted: {', '.join(OFFERED if custom else READ)}")


def _serve(clause: _Clause, watch: bool) -> Form | None:
    kind, _, _ = clause.media.partition("/")
    wildcard = clause.media == "*/*" or (kind == "application" and clause.media.endswith("/*"))
    media = JSON if wildcard else clause.media
    if media not in OFFERED or (watch and media != JSON):
        return None
    wanted = clause.parameters.get("as", "")
    if not wanted:
        return Form(media)
    version = clause.parameters.get("v", "")
    if wanted not in TRANSFORMS or clause.parameters.get("g") != "meta.k8s.io" or version not in VERSIONS:
        return None
    return Form(media, wanted, version)


def of_errors(accept: str) -> Form:
    """Errors go out as YAML to whoever asked for YAML, to everybody else as JSON."""
    first = _clauses(accept)
    return Form(YAML if first and first[0].media == YAML else JSON)


def media_type(content_type: str) -> str:
    """`application/json` of `Application/JSON; charset=utf-8`; "" where Go's mime.ParseMediaType finds none."""
    media, *parameters = content_type.rstrip("; ").split(";")
    return media.strip().lower() if all("=" in each for each in parameters) else ""


def check_body(content_type: str, *, custom: bool = False) -> str:
    """The form of the body; raises `UnsupportedMediaType` for one that nobody here reads."""
    read = OFFERED if custom else READ
    found = media_type(content_type) if content_type else JSON
    if found not in read:
        accepted = ", ".join(read)
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        )
    return found
