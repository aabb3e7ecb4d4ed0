"""What holds for every kind."""

import pytest

from apiserver.kinds import KINDS, Kind
from apiserver.schema.decode import decode


def test_no_two_kinds_share_a_path_or_a_name():
    assert len({(kind.group, kind.version, kind.plural) for kind in KINDS}) == len(KINDS)
    assert len({(kind.group, kind.version, kind.kind) for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_an_empty_body_is_defaulted_prepared_and_judged_without_a_crash(kind: Kind):
    body = b'{"metadata":{"name":"a"}}'
    obj, _ = decode(body, "application/json", kind.schema, kind=kind.kind, api_version=kind.api_version)
    kind.default(obj)
    kind.prepare_create(obj)
    errors = [*kind.validate(obj), *kind.validate_create(obj), *kind.validate_update(obj, obj)]
    assert all(error.field for error in errors)
    assert isinstance(kind.selectable(obj), dict)
    assert all(isinstance(words, str) for words in kind.warn(obj))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_defaulting_twice_changes_nothing(kind: Kind):
    body = b'{"metadata":{"name":"a"}}'
    once, _ = decode(body, "application/json", kind.schema, kind=kind.kind, api_version=kind.api_version)
    kind.default(once)
    twice, _ = decode(body, "application/json", kind.schema, kind=kind.kind, api_version=kind.api_version)
    kind.default(twice)
    kind.default(twice)
    assert once == twice


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.columns], ids=lambda kind: kind.kind)
def test_every_column_has_a_cell_for_a_bare_object(kind: Kind):
    body = b'{"metadata":{"name":"a"}}'
    obj, _ = decode(body, "application/json", kind.schema, kind=kind.kind, api_version=kind.api_version)
    kind.default(obj)
    undescribed = [column.name for column in kind.columns if not column.description]
    assert undescribed == (["Handler"] if kind.kind == "RuntimeClass" else []), "Kubernetes says nothing of that one"
    assert len([column.cell(obj) for column in kind.columns]) == len(kind.columns)


def test_what_a_put_may_do_is_what_the_strategies_of_kubernetes_say() -> None:
    created = {kind.plural for kind in KINDS if kind.create_on_update}
    bindings = {"roles", "rolebindings", "clusterroles", "clusterrolebindings"}
    assert created == {"endpoints", "events", "leases", "limitranges", "runtimeclasses", "services", *bindings}
    versioned = {kind.plural for kind in KINDS if not kind.unconditional_update}
    policies = {"mutatingadmissionpolicies", "mutatingadmissionpolicybindings"}
    policies |= {"validatingadmissionpolicies", "validatingadmissionpolicybindings"}
    hooks = {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}
    storage = {"csidrivers", "csinodes", "csistoragecapacities", "volumeattachments"}
    others = {"apiservices", "customresourcedefinitions", "leases", "poddisruptionbudgets", "runtimeclasses"}
    assert versioned == policies | hooks | storage | others


def test_a_limit_range_without_a_name_gets_one() -> None:
    (limits,) = (kind for kind in KINDS if kind.plural == "limitranges")
    obj = {"metadata": {"uid": "1-2"}, "spec": {"limits": []}}
    limits.prepare_create(obj)
    assert obj["metadata"]["name"] == "1-2"
