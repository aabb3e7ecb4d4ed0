"""Loops that turn more often than the engine allows at once."""

import pytest

from apiserver.cel import INT, STRING, TIMESTAMP, EvalError, List, Object, compile


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("self.all(x, self.exists_one(y, x.name == y.name))", True),
        ("self.exists(x, self.all(y, x.name != y.name))", False),
        ("self.exists_one(x, self.all(y, x.size <= y.size))", True),
        ("!self.all(x, self.exists(y, y.size == 1 - x.size))", True),
        ("size(self) > 500 || self.all(x, self.all(y, x.size + y.size < 290))", False),
        ("self.exists(x, self.exists_one(y, 1 / (x.size - y.size) > 9)) || self.all(x, self.exists(y, y == x))", True),
        ("size(self) > 1 ? self.all(x, self.all(y, x.when == y.when)) : false", True),
        ("self.filter(x, x.size > 0).all(x, self.exists_one(y, x.name == y.name))", True),
    ],
)
def test_long_loops_are_asked_part_by_part(expression: str, value: bool) -> None:
    items = [{"name": f"n{number}", "size": number, "when": "2020-01-01T00:00:00Z"} for number in range(150)]
    kind = List(Object({"name": STRING, "size": INT, "when": TIMESTAMP}))
    assert compile(expression, {"self": kind}).eval({"self": items}) is value


@pytest.mark.parametrize(
    "expression",
    [
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(a, " * 6 + "true" + ")" * 6,
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(a, " * 6 + "true" + ")" * 6 + ".size() > 1",
    ],
)
def test_an_expression_that_runs_too_long_is_an_error(expression: str) -> None:
    with pytest.raises(EvalError, match="Iteration budget exceeded"):
        compile(expression, {}).eval({})
