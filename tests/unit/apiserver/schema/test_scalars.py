"""Times, base64 and quantities as Go's types read them."""

import pytest

from apiserver.schema.scalars import base64_text, quantity_text, time


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("2024-01-01T00:00:00.999Z", "2024-01-01T00:00:00Z"),
        ("2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00Z"),
    ],
)
def test_times_are_utc_to_the_second(text: str, written: str):
    assert time(text) == written


def test_micro_times_keep_six_decimals():
    assert time("2024-01-01T00:00:00.000001Z", micro=True) == "2024-01-01T00:00:00.000001Z"
    with pytest.raises(ValueError, match=r'cannot parse "Z" as "\.000000"'):
        time("2024-01-01T00:00:00Z", micro=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday", 'as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'),
        ("2024-01-01", 'cannot parse "" as "T"'),
        ("2024-13-01T00:00:00Z", "month out of range"),
        ("2024-02-30T00:00:00Z", "day out of range"),
        ("2024-01-01T00:00:00Zx", 'extra text: "x"'),
    ],
)
def test_a_time_that_is_none_says_where(text: str, words: str):
    with pytest.raises(ValueError) as wrong:
        time(text)
    assert words in str(wrong.value)


def test_base64_loses_its_line_breaks():
    assert base64_text("AA\nE=") == "AAE="


def test_numbers_are_quantities_too():
    assert quantity_text(1) == "1"
    assert quantity_text("0.5") == "500m"
