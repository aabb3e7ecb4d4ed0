import io
import struct
import tarfile

import pytest

from kubelet.pause.image import NoPause, archive, program, tag

MACHINES = {"x86_64": 62, "aarch64": 183}  # e_machine of elf(5)


@pytest.mark.parametrize("architecture", list(MACHINES))
def test_a_tiny_static_program_is_shipped_for_the_usual_machines(architecture: str) -> None:
    executable = program(architecture)
    assert executable[:5] == b"\x7fELF\x02" and len(executable) < 1024
    kind, machine = struct.unpack_from("<HH", executable, 16)
    assert (kind, machine) == (2, MACHINES[architecture])
    assert b"ld-linux" not in executable


def test_another_machine_needs_a_compiler_and_says_so() -> None:
    with pytest.raises(NoPause, match="no pause program for riscv64: install gcc"):
        program("riscv64")


def test_the_image_is_the_program_alone_and_named_by_its_content() -> None:
    executable = program("x86_64")
    with tarfile.open(fileobj=io.BytesIO(archive(executable))) as tar:
        (entry,) = tar.getmembers()
        assert (entry.name, entry.mode & 0o111) == ("pause", 0o111)
        content = tar.extractfile(entry)
        assert content and content.read() == executable
    assert tag(executable) != tag(executable + b"x") and len(tag(executable)) == 12
