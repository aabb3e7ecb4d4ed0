import pytest
from hypothesis import given
from hypothesis import strategies as st

from podling.api.quantity import Quantity, QuantityError, canonical, parse

CANONICAL = [
    ("0", "0"),
    ("100m", "100m"),
    ("1000m", "1"),
    ("0.5", "500m"),
    ("1.5", "1500m"),
    ("1000", "1k"),
    ("1024", "1024"),
    ("1024Mi", "1Gi"),
    ("0.5Gi", "512Mi"),
    ("1.5Gi", "1536Mi"),
    ("128Mi", "128Mi"),
    ("1e3", "1e3"),
    ("9E", "9E"),
    ("12E", "9223372036854775807"),
    ("5e-3", "5e-3"),
    ("0.0000000001", "1n"),
    ("-1", "-1"),
    (".5", "500m"),
    ("5.", "5"),
]


@pytest.mark.parametrize(("written", "shown"), CANONICAL)
def test_a_quantity_is_shown_in_its_canonical_form(written: str, shown: str) -> None:
    assert canonical(written) == shown


@pytest.mark.parametrize("text", ["", "x", "1x", "1.2.3", "--1", "1 Gi", "Mi", "1ki", "1KI", "1e"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        parse(text)


def test_parts_round_up() -> None:
    assert parse("100m").value == 1
    assert parse("1Gi").value == 2**30
    assert parse("0.0001").milli == 1


@given(st.integers(-(2**62), 2**62), st.sampled_from(["decimal", "binary", "exponent"]))
def test_the_canonical_form_means_the_same_number(nanos: int, family: str) -> None:
    assert parse(str(Quantity(nanos, family))).nanos == nanos
