"""Objects between JSON and lightkube's dataclasses.

Decoding ignores fields that the model does not know; encoding leaves out what is None. So a service never writes back
a whole object that it decoded: it patches.
"""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def decode(data: bytes, kind: type[T]) -> T:
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    found: T = decoder.decode(data)
    return found


def encode(data: Any) -> bytes:
    return msgspec.json.encode(data)


def typed(data: Any, kind: type[T]) -> T:
    """From plain JSON data."""
    return msgspec.convert(data, kind)


def plain(value: Any) -> Any:
    """To plain JSON data, without what is None; times as Kubernetes writes them."""
    return _without_none(msgspec.to_builtins(value))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
