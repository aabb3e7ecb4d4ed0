"""Bodies' text: what is read the quick way is what is read the long way."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from apiserver.schema.text import Doubled, Float, parse_json, plain

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
