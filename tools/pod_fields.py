"""Writes docs/pod-fields.md: every field of a pod's spec, and what becomes of it on Docker.

    python tools/pod_fields.py            writes the page
    python tools/pod_fields.py --rows     adds the rows of new fields to the table, without an outcome

The fields come from the schema that the API server decodes with; what becomes of each stands in docs/pod-fields.tsv:
`Type.field`, an outcome, and its evidence. tests/house/test_pod_fields.py holds the two together.

    works     evidence is the test that would fail if the field were ignored
    refused   evidence is what the user is told, and where
    warned    the same; the pod runs without it

Below a field that is refused or warned about as a whole nothing more is listed.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from apiserver.schema.load import schema
from apiserver.schema.schema import Schema

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs/pod-fields.tsv"
PAGE = ROOT / "docs/pod-fields.md"
OUTCOMES = ("works", "refused", "warned")
HEAD = """# Every field of a pod's spec

Made by `tools/pod_fields.py` from the schema and docs/pod-fields.tsv; `tests/house/test_pod_fields.py` keeps it true.

- **works**: the test named beside it fails when the field is ignored
- **refused**: the pod is not run, and the user is told so
- **warned**: the pod runs without it, and kubectl shows a `Warning:`

"""


class Row(NamedTuple):
    field: str
    outcome: str
    evidence: str


def rows() -> list[Row]:
    lines = TABLE.read_text().splitlines() if TABLE.exists() else []
    return [Row(*[*line.split("\t"), "", ""][:3]) for line in lines]


def fields(known: dict[str, Row]) -> Iterator[str]:
    """`Type.field` of every type that a pod's spec can hold, each type once, the containing type first."""
    pending, seen = [schema("core.v1.PodSpec")], set[str]()
    while pending:
        each = pending.pop(0)
        kind = each.name.rpartition(".")[2]
        if kind in seen:
            continue
        seen.add(kind)
        for name, field in each.fields.items():
            path = f"{kind}.{name}"
            yield path
            row = known.get(path)
            if row is None or row.outcome not in ("refused", "warned"):
                pending += _types(field.schema)


def _types(found: Schema | None) -> Iterator[Schema]:
    while found is not None and not found.fields:
        found = found.items or found.values
    if found is not None:
        yield found


def page(found: list[Row]) -> str:
    counts = ", ".join(f"{sum(row.outcome == outcome for row in found)} {outcome}" for outcome in OUTCOMES)
    text, kind = f"{HEAD}{len(found)} fields: {counts}.\n", ""
    for row in found:
        if row.field.partition(".")[0] != kind:
            kind = row.field.partition(".")[0]
            text += f"\n## {kind}\n\n| field | | |\n|---|---|---|\n"
        evidence = row.evidence.replace("|", "\\|").replace("<", "&lt;")
        text += f"| `{row.field.partition('.')[2]}` | {row.outcome} | {evidence} |\n"
    return text


def main() -> None:
    known = {row.field: row for row in rows()}
    if "--rows" in sys.argv:
        every = [known.get(path, Row(path, "", "")) for path in fields(known)]
        TABLE.write_text("".join("\t".join(row).rstrip("\t") + "\n" for row in every))
    PAGE.write_text(page(rows()))


if __name__ == "__main__":
    main()
