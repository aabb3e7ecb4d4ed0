"""Kinds that hold a template of pods: what is told of it, and what of it may change."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from apiserver.kinds.apps.daemon_set import DAEMON_SET
from apiserver.kinds.apps.deployment import DEPLOYMENT
from apiserver.kinds.apps.replica_set import REPLICA_SET
from apiserver.kinds.apps.stateful_set import STATEFUL_SET
from apiserver.kinds.batch.cron_job import CRON_JOB
from apiserver.kinds.batch.job import JOB
from apiserver.kinds.kind import Kind
from apiserver.kinds.pod_template import POD_TEMPLATE
from apiserver.kinds.replication_controller import REPLICATION_CONTROLLER
from apiserver.schema.decode import decode

Object = dict[str, Any]
OLD_LABEL = {"beta.kubernetes.io/os": "linux"}
WORDS = 'nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'
PATHS = {
    DEPLOYMENT: "spec.template",
    REPLICA_SET: "spec.template",
    STATEFUL_SET: "spec.template",
    DAEMON_SET: "spec.template",
    REPLICATION_CONTROLLER: "spec.template",
    JOB: "spec.template",
    CRON_JOB: "spec.jobTemplate.spec.template",
    POD_TEMPLATE: "template",
}


def template(**spec: Any) -> Object:
    labels = {"app": "a"}
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "x"}], **spec}}


def made(kind: Kind, body: Object) -> Object:
    raw = msgspec.json.encode({"metadata": {"name": "a", "uid": "u"}, **body})
    obj, _ = decode(raw, "application/json", kind.schema, kind=kind.kind, api_version=kind.api_version)
    kind.default(obj)
    kind.prepare_create(obj)
    obj["metadata"]["generation"] = 1
    return obj


def holding(kind: Kind, held: Object) -> Object:
    spec: Object = {"template": held}
    if kind is CRON_JOB:
        spec = {"schedule": "@daily", "jobTemplate": {"spec": spec}}
    elif kind in (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET):
        spec["selector"] = {"matchLabels": {"app": "a"}}
    return made(kind, {"template": held} if kind is POD_TEMPLATE else {"spec": spec})


@pytest.mark.parametrize("kind", PATHS, ids=lambda kind: kind.kind)
def test_a_template_is_looked_at_when_it_is_new_and_when_a_change_counts(kind: Kind):
    plain, unwise = holding(kind, template()), holding(kind, template(nodeSelector=OLD_LABEL))
    words = f"{PATHS[kind]}.spec.{WORDS}"
    assert kind.warn(unwise) == [words]
    assert kind.warn_update is not None
    assert list(kind.warn_update(unwise, deepcopy(unwise))) == []
    unwise["metadata"]["generation"] = 2
    former = kind is REPLICATION_CONTROLLER  # it is the former template that Kubernetes looks at there
    assert list(kind.warn_update(unwise, plain)) == ([] if former else [words])


@pytest.mark.parametrize("kind", [DEPLOYMENT, REPLICA_SET, REPLICATION_CONTROLLER, JOB, CRON_JOB], ids=lambda k: k.kind)
def test_a_name_that_is_no_hostname_is_told_once(kind: Kind):
    obj = holding(kind, template())
    obj["metadata"]["name"] = "a.b"
    assert kind.warn_update is not None
    assert [words.partition(":")[0] for words in kind.warn(obj)] == ["metadata.name"]
    assert list(kind.warn_update({**obj, "metadata": {**obj["metadata"], "generation": 2}}, obj)) == []


@pytest.mark.parametrize("kind", [REPLICA_SET, DAEMON_SET, REPLICATION_CONTROLLER, JOB], ids=lambda kind: kind.kind)
def test_a_spec_is_looked_at_twice_when_it_changes(kind: Kind):
    obj = holding(kind, template(restartPolicy="Never") if kind is JOB else template())
    wrong = deepcopy(obj)
    wrong["spec"]["parallelism" if kind is JOB else "minReadySeconds"] = -1
    (once,) = kind.validate(wrong)
    assert kind.validate_update(wrong, obj) == [once]


def job(suspend: bool = True, status: Object | None = None, **spec: Any) -> Object:
    made_ = made(JOB, {"spec": {"suspend": suspend, "template": template(restartPolicy="Never", **spec)}})
    return {**made_, "status": status or {}}


RUNNING, STARTED = {"active": 1}, {"startTime": "2026-01-01T00:00:00Z"}
AFFINITY = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}


@pytest.mark.parametrize(
    ("old", "changed", "at"),
    [
        (job(), {"nodeSelector": {"disk": "ssd"}}, None),
        (job(), {"affinity": AFFINITY, "tolerations": [{"operator": "Exists"}]}, None),
        (job(), {"containers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}]}, None),
        (job(), {"containers": [{"name": "c", "image": "y"}]}, "spec.template.spec"),
        (job(), {"priorityClassName": "high"}, "spec.template.spec"),
        (job(suspend=False), {"nodeSelector": {"disk": "ssd"}}, "spec.template"),
        (job(status=RUNNING), {"nodeSelector": {"disk": "ssd"}}, "spec.template"),
        (job(status=STARTED), {"nodeSelector": {"disk": "ssd"}}, "spec.template"),
        (
            job(status={**STARTED, "conditions": [{"type": "Suspended", "status": "True"}]}),
            {"nodeSelector": {"disk": "ssd"}},
            None,
        ),
    ],
)
def test_where_a_suspended_jobs_pods_run_and_what_they_ask_for_may_change(old: Object, changed: Object, at: str | None):
    new = job(suspend=old["spec"]["suspend"], **changed)
    assert [error.field for error in JOB.validate_update(new, old)] == ([at] if at else [])


def test_the_template_that_may_not_change_is_shown_as_go_holds_it():
    (error,) = JOB.validate_update(job(suspend=False, hostname="b"), job(suspend=False))
    assert error.text.startswith(
        'Invalid value: {"labels":{"app":"a","batch.kubernetes.io/controller-uid":"u",'
        '"batch.kubernetes.io/job-name":"a","controller-uid":"u","job-name":"a"},"Spec":{"Volumes":null,'
    )
    assert error.text.endswith('"HostnameOverride":null,"SchedulingGroup":null}}: field is immutable')


def test_an_indexed_job_grows_with_its_parallelism_and_may_fail_more_often():
    spec = {"completionMode": "Indexed", "completions": 2, "parallelism": 2, "backoffLimitPerIndex": 1}
    old = made(JOB, {"spec": {**spec, "template": template(restartPolicy="Never")}})
    new = deepcopy(old)
    new["spec"] |= {"completions": 4, "parallelism": 4, "maxFailedIndexes": 1}
    assert JOB.validate_update(new, old) == []
    new["spec"]["parallelism"] = 3
    assert [str(error) for error in JOB.validate_update(new, old)] == [
        "spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism"
    ]


def test_a_template_may_leave_to_its_pods_what_they_get_when_they_are_made():
    ports = [{"containerPort": 80}]
    held = template(
        hostNetwork=True,
        containers=[{"name": "c", "image": "x", "ports": ports}],
        volumes=[{"name": "i", "image": {}}],
        overhead={"no": "1"},
    )
    words = [str(error) for error in DEPLOYMENT.validate(holding(DEPLOYMENT, held))]
    assert [error.partition(":")[0] for error in words] == ["spec.template.spec.overhead.limits[no]"] * 2


@pytest.mark.parametrize(
    ("zone", "errors"),
    [
        ("Europe/Paris", 0),
        ("Local", 1),
        ("local", 2),
        ("Europe/../Paris", 1),
        ("Nowhere", 1),
        ("", 1),
    ],
)
def test_a_time_zone_is_named_by_iana(zone: str, errors: int):
    held = {"spec": {"template": template(restartPolicy="Never")}}
    obj = made(CRON_JOB, {"spec": {"schedule": "@daily", "timeZone": zone, "jobTemplate": held}})
    assert len(CRON_JOB.validate(obj)) == errors


def test_a_time_zone_in_a_schedule_is_looked_up_too():
    held = {"spec": {"template": template(restartPolicy="Never")}}
    obj = made(CRON_JOB, {"spec": {"schedule": "TZ=No/Where * * * * *", "jobTemplate": held}})
    assert "provided bad location No/Where: unknown time zone No/Where" in str(CRON_JOB.validate(obj)[0])


CLAIM = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
STORAGE = {"resources": {"requests": {"storage": "1Gi"}}}


def stateful_set(**spec: Any) -> Object:
    mount = {"name": "data", "mountPath": "/data"}
    held = template(containers=[{"name": "c", "image": "x", "volumeMounts": [mount]}], **spec.pop("inner", {}))
    return made(STATEFUL_SET, {"spec": {"template": held, "selector": {"matchLabels": {"app": "a"}}, **spec}})


def paths(errors: Any) -> list[str]:
    return [error.field for error in errors]


def test_claims_of_a_stateful_set_are_volumes_of_its_pods():
    whole = {**CLAIM, "spec": {**CLAIM["spec"], **STORAGE}}
    twice = {"volumes": [{"name": "data", "emptyDir": {}}, {"name": "data", "emptyDir": {}}]}
    for obj in (stateful_set(volumeClaimTemplates=[whole]), stateful_set(volumeClaimTemplates=[whole], inner=twice)):
        assert STATEFUL_SET.validate_create(obj) == []
        assert STATEFUL_SET.validate_update(obj, deepcopy(obj)) == []
    assert paths(STATEFUL_SET.validate_create(stateful_set())) == [
        "spec.template.spec.containers[0].volumeMounts[0].name"
    ]


def test_claims_and_the_service_of_a_stateful_set_are_looked_at_once():
    obj = stateful_set(volumeClaimTemplates=[CLAIM], serviceName="a.b", replicas=-1)
    assert paths(STATEFUL_SET.validate_create(obj)) == [
        "spec.volumeClaimTemplates[0].spec.resources[storage]",
        "spec.replicas",
        "spec.serviceName",
    ]
    assert paths(STATEFUL_SET.validate_update(obj, deepcopy(obj))) == ["spec.replicas"]


def test_a_daemon_set_without_a_selector_has_no_pods():
    assert paths(DAEMON_SET.validate(made(DAEMON_SET, {"spec": {"template": template()}}))) == [
        "spec.template.metadata.labels"
    ]


def test_what_a_daemon_set_replaces_at_once_is_looked_at_in_order():
    both = {"rollingUpdate": {"maxUnavailable": "101%", "maxSurge": 1}}
    spec = {"template": template(), "selector": {"matchLabels": {"app": "a"}}, "updateStrategy": both}
    words = [error.text for error in DAEMON_SET.validate(made(DAEMON_SET, {"spec": spec}))]
    assert [each.rpartition(": ")[2] for each in words] == [
        "must not be greater than 100%",
        "may not be set when maxUnavailable is non-zero",
    ]


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"selector": {"matchLabels": {"job-name": "a"}}}, []),
        ({"selector": {"matchLabels": {"app": "a"}}}, ["spec.selector"]),
        (
            {"completionMode": "Indexed", "completions": 10**5 + 1, "maxFailedIndexes": 10**4 + 1},
            ["spec.maxFailedIndexes"],
        ),
    ],
)
def test_a_job_is_told_by_labels_of_its_own(spec: Object, fields: list[str]):
    if "completions" in spec:
        spec = {**spec, "backoffLimitPerIndex": 1, "parallelism": 1}
    job = made(JOB, {"spec": {"template": template(restartPolicy="Never"), **spec}})
    assert paths(JOB.validate(job)) == fields


def test_labels_that_a_job_puts_on_its_pods_are_not_chosen():
    held = template(restartPolicy="Never")
    held["metadata"]["labels"] = {"job-name": "b", "controller-uid": "u"}
    [error, *_] = JOB.validate(made(JOB, {"spec": {"template": held}}))
    assert error.field == "spec.template.metadata.labels[job-name]"
    assert '"job-name":"b"}: must be \'a\'' in error.text


def test_indexes_may_fail_in_indexed_jobs_of_cron_jobs_only():
    held = {"spec": {"template": template(restartPolicy="Never"), "backoffLimitPerIndex": 1}}
    obj = made(CRON_JOB, {"spec": {"schedule": "@daily", "jobTemplate": held}})
    assert paths(CRON_JOB.validate(obj)) == ["spec.jobTemplate.spec.backoffLimitPerIndex"]
