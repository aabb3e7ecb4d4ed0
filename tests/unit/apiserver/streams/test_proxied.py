"""Where …/pods/{name}/proxy and …/services/{name}/proxy lead to, and the words where they lead nowhere."""

from typing import Any

import pytest

from apiserver.http.address import beyond_proxy
from apiserver.lister import MemoryLister
from apiserver.request import ANONYMOUS, Attributes
from apiserver.streams.proxied import pod_place, service_place
from apiserver.streams.remotecommand import PODS
from apiserver.webhook.serviceresolver import SERVICES
from podling.api.errors import ApiError

Object = dict[str, Any]


def asked(name: str) -> Attributes:
    return Attributes(ANONYMOUS, "get", namespace="x", name=name)


def pod(name: str, address: str, *ports: int) -> tuple[Any, Object]:
    containers = [{"name": "a"}, {"name": "b", "ports": [{"containerPort": port} for port in ports]}]
    status = {"podIP": address, "conditions": [{"type": "Ready", "status": "True"}]}
    meta = {"name": name, "namespace": "x", "labels": {"app": name}}
    return PODS, {"metadata": meta, "spec": {"containers": containers}, "status": status}


def service(name: str, **spec: Any) -> tuple[Any, Object]:
    return SERVICES, {"metadata": {"name": name, "namespace": "x"}, "spec": spec}


LISTER = MemoryLister([
    pod("web", "10.1.0.2", 8080, 9090),
    pod("quiet", "10.1.0.3"),
    pod("own", "127.0.0.1", 80),
    pod("young", ""),
    service("one", selector={"app": "web"}, ports=[{"port": 80, "targetPort": 8080}]),
    service("two", selector={"app": "web"}, ports=[{"name": "page", "port": 80}, {"name": "numbers", "port": 81}]),
    service("none", selector={"app": "nobody"}, ports=[{"port": 80}]),
    service("far", type="ExternalName", externalName="example.org"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("web", "http 10.1.0.2:8080"),
        ("web:9090", "http 10.1.0.2:9090"),
        ("http:web:", "http 10.1.0.2:8080"),
        ("https:web:8443", "https 10.1.0.2:8443"),
        ("quiet", "http 10.1.0.3:80"),
        ("https:quiet:", "https 10.1.0.3:443"),
    ],
)
def test_a_pod(name: str, place: str) -> None:
    found = pod_place(LISTER, asked(name))
    assert f"{'https' if found.https else 'http'} {found.address}" == place


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("one", "10.1.0.2:8080"),
        ("one:80", "10.1.0.2:8080"),
        ("two:page", "10.1.0.2:80"),
        ("https:two:numbers", "10.1.0.2:81"),
    ],
)
def test_a_service(name: str, place: str) -> None:
    assert str(service_place(LISTER, asked(name)).address) == place


@pytest.mark.parametrize(
    ("find", "name", "code", "words"),
    [
        (pod_place, "nope", 404, 'pods "nope" not found'),
        (pod_place, "ftp:web:80", 400, 'invalid pod request "ftp:web:80"'),
        (pod_place, "a:b:c:d", 400, 'invalid pod request "a:b:c:d"'),
        (pod_place, "own", 400, "address not allowed"),
        (pod_place, "young", 400, "address not allowed"),
        (pod_place, "web:page", 503, "error trying to reach service: dial tcp: lookup tcp/page: unknown port"),
        (service_place, "nope", 404, 'services "nope" not found'),
        (service_place, ":80", 400, 'invalid service request ":80"'),
        (service_place, "one:81", 503, 'no service port 81 found for service "one"'),
        (service_place, "two", 503, 'no endpoints available for service "two"'),
        (service_place, "none", 503, 'no endpoints available for service "none"'),
        (service_place, "far", 404, 'endpoints "far" not found'),
    ],
)
def test_nowhere(find: Any, name: str, code: int, words: str) -> None:
    with pytest.raises(ApiError) as refused:
        find(LISTER, asked(name))
    assert (refused.value.code, str(refused.value)) == (code, words)


@pytest.mark.parametrize(
    ("path", "beyond"),
    [
        ("/api/v1/namespaces/x/pods/p/proxy", ""),
        ("/api/v1/namespaces/x/pods/p/proxy/", "/"),
        ("/api/v1/namespaces/proxy/pods/proxy/proxy/a%2Fb/proxy?c=d", "/a%2Fb/proxy?c=d"),
        ("/api/v1/nodes/n1/proxy/metrics", "/metrics"),
        ("/api/v1/namespaces/x/pods/p/proxy?a=b", "?a=b"),
    ],
)
def test_the_path_behind_is_what_the_client_wrote(path: str, beyond: str) -> None:
    assert beyond_proxy(path) == beyond
