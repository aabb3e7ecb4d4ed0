import base64
from typing import Any

import pytest
from lightkube.models import core_v1

from kubelet.downward import PodFacts
from kubelet.env_file import EnvFileError, value_of
from kubelet.environment import ConfigError, File, Given, Source, command, environment, needs, needs_files, text_of
from kubelet.expansion import expand
from podling.client.codec import typed

from .build import typed_pod

FACTS = PodFacts("n1", ["192.0.2.1"], ["10.0.0.2"], {"cpu": "4", "memory": "8Gi"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$(A)", "1"),
        ("x$(A)y$(B)z", "x1y2z"),
        ("$(NOT)", "$(NOT)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A ${A}", "$A ${A}"),
        ("$(A", "$(A"),
        ("$", "$"),
        ("$()", "$()"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


def resolve(
    sources: dict[Source, Any] | None = None,
    services: dict[str, str] | None = None,
    files: dict[File, str | None] | None = None,
    **container: Any,
) -> Any:
    pod = typed_pod([{"name": "app", **container}], serviceAccountName="robot")
    pod.metadata.labels = {"tier": "web", "a": 'quo"te'}
    given = Given(pod, FACTS, sources or {}, files or {}, services or {})
    return environment(given, pod.spec.containers[0])


def variable(**origin: Any) -> dict[str, Any]:
    return {"name": "X", "valueFrom": origin}


def test_later_variables_see_earlier_ones_and_win() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2$(LATER)"}, {"name": "A", "value": "3"}]
    assert resolve(env=env) == {"A": "3", "B": "12$(LATER)"}


def test_service_variables_are_there_unless_set() -> None:
    services = {"S_HOST": "10.0.0.1", "S_PORT": "80"}
    env = [{"name": "S_PORT", "value": "81"}, {"name": "URL", "value": "$(S_HOST)"}]
    assert resolve(services=services, env=env) == {"S_HOST": "10.0.0.1", "S_PORT": "81", "URL": "10.0.0.1"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "web"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "uid-web"),
        ("metadata.labels['tier']", "web"),
        ("metadata.annotations['none']", ""),
        ("metadata.labels", 'a="quo\\"te"\ntier="web"'),
        ("spec.nodeName", "n1"),
        ("spec.serviceAccountName", "robot"),
        ("status.hostIP", "192.0.2.1"),
        ("status.podIP", "10.0.0.2"),
        ("status.podIPs", "10.0.0.2"),
    ],
)
def test_fields_of_the_pod(path: str, expected: str) -> None:
    assert resolve(env=[variable(fieldRef={"fieldPath": path})]) == {"X": expected}


@pytest.mark.parametrize(
    ("resource", "divisor", "expected"),
    [
        ("limits.cpu", "1", "2"),
        ("limits.cpu", "1m", "1500"),
        ("requests.cpu", "1m", "0"),
        ("limits.memory", "1Mi", "8192"),
        ("limits.memory", None, str(8 << 30)),
    ],
)
def test_resources_of_the_container(resource: str, divisor: str | None, expected: str) -> None:
    ref = {"resource": resource} | ({"divisor": divisor} if divisor else {})
    assert resolve(env=[variable(resourceFieldRef=ref)], resources={"limits": {"cpu": "1500m"}}) == {"X": expected}


CONF, SECRET = Source("ConfigMap", "conf"), Source("Secret", "s")


def test_keys_and_whole_objects() -> None:
    sources = {CONF: {"a": "1", "b": "2"}, SECRET: {"p": "pw"}}
    found = resolve(
        sources,
        envFrom=[{"prefix": "C_", "configMapRef": {"name": "conf"}}, {"secretRef": {"name": "s"}}],
        env=[variable(configMapKeyRef={"name": "conf", "key": "b"})],
    )
    assert found == {"C_a": "1", "C_b": "2", "p": "pw", "X": "2"}


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"env": [variable(configMapKeyRef={"name": "gone", "key": "a"})]}, 'configmap "gone" not found'),
        ({"env": [variable(secretKeyRef={"name": "gone", "key": "a"})]}, 'secret "gone" not found'),
        (
            {"env": [variable(configMapKeyRef={"name": "conf", "key": "z"})]},
            "couldn't find key z in ConfigMap default/conf",
        ),
        ({"envFrom": [{"configMapRef": {"name": "gone"}}]}, 'configmap "gone" not found'),
    ],
)
def test_what_is_missing_is_told_in_kubernetes_words(container: Any, message: str) -> None:
    with pytest.raises(ConfigError) as told:
        resolve({CONF: {"a": "1"}}, **container)
    assert str(told.value) == message


def test_what_is_optional_may_be_missing() -> None:
    found = resolve(
        {CONF: {"a": "1"}},
        envFrom=[{"secretRef": {"name": "gone", "optional": True}}],
        env=[
            variable(configMapKeyRef={"name": "gone", "key": "a", "optional": True}),
            variable(configMapKeyRef={"name": "conf", "key": "z", "optional": True}),
        ],
    )
    assert found == {}


def test_needs_names_every_source_once() -> None:
    pod = typed_pod(
        [
            {
                "name": "app",
                "env": [variable(secretKeyRef={"name": "s", "key": "a"})],
                "envFrom": [{"configMapRef": {"name": "conf"}}, {"secretRef": {"name": "s"}}],
            }
        ]
    )
    assert needs(pod.spec.containers[0]) == {CONF, SECRET}


def test_secrets_are_decoded() -> None:
    data = {"p": base64.b64encode(b"pw").decode()}
    assert text_of(typed({"metadata": {"name": "s"}, "data": data}, core_v1.Secret)) == {"p": "pw"}


def test_commands_are_expanded() -> None:
    pod = typed_pod([{"name": "app", "command": ["echo", "$(A)"], "args": ["$(B)", "$$(A)"]}])
    assert command(pod.spec.containers[0], {"A": "1"}) == (["echo", "1"], ["$(B)", "$(A)"])


FILE = File("v", "a.env")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A='1'", "1"),
        ("# c\n\n  A='1 # 2' # why\nA='3'\n", "1 # 2"),
        ("B='x'\nA='two\nlines'\n", "two\nlines"),
        ("A='1'\nbroken", "1"),
        ("A= '1'", ""),
        ("A='$B \\n'\r\n", "$B \\n"),
        ("B='1'", None),
        ("", None),
    ],
)
def test_files_of_variables_are_read_as_a_shell_does(text: str, expected: str | None) -> None:
    assert value_of(text, "A") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("broken", "line 1: missing '='"),
        ("B='1'\n='2'", "line 2: empty variable name"),
        ("A ='1'", "line 1: whitespace before '=' is not allowed"),
        ("A=1", "line 1: value must be enclosed in single quotes"),
        ("A=", "line 1: value must be enclosed in single quotes"),
        ("A='1", "line 1: unclosed single quote"),
        ("A='1'2", "line 1: unexpected content after closing quote"),
    ],
)
def test_files_of_variables_in_another_form_are_refused(text: str, message: str) -> None:
    with pytest.raises(EnvFileError, match=message):
        value_of(text, "A")


@pytest.mark.parametrize(
    ("text", "optional", "expected"),
    [
        ("A='1'", False, {"X": "1"}),
        ("B='1'", True, {}),
        (None, True, {}),
        ("B='1'", False, 'environment variable key "A" not found in file "a.env"'),
        (None, False, "couldn't parse env file"),
        ("broken", True, "couldn't parse env file"),
    ],
)
def test_variables_come_from_files(text: str | None, optional: bool, expected: Any) -> None:
    ref = {"volumeName": "v", "path": "a.env", "key": "A", "optional": optional}
    env = [variable(fileKeyRef=ref)]
    assert needs_files(typed_pod([{"name": "app", "env": env}]).spec.containers[0]) == {FILE}
    if isinstance(expected, dict):
        assert resolve(files={FILE: text}, env=env) == expected
    else:
        with pytest.raises(ConfigError) as told:
            resolve(files={FILE: text}, env=env)
        assert str(told.value) == expected
