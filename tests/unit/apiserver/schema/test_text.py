"""Bodies' text: what is read the quick way is what is read the long way."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from apiserver.schema.text import Doubled, Float, Malformed, parse_json, parse_yaml, plain

WORDS = some.sampled_from(["a", "b", ":", '"', "\\", "\\:", '":', "é", " :", "\n", "\ud800", "1.5"])
SCALARS = some.one_of(WORDS, some.integers(), some.sampled_from([1.5, 1e30, None, True, -0.0, 2**70]))


def _text(value: object) -> some.SearchStrategy[str]:
    return some.builds(
        lambda space, ascii: json.dumps(value, separators=("," + space, space + ":"), ensure_ascii=ascii),
        some.sampled_from(["", "", " ", "\n\t"]),
        some.booleans(),
    )


def _object(pairs: list[tuple[str, str]]) -> str:
    """Keys may stand twice here, which `json.dumps` never writes."""
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs) + "}"


TEXTS = some.recursive(
    SCALARS.flatmap(_text),
    lambda inner: some.one_of(
        some.lists(some.tuples(WORDS, inner), max_size=4).map(_object),
        some.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]"),
    ),
    max_leaves=12,
)


def _marked(value: object) -> object:
    """With its marks to be seen: what stands twice, numbers as they are written."""
    if isinstance(value, dict):
        pairs = value.pairs if isinstance(value, Doubled) else value.items()
        return ["object", *((key, _marked(item)) for key, item in pairs)]
    if isinstance(value, list):
        return [_marked(item) for item in value]
    return ("number", value.text) if isinstance(value, Float) else (type(value), value)


@given(TEXTS)
def test_what_is_read_the_quick_way_has_the_same_marks(text: str) -> None:
    body = text.encode(errors="surrogatepass")
    quickly, slowly = parse_json(body), parse_json(b'{"" :' + body + b"}")[""]  # a space before a colon: the long way
    assert _marked(quickly) == _marked(slowly)
    assert plain(quickly) == plain(slowly)


@pytest.mark.parametrize("body", [b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}'])
def test_bytes_that_are_no_text_are_replaced(body: bytes) -> None:
    assert set(parse_json(body)["a"]) == set(parse_json(body, exact=False)["a"]) == {"\ufffd"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0b_", "0b_"),
        ("1e400", "1e400"),
        ("!!binary aGk=", "hi"),
        ("!!timestamp 2020-01-01", "2020-01-01"),
        ("!!set {b}", {"b": None}),
        ("!!omap [b: 1]", [{"b": 1}]),
        ("!colour red", "red"),
        ("!!python/object:os.system x", "x"),
        ("!point {x: 1}", {"x": 1}),
        ("!list [1]", [1]),
    ],
)
def test_tags_make_nothing_that_json_has_not(text: str, value: object) -> None:
    assert parse_yaml(f"a: {text}".encode()) == ({"a": value}, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: .inf", "json: unsupported value: +Inf"),
        ("a: -.INF", "json: unsupported value: -Inf"),
        ("a: .nan", "json: unsupported value: NaN"),
        ("a: !!binary '!'", "yaml: !!binary value contains invalid base64 data"),
        ("b: 1\na: [*nope, 1]", "yaml: unknown anchor 'nope' referenced"),
    ],
)
def test_what_yaml_can_say_and_json_cannot_is_refused_in_gos_words(text: str, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_yaml(text.encode())
    assert str(caught.value) == words
