"""From a recipe to one tar, the image's whole root file system.

Debian's packages are merged member by member, with /bin, /lib and /sbin folded into /usr; documentation is left out.
busybox, linked statically, gives every image its shell and small tools: an applet is linked where no package brings
the command itself.
"""

import io
import re
import subprocess
import tarfile
import tempfile
from importlib import resources
from pathlib import Path, PurePosixPath

from podling.images import debian
from podling.images.recipes import DEBIAN_PATH, Recipe

FOLDED = ("bin", "sbin", "lib", "lib64")
LEFT_OUT = re.compile(
    r"usr/share/(doc|man|info|locale|lintian|bash-completion|bug|gitweb|zsh|apport)(/|$)|var/cache/|usr/share/perl"
)
FOLDERS = ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "etc", "root", "home", "var/run", "srv", "proc", "sys", "dev")
PASSWD = (
    "root:x:0:0:root:/root:/bin/sh\n"
    "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
)
GROUP = "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
HOST_BUSYBOX = (Path("/usr/bin/busybox"), Path("/bin/busybox"))
LABEL = "podling.built-locally"


def build(recipe: Recipe, tar: Path) -> list[str]:
    """Write the tar; the Dockerfile instructions that go with it. Errors: DebianError."""
    with tempfile.TemporaryDirectory(prefix="podling-image-") as scratch, tarfile.open(tar, "w") as out:
        root = _Root(out)
        for folder in FOLDERS:
            root.folder(folder)
        for link in FOLDED:
            root.link(link, f"usr/{link}")
        root.folder("tmp", mode=0o1777)
        _base(root, recipe)
        if recipe.packages:
            for package in debian.fetch(recipe.packages, Path(scratch)):
                if package.name.partition("_")[0] not in recipe.leave_out:
                    root.merge(package)
        _busybox(root, Path(scratch))
    return [f"ENV PATH={DEBIAN_PATH}", f'LABEL {LABEL}="true"', *recipe.config]


def _base(root: "_Root", recipe: Recipe) -> None:
    root.file("etc/passwd", PASSWD.encode())
    root.file("etc/group", GROUP.encode())
    root.file("etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    if AUTHORITIES.exists():
        root.file("etc/ssl/certs/ca-certificates.crt", AUTHORITIES.read_bytes())
    for folder in recipe.folders:
        root.folder(folder)
    ours = resources.files("podling.images") / "files"
    for path, source in recipe.files.items():
        root.file(path, (ours / source).read_bytes(), mode=0o755 if source.endswith(".sh") else 0o644)
    for path, target in recipe.links.items():
        root.link(path, target)


def _busybox(root: "_Root", scratch: Path) -> None:
    binary = static_busybox(scratch)
    root.file("usr/bin/busybox", binary.read_bytes(), mode=0o755)
    listed = subprocess.run([str(binary), "--list-full"], capture_output=True, text=True, check=True)
    for applet in listed.stdout.split():
        path = applet if applet.startswith("usr/") else f"usr/{applet}"
        if path.startswith(("usr/bin/", "usr/sbin/")) and not root.has_command(PurePosixPath(path).name):
            root.link(path, "/usr/bin/busybox")


def static_busybox(scratch: Path) -> Path:
    """The host's, if it needs no library, else Debian's busybox-static."""
    for path in HOST_BUSYBOX:
        if path.exists() and is_static(path):
            return path
    folder = scratch / "busybox"
    folder.mkdir(exist_ok=True)
    for package in debian.fetch(["busybox-static"], folder):
        if package.name.startswith("busybox-static_"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(folder / "root")], check=True, capture_output=True)
    return unpacked_busybox(folder)


def unpacked_busybox(folder: Path) -> Path:
    """The program among the package's files; others of the same name are hooks and folders."""
    for path in sorted(folder.glob("root/**/bin/busybox")):
        if path.is_file() and is_static(path):
            return path
    raise debian.DebianError("the package busybox-static has no static program busybox")


def is_static(program: Path) -> bool:
    """No PT_INTERP in its program headers: nothing has to be loaded for it. ELF64, little endian."""
    data = program.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        return False
    offset, size, count = (
        int.from_bytes(data[32:40], "little"),
        int.from_bytes(data[54:56], "little"),
        int.from_bytes(data[56:58], "little"),
    )
    kinds = (data[offset + size * index : offset + size * index + 4] for index in range(count))
    return all(int.from_bytes(kind, "little") != 3 for kind in kinds)


class _Root:
    """A root file system as a growing tar; what was written first stays."""

    def __init__(self, out: tarfile.TarFile) -> None:
        self._out = out
        self._paths: set[str] = set()
        self._commands: set[str] = set()

    def has_command(self, name: str) -> bool:
        return name in self._commands

    def folder(self, path: str, mode: int = 0o755) -> None:
        info = tarfile.TarInfo(path)
        info.type, info.mode = tarfile.DIRTYPE, mode
        self._add(info)

    def link(self, path: str, target: str) -> None:
        info = tarfile.TarInfo(path)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self._add(info)

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        info = tarfile.TarInfo(path)
        info.size, info.mode = len(data), mode
        self._add(info, data)

    def merge(self, package: Path) -> None:
        with debian.tar_of(package) as path, tarfile.open(path) as tar:
            for member in tar:
                name = folded(member.name)
                if name and not LEFT_OUT.match(name):
                    content = tar.extractfile(member) if member.isreg() else None
                    member.name = name
                    if member.islnk():
                        member.linkname = folded(member.linkname)
                    self._add(member, content.read() if content else b"")

    def _add(self, info: tarfile.TarInfo, data: bytes = b"") -> None:
        if info.name in self._paths:
            return
        self._paths.add(info.name)
        path = PurePosixPath(info.name)
        if str(path.parent) in ("usr/bin", "usr/sbin") and not info.isdir():
            self._commands.add(path.name)
        self._out.addfile(info, io.BytesIO(data) if info.isreg() else None)


def folded(name: str) -> str:
    """The member's path below a merged /usr: "./lib/x" is "usr/lib/x"; "" for the root itself."""
    path = name.removeprefix("./").strip("/")
    return f"usr/{path}" if path.partition("/")[0] in FOLDED else path.removeprefix(".")
