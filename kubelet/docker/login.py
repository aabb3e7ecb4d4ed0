"""The machine's own logins at registries, as `docker login` keeps them: in a file, or with a credential helper. Blocks.

Under sudo it is the user's file that `docker login` has written, so that is asked, too.
"""

import logging
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docker import auth
from docker.credentials.errors import StoreError
from docker.errors import DockerException

from kubelet.images.logins import Login
from kubelet.images.names import repository

log = logging.getLogger(__name__)


def own_login(image: str, environment: Mapping[str, str]) -> Login | None:
    """The first that fits the image's registry. A helper that fails is as good as none."""
    for path in config_files(environment):
        try:
            registry, _ = auth.resolve_repository_name(repository(image))
            found = auth.resolve_authconfig(auth.load_config(str(path)), registry)
        except (DockerException, StoreError, OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("login not read file=%s image=%s error=%s", path, image, error)
            continue
        if found and (login := _login(found, registry)):
            return login
    return None


def config_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Those that are there."""
    homes = [Path(environment["HOME"])] if environment.get("HOME") else []
    user = environment.get("SUDO_USER")
    if user:
        try:
            homes.append(Path(pwd.getpwnam(user).pw_dir))
        except KeyError:
            log.debug("no such user user=%s", user)
    folders = [Path(environment["DOCKER_CONFIG"])] if environment.get("DOCKER_CONFIG") else []
    folders += [] if folders else [home / ".docker" for home in homes]
    for folder in dict.fromkeys(folders):
        if (folder / "config.json").is_file():
            yield folder / "config.json"


def _login(found: Mapping[str, Any], registry: str) -> Login | None:
    known = {key.lower(): value for key, value in found.items()}
    address = known.get("serveraddress") or registry
    login = Login(
        known.get("username") or "", known.get("password") or "", address, str(known.get("identitytoken") or "")
    )
    return login if login.username or login.password or login.identity_token else None
