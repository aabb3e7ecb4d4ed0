"""What is served is told, and what is not says so as Kubernetes does, one rule for pages and resources."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.unit.apiserver.door import Door, door

ONE_LOOP = pytest.mark.asyncio(loop_scope="module")  # one server for all


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    async with door(tmp_path_factory.mktemp("server")) as made:
        yield made


@ONE_LOOP
@pytest.mark.parametrize(
    "path",
    ["/api/v2", "/api/v2/pods", "/apis/apps/v7", "/apis/apps/v7/deployments", "/apis/flowcontrol.apiserver.k8s.io/v0"],
)
async def test_below_a_built_in_group_it_is_a_resource_that_is_not_there(server: Door, path: str) -> None:
    answer = await server.call("GET", path)
    assert (answer.status, answer.body["message"]) == (404, "the server could not find the requested resource")


@ONE_LOOP
@pytest.mark.parametrize("path", ["/apis/nobody.example.com", "/apis/nobody.example.com/v1/things", "/nothing"])
async def test_elsewhere_it_is_a_page_that_is_not_there(server: Door, path: str) -> None:
    answer = await server.call("GET", path)
    assert (answer.status, answer.text) == (404, "404 page not found\n")


@ONE_LOOP
async def test_every_page_that_the_root_names_is_there(server: Door) -> None:
    paths = (await server.call("GET", "/")).body["paths"]
    assert {"/healthz/etcd", "/livez/ping", "/openid/v1/jwks", "/apis/flowcontrol.apiserver.k8s.io/v1"} <= set(paths)
    for path in paths:
        assert (await server.call("GET", path)).status == 200, path


@ONE_LOOP
async def test_open_api_has_a_document_for_every_path_of_its_index(server: Door) -> None:
    index = (await server.call("GET", "/openapi/v3")).body["paths"]
    for name in ("api", "apis", "apis/apps", ".well-known/openid-configuration", "openid/v1/jwks", "version"):
        document = (await server.call("GET", index[name]["serverRelativeURL"])).body
        (path,) = document["paths"]
        assert path.strip("/") == name
        assert "get" in document["paths"][path]


AGGREGATED = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}


@ONE_LOOP
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api", AGGREGATED),
        ("/apis", AGGREGATED),
        ("/openapi/v2", {}),
        ("/openapi/v3", {}),
        ("/openapi/v3/version", {}),
    ],
)
async def test_who_has_a_document_is_told_that_it_is_still_good(
    server: Door, path: str, headers: dict[str, str]
) -> None:
    tag = (await server.call("GET", path, headers=headers)).headers["ETag"]
    again = await server.call("GET", path, headers={**headers, "If-None-Match": tag})
    assert (again.status, again.text, again.headers["ETag"]) == (304, "", tag)
    other = await server.call("GET", path, headers={**headers, "If-None-Match": '"other"'})
    assert (other.status, other.headers["ETag"]) == (200, tag)


@ONE_LOOP
async def test_an_address_with_its_hash_is_good_for_ever_and_one_of_before_leads_there(server: Door) -> None:
    address = (await server.call("GET", "/openapi/v3")).body["paths"]["apis/apps"]["serverRelativeURL"]
    found = await server.call("GET", address)
    assert found.headers["Cache-Control"] == "public, immutable"
    assert found.headers["Expires"].endswith(" UTC")
    old = await server.call("GET", "/openapi/v3/apis/apps?hash=OLD", allow_redirects=False)
    assert (old.status, old.headers["Location"]) == (301, address)
    wrong = await server.call("GET", "/openapi/v3/apis/apps", headers={"Accept": "text/html"})
    assert wrong.status == 406
