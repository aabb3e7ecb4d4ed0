"""docs/pod-fields.md is what the schema and the table say, and the table's evidence exists."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from podling.api.unsupported import UNSUPPORTED

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pod_fields() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pod_fields", ROOT / "tools/pod_fields.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_field_of_the_schema_has_its_row_and_no_other(pod_fields: ModuleType) -> None:
    rows = pod_fields.rows()
    wanted = list(pod_fields.fields({row.field: row for row in rows}))
    assert [row.field for row in rows] == wanted, "run `python tools/pod_fields.py --rows`, then fill in the new rows"


def test_every_row_has_an_outcome_and_its_evidence(pod_fields: ModuleType) -> None:
    wrong = [row.field for row in pod_fields.rows() if row.outcome not in pod_fields.OUTCOMES or not row.evidence]
    assert wrong == []


def test_what_works_names_tests_that_exist(pod_fields: ModuleType) -> None:
    missing = set()
    for row in pod_fields.rows():
        if row.outcome == "works":
            missing |= {each for each in row.evidence.split(", ") if not _exists(each)}
    assert missing == set()


def _exists(evidence: str) -> bool:
    """`tests/e2e/test_probes.py::test_a_name`."""
    file, _, name = evidence.partition("::")
    path = ROOT / file
    return path.is_file() and bool(re.search(rf"^(async )?def {re.escape(name)}\(", path.read_text(), re.M))


def test_what_the_user_is_warned_of_stands_in_the_table(pod_fields: ModuleType) -> None:
    told = {each.path.rpartition(".")[2].removesuffix("[]") for each in UNSUPPORTED}
    listed = {row.field.rpartition(".")[2] for row in pod_fields.rows() if row.outcome in ("refused", "warned")}
    assert told - listed == set()


def test_the_page_is_up_to_date(pod_fields: ModuleType) -> None:
    assert pod_fields.PAGE.read_text() == pod_fields.page(pod_fields.rows()), "run `python tools/pod_fields.py`"
