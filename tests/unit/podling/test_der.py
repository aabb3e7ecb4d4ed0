"""The outermost frame of DER, and Go's words for what is wrong with it."""

import pytest

from podling.api.der import wrong_sequence


@pytest.mark.parametrize(
    ("der", "words"),
    [
        (b"\x30\x00", ""),
        (b"\x30\x81\x01\x00", ""),
        (b"", "asn1: syntax error: sequence truncated"),
        (b"\x30", "asn1: syntax error: truncated tag or length"),
        (b"\x30\x82\x01", "asn1: syntax error: truncated tag or length"),
        (b"\x30\x80\x00\x00", "asn1: syntax error: indefinite length found (not DER)"),
        (b"\x30\x05\x00", "asn1: syntax error: data truncated"),
        (b"\x30\x00\x00", "asn1: syntax error: trailing data"),
    ],
)
def test_a_sequence_is_framed(der: bytes, words: str) -> None:
    assert wrong_sequence(der, "certificateRequest") == words


def test_something_else_is_told_with_its_tag() -> None:
    found = wrong_sequence(b"hello", "certificateRequest")
    assert found.startswith(
        "asn1: structure error: tags don't match (16 vs {class:1 tag:8 length:101 isCompound:true}) {optional:false "
    )
    assert found.endswith(" omitEmpty:false} certificateRequest @2")
