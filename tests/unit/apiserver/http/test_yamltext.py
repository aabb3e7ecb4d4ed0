"""Answers in YAML, as Go writes them."""

import json
from typing import Any

import pytest
import yaml

from apiserver.http.yamltext import dump


def test_parts_that_are_shared_are_written_twice() -> None:
    shared = {"app": "web"}
    assert dump({"b": shared, "a": shared}) == b"a:\n  app: web\nb:\n  app: web\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("web", "web"),
        ("", '""'),
        ("5", '"5"'),
        ("1e3", '"1e3"'),
        ("12e45678", '"12e45678"'),
        ("0x1F", '"0x1F"'),
        ("0o17", '"0o17"'),
        ("1_000", '"1_000"'),
        ("12:30", '"12:30"'),
        (".5", '".5"'),
        ("+.inf", '"+.inf"'),
        ("true", '"true"'),
        ("yes", '"yes"'),
        ("N", '"N"'),
        ("null", '"null"'),
        ("2026-11-22", '"2026-11-22"'),
        ("2026-11-22T11:00:00Z", '"2026-11-22T11:00:00Z"'),
        ("1.2.3", "1.2.3"),
        ("v1", "v1"),
        ("100m", "100m"),
        ("a: b", "'a: b'"),
        ("* * * * *", "'* * * * *'"),
        ("one\ntwo\n", "|\n  one\n  two"),
        ("one\ntwo", "|-\n  one\n  two"),
    ],
)
def test_texts_are_quoted_where_a_reader_could_mistake_them(text: str, written: str) -> None:
    found = dump({"k": text}).decode()
    assert found == f"k: {written}\n"
    assert yaml.safe_load(found) == {"k": text}


def test_whatever_json_holds_comes_back() -> None:
    value: dict[str, Any] = {
        "a": [1, 2.5, None, True, [], {}, [["x"]]],
        "5": {"on": "off"},
        "long": "word " * 40,
        "ü": "\t\u2028\x85",
    }
    assert yaml.safe_load(dump(value)) == json.loads(json.dumps(value))
