"""The seccomp profiles that the node keeps: files of Docker's format, which is Kubernetes' too. Reads disk.

`localhostProfile: profiles/audit.json` is looked for in `<state_dir>/seccomp`, then in `/var/lib/kubelet/seccomp`,
where tools that bring profiles put them.
"""

from pathlib import Path

from kubelet.security import LOCALHOST

USUAL = Path("/var/lib/kubelet/seccomp")


class SeccompProfiles:
    def __init__(self, state_dir: Path) -> None:
        self._folders = (state_dir / "seccomp", USUAL)

    def text(self, profile: str) -> str:
        """ "" for one that is not the node's. Raises OSError, in the words of container runtimes."""
        if not profile.startswith(LOCALHOST):
            return ""
        name = profile.removeprefix(LOCALHOST)
        if name.startswith("/") or ".." in Path(name).parts:
            raise OSError(f'cannot load seccomp profile "{name}": it must be below {USUAL}')
        for folder in self._folders:
            try:
                return (folder / name).read_text()
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError) as error:
                raise OSError(f'cannot load seccomp profile "{folder / name}": {error}') from error
        path = self._folders[0] / name
        raise OSError(f'cannot load seccomp profile "{path}": open {path}: no such file or directory')
