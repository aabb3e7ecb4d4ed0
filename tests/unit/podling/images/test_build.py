"""Root file systems from recipes."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from podling.images.build import LEFT_OUT, _Root, build, folded, is_static, unpacked_busybox
from podling.images.debian import DebianError
from podling.images.recipes import BUSYBOX, GIT_SYNC, NGINX, PAGE, recipe


def test_an_image_is_found_however_it_is_written() -> None:
    assert recipe("nginx") is recipe("docker.io/library/nginx:latest") is NGINX
    assert recipe("busybox:1.36") is BUSYBOX
    assert recipe("nigelpoulton/k8sbook:1.0") is recipe("nigelpoulton/web-app:1.0") is PAGE
    assert recipe("k8s.gcr.io/git-sync:v3.1.6") is GIT_SYNC
    assert recipe("postgres:17") is None


def test_packages_are_folded_into_usr() -> None:
    assert folded("./bin/ls") == "usr/bin/ls"
    assert folded("./lib64/ld-linux.so.2") == "usr/lib64/ld-linux.so.2"
    assert folded("./usr/bin/git") == "usr/bin/git"
    assert folded("./etc/") == "etc"
    assert folded("./") == ""
    assert folded("./library/x") == "library/x"


def test_documentation_is_left_out() -> None:
    assert LEFT_OUT.match("usr/share/doc/git/README")
    assert LEFT_OUT.match("usr/share/man")
    assert not LEFT_OUT.match("usr/share/manage")
    assert not LEFT_OUT.match("usr/share/git-core/templates")


def test_what_came_first_stays() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        root = _Root(tar)
        root.file("usr/bin/ps", b"first", mode=0o755)
        root.file("usr/bin/ps", b"second", mode=0o755)
        assert root.has_command("ps")
        assert not root.has_command("ls")
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        assert tar.getnames() == ["usr/bin/ps"]
        content = tar.extractfile("usr/bin/ps")
        assert content is not None
        assert content.read() == b"first"


def test_a_program_with_an_interpreter_is_not_static(tmp_path: Path) -> None:
    python = Path(shutil.which("tar") or "/bin/tar").resolve()
    assert not is_static(python)
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert not is_static(script)


def test_of_a_packages_files_named_busybox_the_program_is_taken(tmp_path: Path) -> None:
    """Debian's package has a hook of that name, too, which a walk of the tree meets first or last."""
    hook = tmp_path / "root/usr/share/initramfs-tools/conf-hooks.d/busybox"
    program = tmp_path / "root/usr/bin/busybox"
    for path, data in ((hook, b"BUSYBOXDIR=/bin\n"), (program, b"\x7fELF\x02\x01" + bytes(58))):
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    assert unpacked_busybox(tmp_path) == program
    program.unlink()
    with pytest.raises(DebianError, match="no static program"):
        unpacked_busybox(tmp_path)


def test_busybox_brings_its_tools_and_a_shell(tmp_path: Path) -> None:
    if not shutil.which("dpkg-deb"):
        pytest.skip("not Debian: images cannot be built here")
    tar = tmp_path / "root.tar"
    config = build(BUSYBOX, tar)
    assert 'LABEL podling.built-locally="true"' in config
    with tarfile.open(tar) as archive:
        names = set(archive.getnames())
        assert {"usr/bin/sh", "usr/bin/ps", "usr/bin/nslookup", "usr/bin/wget", "usr/sbin/httpd", "bin", "tmp"} <= names
        assert archive.getmember("bin").linkname == "usr/bin"
        assert archive.getmember("tmp").mode == 0o1777


@pytest.mark.parametrize("script", ["serve-page.sh", "git-sync.sh"])
def test_the_scripts_in_images_are_sound_shell(script: str) -> None:
    path = Path(__file__).parents[4] / "podling" / "images" / "files" / script
    subprocess.run(["sh", "-n", str(path)], check=True)
