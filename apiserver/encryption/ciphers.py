"""One value, sealed and opened: `k8s:enc:aesgcm:v1:key1:` and what follows is the cipher's.

    aesgcm     nonce (12), ciphertext with its tag (16); the value's key in the store is authenticated with it
    aescbc     initial vector (16), ciphertext of PKCS#7 blocks
    secretbox  nonce (24), XSalsa20 and Poly1305

Source: k8s.io/apiserver/pkg/storage/value (PrefixTransformers) and its encrypt/{aes,secretbox,identity}.
"""

import os
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher as Blocks
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from apiserver.encryption.configuration import Provider

SEALED = b"k8s:enc:"
BLOCK_BYTES, NONCE_BYTES, BOX_NONCE_BYTES = 16, 12, 24
TOO_SHORT = "the stored data was shorter than the required size"


class Unreadable(Exception):
    """The value cannot be opened; the message says why in Kubernetes' words."""


class Cipher(Protocol):
    def seal(self, value: bytes, context: bytes) -> bytes: ...

    def open(self, value: bytes, context: bytes) -> bytes:
        """Raises `Unreadable`."""


class AesGcm:
    def __init__(self, secret: bytes) -> None:
        self._key = AESGCM(secret)

    def seal(self, value: bytes, context: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, value, context)

    def open(self, value: bytes, context: bytes) -> bytes:
        if len(value) < NONCE_BYTES:
            raise Unreadable(TOO_SHORT)
        try:
            return self._key.decrypt(value[:NONCE_BYTES], value[NONCE_BYTES:], context)
        except InvalidTag:
            raise Unreadable("cipher: message authentication failed") from None


class AesCbc:
    def __init__(self, secret: bytes) -> None:
        self._key = algorithms.AES(secret)

    def seal(self, value: bytes, context: bytes) -> bytes:
        vector, padder = os.urandom(BLOCK_BYTES), PKCS7(BLOCK_BYTES * 8).padder()
        blocks = Blocks(self._key, modes.CBC(vector)).encryptor()
        return vector + blocks.update(padder.update(value) + padder.finalize()) + blocks.finalize()

    def open(self, value: bytes, context: bytes) -> bytes:
        vector, rest = value[:BLOCK_BYTES], value[BLOCK_BYTES:]
        if len(vector) < BLOCK_BYTES:
            raise Unreadable(TOO_SHORT)
        if len(rest) % BLOCK_BYTES:
            raise Unreadable("the stored data is not a multiple of the block size")
        blocks, padder = Blocks(self._key, modes.CBC(vector)).decryptor(), PKCS7(BLOCK_BYTES * 8).unpadder()
        try:
            return padder.update(blocks.update(rest) + blocks.finalize()) + padder.finalize()
        except ValueError:
            raise Unreadable("invalid padding on input") from None


class SecretBox:
    def __init__(self, secret: bytes) -> None:
        from nacl.secret import SecretBox as Box  # needed by whoever chose it

        self._box = Box(secret)

    def seal(self, value: bytes, context: bytes) -> bytes:
        return bytes(self._box.encrypt(value, os.urandom(BOX_NONCE_BYTES)))

    def open(self, value: bytes, context: bytes) -> bytes:
        from nacl.exceptions import CryptoError

        if len(value) < BOX_NONCE_BYTES:
            raise Unreadable(TOO_SHORT)
        try:
            return self._box.decrypt(value)
        except (CryptoError, ValueError):
            raise Unreadable("output array was not large enough for encryption") from None


CIPHERS: dict[str, type[AesGcm] | type[AesCbc] | type[SecretBox]] = {
    "aesgcm": AesGcm,
    "aescbc": AesCbc,
    "secretbox": SecretBox,
}
NO_KEY = {
    "aesgcm": "no matching key was found for the provided AES transformer",
    "aescbc": "no matching key was found for the provided AES transformer",
    "secretbox": "no matching key was found for the provided Secretbox transformer",
}


class Opened(NamedTuple):
    """`stale`: it was not sealed as it would be now."""

    value: bytes
    stale: bool


class Transformer:
    """All providers of a resource: the first one's first key seals, whatever the prefix names opens."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._keys: list[tuple[bytes, str, Cipher | None]] = []  # (prefix, provider, None for identity)
        for provider in providers:
            if provider.kind == "identity":
                self._keys.append((b"", "identity", None))
            for key in provider.keys:
                prefix = SEALED + f"{provider.kind}:v1:{key.name}:".encode()
                self._keys.append((prefix, provider.kind, CIPHERS[provider.kind](key.secret)))

    def seal(self, value: bytes, context: bytes) -> bytes:
        prefix, _, cipher = self._keys[0]
        return value if cipher is None else prefix + cipher.seal(value, context)

    def open(self, value: bytes, context: bytes) -> Opened:
        """Raises `Unreadable`."""
        if not value.startswith(SEALED):
            if any(cipher is None for _, _, cipher in self._keys):
                return Opened(value, self._keys[0][2] is not None)
            raise Unreadable("no matching prefix found")
        why = ""
        for position, (prefix, _, cipher) in enumerate(self._keys):
            if cipher is not None and value.startswith(prefix):
                try:
                    return Opened(cipher.open(value[len(prefix) :], context), position > 0)
                except Unreadable as error:
                    why = why or str(error)
        raise Unreadable(why or self._unknown(value))

    def _unknown(self, value: bytes) -> str:
        for _, kind, cipher in self._keys:
            if cipher is None:
                return "identity transformer tried to read encrypted data"
            if value.startswith(SEALED + kind.encode() + b":v1:"):
                return NO_KEY[kind]
        return "no matching prefix found"
