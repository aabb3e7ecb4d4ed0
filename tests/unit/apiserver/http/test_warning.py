"""The Warning headers: quoted, each once, bounded."""

from hypothesis import given
from hypothesis import strategies as st

from apiserver.http.warning import CUT_CHARACTERS, MOST_CHARACTERS, headers


def texts(*warnings: str) -> list[str]:
    return [value.removeprefix('299 - "').removesuffix('"') for _, value in headers(warnings)]


def test_a_warning_is_quoted_and_stands_once() -> None:
    assert headers(['say "hi" \\', "b", "b"]) == [("Warning", '299 - "say \\"hi\\" \\\\"'), ("Warning", '299 - "b"')]


def test_a_warning_with_control_characters_or_without_text_is_left_out() -> None:
    assert texts("a\r\nSet-Cookie: x", "", "fine", "tab\there") == ["fine"]


def test_many_words_are_cut_and_at_last_left_out() -> None:
    assert texts("a" * MOST_CHARACTERS) == ["a" * MOST_CHARACTERS]
    assert texts("a" * MOST_CHARACTERS, "b") == ["a" * CUT_CHARACTERS, "b"]
    many = texts(*(f"{number:04}" * 100 for number in range(100)))
    assert len(many) == MOST_CHARACTERS // CUT_CHARACTERS
    assert {len(each) for each in many} == {CUT_CHARACTERS}


@given(st.lists(st.text()))
def test_no_warning_breaks_the_line_or_the_bound(found: list[str]) -> None:
    made = headers(found)
    assert all("\n" not in value and "\r" not in value for _, value in made)
    assert sum(map(len, texts(*found))) <= 2 * (MOST_CHARACTERS + CUT_CHARACTERS)
