"""An image on the engine, one way or another: it has it, a registry gives it within seconds, or it is built here."""

import enum
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from podling.images.build import build
from podling.images.debian import DebianError
from podling.images.engine import Engine, EngineError
from podling.images.recipes import recipe

REGISTRY_SECONDS = 5.0
UNREACHABLE = ("no answer in time", "dial tcp", "no such host", "i/o timeout", "Client.Timeout", "deadline exceeded")
_CHUNK_BYTES = 1 << 20


class Source(enum.Enum):
    ENGINE = "the engine has it"
    REGISTRY = "pulled from its registry"
    BUILT = "built here from Debian packages"


class ImageUnavailable(Exception):
    """Neither the engine nor a registry has it, and it cannot be built here."""


def provide(engine: Engine, name: str, say: Callable[[str], None], away: set[str] | None = None) -> Source:
    """See that the engine has the image. `away` remembers the registries that did not answer: they are asked once."""
    away = set() if away is None else away
    try:
        if engine.has_image(name):
            return Source.ENGINE
    except EngineError as error:  # it is away, or no image can have such a name
        raise ImageUnavailable(f"image {name}: the engine says: {error}") from error
    refusal, registry = "it did not answer before", registry_of(name)
    if registry not in away:
        try:
            engine.pull(name, REGISTRY_SECONDS)
            return Source.REGISTRY
        except EngineError as error:
            refusal = str(error)
            if any(word in refusal for word in UNREACHABLE):
                away.add(registry)
    found = recipe(name)
    if found is None:
        raise ImageUnavailable(f"image {name}: the registry says: {refusal}; and there is no recipe to build it here")
    say(f"No registry gives {name} ({refusal}): building it from Debian packages …")
    with tempfile.NamedTemporaryFile(prefix="podling-image-", suffix=".tar") as file:
        try:
            config = build(found, Path(file.name))
            engine.import_image(name, _chunks(Path(file.name)), config)
        except (DebianError, EngineError) as error:
            raise ImageUnavailable(f"image {name} could not be built: {error}") from error
    return Source.BUILT


def registry_of(name: str) -> str:
    """ "docker.io" of "nginx" and "a/b"; the first part is a registry when it looks like a host."""
    first, separator, _ = name.partition("/")
    return first if separator and ("." in first or ":" in first or first == "localhost") else "docker.io"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
