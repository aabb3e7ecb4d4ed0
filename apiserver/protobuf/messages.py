"""Which field of which message has which number: `messages.tsv`, from the generated.proto files of k8s.io/api.

A row is `message<TAB>number:name:type<TAB>…`. A type is string, bytes, bool, int, double or a message, with `list:` or
`map:` (from strings) before it. Messages are named by package and version: `core.v1.PodSpec`, `meta.v1.ObjectMeta`.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGES = {"": "core", "meta.k8s.io": "meta"}


class Field(NamedTuple):
    name: str
    type: str
    shape: str  # "", "list" or "map"


Message = dict[int, Field]


@cache
def messages() -> dict[str, Message]:
    """Every message by its name; read once, when the first such body comes."""
    found: dict[str, Message] = {}
    for line in Path(__file__).with_name("messages.tsv").read_text().splitlines():
        name, *fields = line.split("\t")
        if not name.startswith("#"):
            found[name] = dict(_field(text) for text in fields)
    return found


def _field(text: str) -> tuple[int, Field]:
    number, name, type_ = text.split(":", 2)
    shape, _, element = type_.rpartition(":")
    return int(number), Field(name, element, shape)


def message_name(api_version: str, kind: str) -> str:
    """`apps/v1`, `Deployment`: `apps.v1.Deployment`. The options of a deletion are the same in every group."""
    if kind == "DeleteOptions":
        return "meta.v1.DeleteOptions"
    group, _, version = api_version.rpartition("/")
    return f"{PACKAGES.get(group) or group.partition('.')[0]}.{version}.{kind}"
