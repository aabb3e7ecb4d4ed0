"""Where Docker keeps the files of images, held for the pods that mount them."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.errors import APIError

from kubelet.docker.engine import DockerEngine
from kubelet.docker.image_roots import DockerImageRoots, layers_of
from kubelet.docker.spec import owner_labels
from kubelet.volumes import image, mounts
from kubelet.volumes.image import NoImageRoot
from tests.contracts.runtimes import why_no_docker


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    if why := why_no_docker():
        pytest.skip(why)
    found = DockerEngine()
    yield found
    found.close()


@pytest.fixture
def layered(engine: DockerEngine) -> Iterator[str]:
    """An image of two layers: the upper adds a file, and takes one away."""
    client, name = engine.client(), f"podling-test/layered-{uuid.uuid4().hex[:6]}:1"
    script, alone = "echo new > /both; rm /bin/wget", client.create_host_config(network_mode="none")
    made = client.create_container("busybox", ["sh", "-c", script], host_config=alone)
    client.start(made["Id"])
    client.wait(made["Id"])
    client.commit(made["Id"], *name.split(":"))
    client.remove_container(made["Id"], force=True)
    yield str(client.inspect_image(name)["Id"])
    client.remove_image(name, force=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
async def test_an_images_layers_are_mounted_and_held_until_released(
    engine: DockerEngine, layered: str, tmp_path: Path
) -> None:
    roots, uid = DockerImageRoots(engine, owner_labels("test-roots", "n1")), f"uid-{uuid.uuid4().hex[:6]}"
    place = tmp_path / "image"
    try:
        layers = await roots.layers(layered, uid)
        assert layers == await roots.layers(layered, uid), "again, after a restart"
        if not layers:
            return  # this engine mounts images itself
        for _ in range(2):
            image.mount(place, layers)
        assert (place / "both").read_text() == "new\n" and (place / "bin" / "sh").exists()
        assert not (place / "bin" / "wget").exists()
        with pytest.raises(OSError, match="Read-only"):
            (place / "x").touch()
        with pytest.raises(PermissionError):
            os.execv(place / "bin" / "busybox", ["busybox"])
        with pytest.raises(APIError, match=r"is being used|is using"):
            engine.client().remove_image(layered)
    finally:
        mounts.unmount_below(place)
        await roots.release(uid)
        await roots.release(uid)


@pytest.mark.parametrize(
    ("driver", "why"),
    [
        ({"Name": "btrfs", "Data": {}}, "this engine has btrfs"),
        (None, "this engine has containerd"),
        ({"Name": "overlay2", "Data": {"UpperDir": "/nowhere/diff"}}, "there is no /nowhere/diff"),
    ],
)
def test_an_engine_that_keeps_images_elsewhere_is_told(driver: object, why: str) -> None:
    with pytest.raises(NoImageRoot, match=why):
        layers_of({"GraphDriver": driver})
