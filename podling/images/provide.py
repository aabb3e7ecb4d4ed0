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
_CHUNK_BYTES = 1 << 20


class Source(enum.Enum):
    ENGINE = "the engine has it"
    REGISTRY = "pulled from its registry"
    BUILT = "built here from Debian packages"


class ImageUnavailable(Exception):
    """Neither the engine nor a registry has it, and it cannot be built here."""


def provide(engine: Engine, name: str, say: Callable[[str], None], registry: bool = True) -> Source:
    """See that the engine has the image. With `registry` False none is asked."""
    if engine.has_image(name):
        return Source.ENGINE
    refusal = "not asked"
    if registry:
        try:
            engine.pull(name, REGISTRY_SECONDS)
            return Source.REGISTRY
        except EngineError as error:
            refusal = str(error)
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


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
