"""Which images this kubelet has pulled, and who may use them without asking the registry again.

    image on the engine                                  a pod may use it
    ────────────────────────────────────────────────────────────────────────────────────────────────
    never pulled by this kubelet (built, loaded)         always
    pulled without a login, or with the machine's own    always
    pulled with a pull secret                            with that secret, or with the same login in another

This is Kubernetes' NeverVerifyPreloadedImages (KEP-2535). The record is a file, `pulled-images.json`: image id to
repository to who. It also tells the collector of images which ones are ours to remove. A login is kept as its hash.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kubelet.images.logins import Login, Secret
from kubelet.images.names import repository
from podling.files import write_atomically

log = logging.getLogger(__name__)
MOST_SECRETS = 100  # noted for one image
FILE = "pulled-images.json"


class Grant(NamedTuple):
    """A secret with which an image was pulled, and the hash of its login."""

    secret: Secret
    hash: str


class Access(NamedTuple):
    """Of one repository of an image; `names` are those that were pulled, with tag or digest."""

    everybody: bool = False
    grants: Sequence[Grant] = ()
    names: Sequence[str] = ()


def may_use(accesses: Mapping[str, Access] | None, image: str, logins: Iterable[Login]) -> bool:
    """Pure. `accesses` is the image's record, None where it has none."""
    if accesses is None:
        return True
    access = accesses.get(repository(image), Access())
    return access.everybody or any(_matches(grant, login) for grant in access.grants for login in logins)


def _matches(grant: Grant, login: Login) -> bool:
    return login.secret is not None and (grant.hash == login.hash or grant.secret == login.secret)


def granted(access: Access, name: str, login: Login | None) -> Access:
    """Pure: one more pull, by this login."""
    names = [*dict.fromkeys([*access.names, name])]
    if login is None or login.secret is None:
        return access._replace(everybody=True, names=names)
    grant = Grant(login.secret, login.hash)
    others = [each for each in access.grants if each.secret != grant.secret]
    return access._replace(grants=[*others, grant][-MOST_SECRETS:], names=names)


class PulledImages:
    """A file that is gone or unreadable means that nothing was pulled."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._records = _read(self._path)

    def may_use(self, id: str, image: str, logins: Iterable[Login]) -> bool:
        return may_use(self._records.get(id), image, logins)

    def names(self, id: str) -> Sequence[str]:
        """Under which this kubelet pulled an image; () for one that it did not."""
        return [name for access in self._records.get(id, {}).values() for name in access.names]

    def note(self, id: str, image: str, name: str, login: Login | None) -> None:
        """`image` as the pod wrote it, `name` with its tag."""
        accesses = self._records.setdefault(id, {})
        where = repository(image)
        before = accesses.get(where, Access())
        accesses[where] = granted(before, name, login)
        if accesses[where] != before:
            self._write()

    def ids(self) -> set[str]:
        return set(self._records)

    def forget(self, ids: Iterable[str]) -> None:
        """They are no longer on the engine."""
        gone = [id for id in ids if self._records.pop(id, None) is not None]
        if gone:
            self._write()

    def _write(self) -> None:
        text = json.dumps(self._records)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, text.encode())
        except OSError as error:  # a full disk must not keep pods from starting
            log.warning("pulled images not noted file=%s error=%s", self._path, error)


def _read(path: Path) -> dict[str, dict[str, Access]]:
    try:
        stored = json.loads(path.read_bytes())
        return {id: {name: _access(*each) for name, each in accesses.items()} for id, accesses in stored.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("pulled images not read file=%s error=%s", path, error)
        return {}


def _access(everybody: bool, grants: Sequence[Sequence[str | Sequence[str]]], names: Sequence[str]) -> Access:
    return Access(bool(everybody), [Grant(Secret(*secret), str(hash)) for secret, hash in grants], list(names))
