"""Values in messages, as Go prints them."""

from typing import Any

import pytest

from podling.api.field import Path, show, too_many


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('say "a\\b"', r'"say \"a\\b\""'),
        ("a\n\t\x01\x7f\u00a0é", r'"a\n\t\x01\x7f\u00a0é"'),
        ("<&>", '"<&>"'),
        ({"b": "<&>", "a": [1, None, True]}, r'{"b":"\u003c\u0026\u003e","a":[1,null,true]}'),
        (1.5, "1.5"),
        (None, "null"),
    ],
)
def test_a_value_is_shown_as_go_shows_it(value: Any, text: str) -> None:
    assert show(value) == text


def test_one_item_is_no_items() -> None:
    assert str(too_many(Path("a"), 2, 1)) == "a: Too many: 2: must have at most 1 item"
