"""Which writes the rules and selectors of webhooks and policies mean."""

from dataclasses import replace
from typing import Any

import pytest

from apiserver.admission.matching import Matcher, Wanted, is_exempt, rule_matches
from apiserver.admission.plugin import Admission
from apiserver.kinds import KINDS
from apiserver.kinds.kind import Kind
from apiserver.lister import MemoryLister
from apiserver.request import User
from podling.api.errors import GroupResource, NotFound

Object = dict[str, Any]
BY_PLURAL = {kind.plural: kind for kind in KINDS}
PODS, NAMESPACES, NODES = BY_PLURAL["pods"], BY_PLURAL["namespaces"], BY_PLURAL["nodes"]
DEPLOYMENTS = BY_PLURAL["deployments"]
BETA = replace(DEPLOYMENTS, version="v1beta1", hub=DEPLOYMENTS)
EVERY = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}


def write(kind: Kind = PODS, operation: str = "CREATE", sub: str = "", **more: Any) -> Admission:
    named: Object = {"name": "web", "namespace": "default" if kind.namespaced else "", "object": {"metadata": {}}}
    return Admission(operation=operation, kind=kind, subresource=sub, user=User("ann"), old=None, **{**named, **more})


def rule(**parts: Any) -> Object:
    return {**EVERY, **parts}


@pytest.mark.parametrize(
    ("parts", "asked", "matches"),
    [
        ({}, write(), True),
        ({}, write(sub="exec"), True),
        ({"operations": ["UPDATE"]}, write(), False),
        ({"operations": ["UPDATE", "CREATE"]}, write(), True),
        ({"apiGroups": ["apps"]}, write(), False),
        ({"apiGroups": ["apps"]}, write(DEPLOYMENTS), True),
        ({"apiGroups": [""]}, write(), True),
        ({"apiVersions": ["v2"]}, write(), False),
        ({"resources": ["pods"]}, write(), True),
        ({"resources": ["pods"]}, write(sub="status"), False),
        ({"resources": ["pods/*"]}, write(sub="status"), True),
        ({"resources": ["pods/*"]}, write(), True),
        ({"resources": ["pods/status"]}, write(sub="status"), True),
        ({"resources": ["*/status"]}, write(DEPLOYMENTS, sub="status"), True),
        ({"resources": ["*"]}, write(sub="status"), False),
        ({"scope": "Namespaced"}, write(), True),
        ({"scope": "Cluster"}, write(), False),
        ({"scope": "Cluster"}, write(NODES), True),
        ({"scope": "Cluster"}, write(NAMESPACES), True),
        ({"scope": "Namespaced"}, write(NAMESPACES), False),
        ({"scope": "*"}, write(NODES), True),
        ({"resourceNames": ["web"]}, write(), True),
        ({"resourceNames": ["db"]}, write(), False),
    ],
)
def test_a_rule_names_operations_groups_versions_resources_and_scope(
    parts: Object, asked: Admission, matches: bool
) -> None:
    assert rule_matches(rule(**parts), asked, asked.kind) is matches


@pytest.fixture
def matcher() -> Matcher:
    labelled = {"metadata": {"name": "default", "labels": {"team": "a"}}}
    return Matcher(MemoryLister([(GroupResource("", "namespaces"), labelled)]), lambda: (*KINDS, BETA))


def selected(matcher: Matcher, asked: Admission, **selectors: Any) -> bool:
    return matcher.match(asked, Wanted.of({"rules": [EVERY], **selectors})) is not None


TEAM = {"matchLabels": {"team": "a"}}


def test_a_namespaces_labels_select_what_is_in_it(matcher: Matcher) -> None:
    assert selected(matcher, write(), namespaceSelector=TEAM)
    assert not selected(matcher, write(), namespaceSelector={"matchLabels": {"team": "b"}})
    assert selected(matcher, write(NODES), namespaceSelector={"matchLabels": {"team": "b"}})


def test_a_namespace_that_is_written_has_the_labels_it_is_about_to_get(matcher: Matcher) -> None:
    fresh = {"metadata": {"labels": {"team": "b"}}}
    assert not selected(matcher, write(NAMESPACES, name="default", object=fresh), namespaceSelector=TEAM)
    assert selected(matcher, write(NAMESPACES, "DELETE", name="default", object=None), namespaceSelector=TEAM)
    assert selected(matcher, write(NAMESPACES, "UPDATE", "status", name="default"), namespaceSelector=TEAM)


def test_a_namespace_that_is_not_there_is_told_only_where_the_rest_matches(matcher: Matcher) -> None:
    lost = write(namespace="gone")
    with pytest.raises(NotFound, match='namespaces "gone" not found'):
        selected(matcher, lost, namespaceSelector=TEAM)
    assert matcher.match(lost, Wanted(rules=[rule(apiGroups=["apps"])], namespace_selector=TEAM)) is None
    assert selected(matcher, lost, namespaceSelector={})


def test_labels_of_the_new_object_or_of_the_old_one_select_it(matcher: Matcher) -> None:
    has: Object = {"metadata": {"labels": {"team": "a"}}}
    lacks: Object = {"metadata": {}}
    assert selected(matcher, write(object=has), objectSelector=TEAM)
    assert selected(matcher, _update(lacks, has), objectSelector=TEAM)
    assert not selected(matcher, _update(lacks, lacks), objectSelector=TEAM)
    assert selected(matcher, _update(None, has), objectSelector=TEAM)
    assert not selected(matcher, write(operation="CONNECT", object={"kind": "PodExecOptions"}), objectSelector=TEAM)


def _update(new: Object | None, old: Object) -> Admission:
    return replace(write(operation="UPDATE", object=new), old=old)


def test_another_version_of_the_same_resource_is_equivalent_unless_exactness_is_asked_for(matcher: Matcher) -> None:
    beta = rule(apiGroups=["apps"], apiVersions=["v1beta1"], resources=["deployments"])
    assert matcher.match(write(DEPLOYMENTS), Wanted.of({"rules": [beta]})) is BETA
    assert matcher.match(write(DEPLOYMENTS), Wanted.of({"rules": [beta], "matchPolicy": "Exact"})) is None
    both = [beta, rule(apiGroups=["apps"], apiVersions=["v1"])]
    assert matcher.match(write(DEPLOYMENTS), Wanted.of({"rules": both})) is DEPLOYMENTS
    assert matcher.match(write(PODS), Wanted.of({"rules": [beta]})) is None


def test_what_a_policy_excludes_it_does_not_mean(matcher: Matcher) -> None:
    policy = {"resourceRules": [EVERY], "excludeResourceRules": [rule(resources=["pods"])]}
    assert matcher.match(write(), Wanted.of(policy)) is None
    assert matcher.match(write(sub="status"), Wanted.of(policy)) is PODS


def test_the_configuration_of_admission_itself_is_exempt() -> None:
    configuration = replace(PODS, group="admissionregistration.k8s.io", kind="ValidatingWebhookConfiguration")
    assert is_exempt(write(configuration))
    assert not is_exempt(write())
