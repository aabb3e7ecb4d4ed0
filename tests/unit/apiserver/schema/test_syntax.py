"""Go's words for what is no JSON. Source of words: encoding/json's scanner."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.schema.syntax import syntax_error


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[1,2", "unexpected end of JSON input"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b"{a:1}", "invalid character 'a' looking for beginning of object key string"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b"trux", "invalid character 'x' in literal true (expecting 'e')"),
        (b"not json", "invalid character 'o' in literal null (expecting 'u')"),
        (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
        (b'"\\x"', "invalid character 'x' in string escape code"),
        (b'"\n"', r"invalid character '\n' in string literal"),
        (b"{} {}", "invalid character '{' after top-level value"),
        (b"'", r"invalid character '\'' looking for beginning of value"),
    ],
)
def test_the_first_wrong_character_is_named(body: bytes, words: str):
    assert syntax_error(body) == words


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_json_writes_is_never_wrong(value: object):
    assert syntax_error(json.dumps(value).encode()) == ""


@given(st.binary(max_size=40))
def test_it_agrees_with_python_on_what_is_json(body: bytes):
    try:
        text = body.decode()
        json.loads(text, parse_constant=lambda _: 1 / 0)
        fine = True
    except (ValueError, ZeroDivisionError):
        fine = False
    if fine:
        assert syntax_error(body) == ""
