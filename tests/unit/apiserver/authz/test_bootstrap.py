"""The roles of every cluster, and how later starts mend them."""

from apiserver.authz.bootstrap import AUTOUPDATE, reconciled, wanted_objects

RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
OTHER = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}


def test_all_of_kubernetes_roles_and_bindings_are_there() -> None:
    objects = {(body["kind"], body["metadata"]["name"]): body for body in wanted_objects()}
    assert len(wanted_objects()) == 135
    admin = objects["ClusterRole", "cluster-admin"]
    assert admin["metadata"]["labels"] == {"kubernetes.io/bootstrapping": "rbac-defaults"}
    assert admin["metadata"]["annotations"] == {AUTOUPDATE: "true"}
    assert objects["ClusterRole", "edit"]["rules"] is None


def test_what_is_missing_is_added_and_what_was_added_stays() -> None:
    wanted = {"metadata": {"name": "r", "labels": {"a": "1"}, "annotations": {AUTOUPDATE: "true"}}, "rules": [RULE]}
    assert reconciled(wanted, wanted) is None
    found = {**wanted, "metadata": {"name": "r", "labels": {"b": "2"}, "uid": "u"}, "rules": [OTHER]}
    mended = reconciled(found, wanted)
    assert mended is not None
    assert mended["rules"] == [OTHER, RULE]
    assert mended["metadata"]["labels"] == {"a": "1", "b": "2"}
    assert mended["metadata"]["uid"] == "u"


def test_a_role_marked_to_be_left_alone_is_left_alone() -> None:
    wanted = {"metadata": {"name": "r", "labels": {}, "annotations": {AUTOUPDATE: "true"}}, "rules": [RULE]}
    found = {"metadata": {"name": "r", "annotations": {AUTOUPDATE: "false"}}, "rules": []}
    assert reconciled(found, wanted) is None


def test_the_rules_of_an_aggregating_role_are_its_controllers() -> None:
    wanted = next(body for body in wanted_objects() if body["metadata"]["name"] == "edit")
    assert reconciled({**wanted, "rules": [RULE]}, wanted) is None
