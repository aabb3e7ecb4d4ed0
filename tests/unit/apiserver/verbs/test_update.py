"""PUT, where nothing is yet."""

import pytest

from tests.unit.apiserver.running import Running

LEASE = ("/apis/coordination.k8s.io/v1/namespaces/default/leases", "leases.coordination.k8s.io")
CONFIG_MAP = ("/api/v1/namespaces/default/configmaps", "configmaps")


@pytest.mark.parametrize(("path", "resource"), [LEASE, CONFIG_MAP])
async def test_an_object_that_is_named_by_its_uid_must_be_there(server: Running, path: str, resource: str) -> None:
    status, refused = await server.call("PUT", f"{path}/none", json={"metadata": {"name": "none", "uid": "x"}})
    assert (status, refused["message"]) == (
        409,
        f'Operation cannot be fulfilled on {resource} "none": StorageError: invalid object, Code: 4, Key: '
        f"/registry/{resource.partition('.')[0]}/default/none, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
        "failed: UID in precondition: x, UID in object meta: ",
    )
