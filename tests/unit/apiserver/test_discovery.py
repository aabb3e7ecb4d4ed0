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
