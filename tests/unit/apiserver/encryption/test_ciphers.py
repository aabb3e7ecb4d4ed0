"""Values sealed and opened."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from apiserver.encryption.ciphers import Transformer, Unreadable
from apiserver.encryption.configuration import Key, Provider

OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)
KINDS = ("aesgcm", "aescbc", "secretbox")
IDENTITY = Provider("identity")
AT = b"/registry/secrets/default/a"


@given(st.sampled_from(KINDS), st.binary(max_size=200))
def test_what_is_sealed_is_opened_and_never_seen(kind: str, value: bytes) -> None:
    transformer = Transformer([Provider(kind, (NEW,)), IDENTITY])
    sealed = transformer.seal(value, AT)
    prefix = f"k8s:enc:{kind}:v1:new:".encode()
    assert sealed.startswith(prefix)
    assert len(value) < 8 or value not in sealed.removeprefix(prefix)
    assert transformer.open(sealed, AT) == (value, False)
    assert transformer.seal(value, AT) != sealed


def test_aesgcm_is_what_kubernetes_writes() -> None:
    sealed = Transformer([Provider("aesgcm", (NEW,))]).seal(b"hush", AT).removeprefix(b"k8s:enc:aesgcm:v1:new:")
    assert AESGCM(NEW.secret).decrypt(sealed[:12], sealed[12:], AT) == b"hush"


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_key_still_opens_and_says_that_it_is_old(kind: str) -> None:
    sealed = Transformer([Provider(kind, (OLD,))]).seal(b"hush", AT)
    assert Transformer([Provider(kind, (NEW, OLD))]).open(sealed, AT) == (b"hush", True)
    with pytest.raises(Unreadable, match=r"no matching key was found for the provided (AES|Secretbox) transformer"):
        Transformer([Provider(kind, (NEW,))]).open(sealed, AT)


def test_plain_values_are_read_where_identity_is_listed_and_only_there() -> None:
    assert Transformer([Provider("aesgcm", (NEW,)), IDENTITY]).open(b"{}", AT) == (b"{}", True)
    assert Transformer([IDENTITY, Provider("aesgcm", (NEW,))]).open(b"{}", AT) == (b"{}", False)
    with pytest.raises(Unreadable, match="no matching prefix found"):
        Transformer([Provider("aesgcm", (NEW,))]).open(b"{}", AT)


def test_what_was_encrypted_is_not_taken_for_plain() -> None:
    sealed = Transformer([Provider("aesgcm", (NEW,))]).seal(b"hush", AT)
    with pytest.raises(Unreadable, match="identity transformer tried to read encrypted data"):
        Transformer([IDENTITY]).open(sealed, AT)


def test_a_value_moved_to_another_key_of_the_store_is_not_opened() -> None:
    transformer = Transformer([Provider("aesgcm", (NEW,))])
    sealed = transformer.seal(b"hush", AT)
    with pytest.raises(Unreadable, match="cipher: message authentication failed"):
        transformer.open(sealed, b"/registry/secrets/default/b")


@given(st.sampled_from(KINDS), st.binary(max_size=60))
def test_garbage_is_told_and_never_fallen_over(kind: str, garbage: bytes) -> None:
    transformer = Transformer([Provider(kind, (NEW,))])
    try:
        transformer.open(f"k8s:enc:{kind}:v1:new:".encode() + garbage, AT)
    except Unreadable as error:
        assert str(error)
