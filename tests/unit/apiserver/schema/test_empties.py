"""Lists and maps that were given empty are seen by rules, and never kept."""

from typing import Any

import pytest

from apiserver.schema.decode import decode
from apiserver.schema.empties import Empties
from apiserver.schema.load import schema

Object = dict[str, Any]
BODY = b'{"metadata":{"name":"a","labels":{},"annotations":{}},"spec":{"rules":[],"tls":[]}}'
TYPE = schema("networking.v1.Ingress")


@pytest.fixture
def empties() -> Empties:
    return Empties()


@pytest.fixture
def ingress(empties: Empties) -> Object:
    names = {"kind": "Ingress", "api_version": "networking.k8s.io/v1"}
    return decode(BODY, "application/json", TYPE, **names, empties=empties)[0]


def test_they_stand_where_they_were_while_rules_look(ingress: Object, empties: Empties) -> None:
    assert (ingress["metadata"], ingress["spec"]) == ({"name": "a"}, {})
    with empties.seen(ingress):
        assert ingress["metadata"] == {"name": "a", "labels": {}}  # no rule asks whether annotations were given
        assert ingress["spec"] == {"rules": []}
    assert (ingress["metadata"], ingress["spec"]) == ({"name": "a"}, {})


def test_what_was_filled_meanwhile_stays(ingress: Object, empties: Empties) -> None:
    with empties.seen(ingress):
        ingress["metadata"]["labels"]["a"] = "b"
        ingress["spec"] = {**ingress["spec"]}
    assert (ingress["metadata"], ingress["spec"]) == ({"name": "a", "labels": {"a": "b"}}, {})


def test_what_stands_there_by_now_counts(ingress: Object, empties: Empties) -> None:
    ingress["spec"]["rules"] = [{"host": "a.example.com"}]
    del ingress["metadata"]
    with empties.seen(ingress):
        assert ingress["spec"]["rules"] == [{"host": "a.example.com"}]
    assert ingress["spec"]["rules"] == [{"host": "a.example.com"}]


def test_a_refusal_leaves_nothing_behind(ingress: Object, empties: Empties) -> None:
    with pytest.raises(ValueError, match="refused"), empties.seen(ingress):
        raise ValueError("refused")
    assert ingress["spec"] == {}
