"""What a URL and a method ask for."""

import pytest

from apiserver.http import address
from apiserver.objects import keys
from tests.unit.apiserver.conftest import NAMESPACE, NOTE

Asked = tuple[str, str, str, str, str, str]


@pytest.mark.parametrize(
    ("method", "path", "query", "asked"),
    [
        ("GET", "/api/v1/pods", {}, ("list", "", "pods", "", "", "")),
        ("GET", "/api/v1/pods", {"watch": "1"}, ("watch", "", "pods", "", "", "")),
        ("GET", "/api/v1/namespaces/x/pods/p", {}, ("get", "x", "pods", "p", "", "")),
        ("GET", "/api/v1/namespaces/x/pods/p/log", {}, ("get", "x", "pods", "p", "log", "")),
        ("POST", "/api/v1/namespaces/x/pods/p/exec", {}, ("create", "x", "pods", "p", "exec", "")),
        ("GET", "/api/v1/namespaces/x/pods/p:80/proxy/a/b", {}, ("get", "x", "pods", "p:80", "proxy", "")),
        ("DELETE", "/api/v1/namespaces/x/pods", {}, ("deletecollection", "x", "pods", "", "", "")),
        ("GET", "/api/v1/namespaces", {}, ("list", "", "namespaces", "", "", "")),
        ("GET", "/api/v1/namespaces/x", {}, ("get", "x", "namespaces", "x", "", "")),
        ("PUT", "/api/v1/namespaces/x/finalize", {}, ("update", "x", "namespaces", "x", "finalize", "")),
        ("PATCH", "/apis/a.io/v1/things/t/status", {}, ("patch", "", "things", "t", "status", "a.io")),
        ("GET", "/api/v1/namespaces/x/pods/a%2Fb", {}, ("get", "x", "pods", "a", "b", "")),
        ("GET", "/api/v1/watch/namespaces/x/pods", {}, ("watch", "x", "pods", "", "", "")),
    ],
)
def test_a_resource(method: str, path: str, query: dict[str, str], asked: Asked) -> None:
    found = address.attributes(method, address.segments(path), query)
    assert (found.verb, found.namespace, found.resource, found.name, found.subresource, found.group) == asked


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/", "/api/v1/namespaces/x//pods", "/apis/a/v1//b"],
)
def test_a_path_that_is_no_resource(path: str) -> None:
    found = address.attributes("GET", address.segments(path), {})
    assert (found.resource, found.path, found.verb) == ("", path, "get")


def test_the_old_addresses_of_watches_are_only_read() -> None:
    found = address.attributes("POST", address.segments("/api/v1/watch/namespaces/x/pods"), {})
    assert (found.resource, found.path, found.verb) == ("", "/api/v1/watch/namespaces/x/pods", "post")


def test_a_selector_that_names_one_object_names_it_for_authorization() -> None:
    asked = address.attributes("GET", ["api", "v1", "secrets"], {"fieldSelector": "metadata.name=s,type=x"})
    assert address.named_by_selector(asked).name == "s"
    wrong = address.attributes("GET", ["api", "v1", "secrets"], {"fieldSelector": "nonsense"})
    assert address.named_by_selector(wrong) == wrong


def test_keys_are_those_that_users_of_etcd_know() -> None:
    assert keys.key(NOTE, "default", "a") == "/registry/notes/default/a"
    assert keys.key(NAMESPACE, "", "x") == "/registry/namespaces/x"
