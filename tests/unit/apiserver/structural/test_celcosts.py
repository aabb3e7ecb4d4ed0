"""What rules cost at most: the numbers are those of Kubernetes' own tests.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/compilation_test.go (TestCostEstimation) and
k8s.io/apiserver/pkg/cel/library/cost_test.go.
"""

from typing import Any

import pytest

from apiserver.structural.celcosts import costs, exceeded
from apiserver.structural.celrules import compile_rule
from apiserver.structural.celsizes import sized
from apiserver.structural.celtypes import type_of
from apiserver.structural.node import parse
from apiserver.structural.rules import check_schema, tightened
from podling.api.field import Path

STRING, NUMBER, BOOLEAN = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
PORT = {"x-kubernetes-int-or-string": True}
ADVICE = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)


def form(name: str) -> dict[str, Any]:
    return {"type": "string", "format": name}


def array(items: Any, most: int | None = None) -> dict[str, Any]:
    return {"type": "array", "items": items} | ({} if most is None else {"maxItems": most})


def mapping(values: Any, most: int | None = None) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values} | ({} if most is None else {"maxProperties": most})


def text(most: int) -> dict[str, Any]:
    return {**STRING, "maxLength": most}


def cost(schema: dict[str, Any], rule: str, **said: Any) -> int:
    node = parse(schema)
    kind, size = type_of(node), sized(node)
    assert kind is not None and size is not None
    compiled = compile_rule({"rule": rule, **said}, kind, node)
    assert not compiled.error
    return costs(compiled, kind, size).rule


ALL = "self.all(x, true)"
PARTS = {"before": text(2), "after": text(4)}


@pytest.mark.parametrize(
    ("schema", "rule", "most"),
    [
        (array(NUMBER), ALL, 4718591),
        (array(NUMBER, 10), ALL, 32),
        (array(STRING), ALL, 3145727),
        (array(BOOLEAN), ALL, 1887437),
        (array(PORT), ALL, 4718591),
        (array(form("duration")), ALL, 2359295),
        (array(form("date")), ALL, 725936),
        (array(form("date-time")), ALL, 428963),
        (array(array(NUMBER)), ALL, 3145727),
        (mapping(NUMBER), ALL, 1348169),
        (mapping(STRING), ALL, 1179647),
        (mapping(STRING, 3), ALL, 11),
        (mapping(form("date-time")), ALL, 349526),
        (array(NUMBER, 10), "self.all(x, self.all(y, self.all(z, true)))", 3552),
        (STRING, "self.contains('test')", 314574),
        (text(10), "self.contains('test')", 5),
        (STRING, "self.startsWith('test')", 2),
        (STRING, 'size(self + "hello") > size("hello")', 314578),
        (text(4), 'size(self + "hello") > size("hello")', 7),
        ({**STRING, "enum": ["A", "LongValue"]}, "self.contains('A')", 2),
        (array(STRING, 8), "self[1] == self[1]", 314577),
        (array(NUMBER), "self[1] == 0.0", 2),
        (array(PORT), "self[0] == 5", 3),
        (array(array(NUMBER)), "self[0][0] == -1.0", 3),
        (array(mapping(NUMBER), 12), "self.all(x, x.y == 25.2)", 74),
        (array(mapping(NUMBER)), "self[0].x > 2.0", 4),
        (text(0), 'self == "x"', 1),
        (form("byte"), 'self == b"x"', 2),
        (STRING, 'self.matches("x")', 314574),
        (text(50), 'self.matches("x")', 22),
        (STRING, '"".matches("(((((((((())))))))))[0-9]")', 7),
        (STRING, "self.find('[0-9]+') == ''", 629147),
        (array(STRING), "self.join(' ') == 'aa bb'", 329853068905),
        (array(text(10), 10), "self.join(' ') == 'aa bb'", 43),
        (array(STRING), "self.isSorted() == true", 329854432052),
        ({"type": "object", "properties": {**PARTS, "str": STRING}}, "self.str.replace(self.before, self.after)==''",
         629152),
        ({"type": "object", "properties": {"a": text(10)}}, "self.a.split(self.a) == []", 22),
        (STRING, "self.lowerAscii() == 'lower!'", 314575),
        (mapping({"type": "integer"}), "oldSelf.size() == self.size()", 5),
        (mapping(form("date-time")), 'self["a"] == self["b"]', 8),
        (array(text(16), 909_090), "self.all(x, x.contains('gpu'))", 9_999_992),
        (STRING, "[1, 2, 3, 4, 5].sum() > 0", 16),
        (STRING, "url('https:://kubernetes.io/') == url('https:://kubernetes.io/')", 9),
        (STRING, "ip('2001:db8:3333:4444:5555:6666:7777:8888').isLoopback()", 5),
        (STRING, "ip.isCanonical('2001:db8:3333:4444:5555:6666:7777:8888')", 8),
        (STRING, "cidr('192.168.0.0/16').containsCIDR('192.0.0.0/30')", 11),
        (STRING, "cidr('192.168.0.0/16').containsIP(ip('192.169.0.1'))", 8),
        (STRING, "strings.quote('ABCDEFGHIJ abcdefghij') == strings.quote('ABCDEFGHIJ abcdefghij')", 11),
        (STRING, 'quantity("50k").add(20).sub(quantity("100k")).sub(-50000).asInteger() > 0', 7),
        (STRING, 'quantity("200M") == quantity("0.2G") && quantity("0.2G") == quantity("200M")', 6),
        (STRING, 'format.named("dns1123Label").value().validate("my-name").hasValue()', 35),
        (STRING, "sets.contains([1, 2, 3, 4], [2, 3])", 29),
        (STRING, "sets.equivalent([1, 2, 3], [3, 2, 1])", 39),
        (STRING, "isSemver('1234.56789012345.67890123456789')", 4),
        (STRING, "{'a': 1, 'b': 2}.existsOne(k, v, v > 0)", 40),
        (STRING, "{'a': 1, 'b': 2}.transformMap(k, v, v < 5, v + 1) == {}", 105),
        (STRING, "[1, 2].transformList(i, v, v + 1) == []", 59),
    ],
)  # fmt: skip
def test_a_rule_costs_what_kubernetes_thinks(schema: Any, rule: str, most: int) -> None:
    assert cost(schema, rule) == most


def test_an_old_self_that_may_be_missing_costs_what_a_variable_costs() -> None:
    assert cost(STRING, "oldSelf.hasValue()", optionalOldSelf=True) == cost(STRING, "size(oldSelf) > 0") - 1


@pytest.mark.parametrize(
    ("times", "shown"), [(1.2, "1.200000x"), (3, "3.0x"), (99.96, "100.0x"), (101, "more than 100x")]
)
def test_small_factors_are_told_in_full(times: float, shown: str) -> None:
    assert exceeded("cost", int(times * 10**6), 10**6) == f"cost exceeds budget by factor of {shown} {ADVICE}"


def ruled(props: dict[str, Any], rule: str, **said: Any) -> dict[str, Any]:
    return {**props, "x-kubernetes-validations": [{"rule": rule, **said}]}


def of(spec: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": spec}}


GPU = "self.all(x, x.contains('gpu'))"
SPEC = "s.properties[spec]"
TOGETHER = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
DEAR = f"estimated rule cost exceeds budget by factor of more than 100x {ADVICE}"
TOTAL = "s: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        (ruled(array(text(16), 909_090), GPU), []),
        (
            ruled(array(text(16), 909_091), GPU),
            [f"{SPEC}.rule: Forbidden: estimated rule cost exceeds budget by factor of 1.000000x {ADVICE}"],
        ),
        (
            ruled(array(STRING), GPU),
            [
                f"{SPEC}.rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x {ADVICE}",
                f"{SPEC}.rule: Forbidden: {TOGETHER}",
                f"{TOTAL} exceeds budget by factor of more than 100x {ADVICE}",
            ],
        ),
        (
            ruled({"type": "integer"}, "self > 0", messageExpression="'not ' + string(self)"),
            [
                f"{SPEC}.messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor of "
                f"more than 100x {ADVICE}",
                f"{SPEC}.messageExpression: Forbidden: {TOGETHER}",
                f"{TOTAL} exceeds budget by factor of more than 100x {ADVICE}",
            ],
        ),
        (array(ruled(text(16), "self.contains('gpu')"), 10), []),
        (
            array(ruled(text(16), "self.contains('gpu')"), 2_000_000),
            [f"{SPEC}.items.rule: Forbidden: estimated rule cost exceeds budget by factor of 1.6x {ADVICE}"],
        ),
        (
            array(ruled(STRING, "self.contains('gpu')")),
            [
                f"{SPEC}.items.rule: Forbidden: {DEAR}",
                f"{SPEC}.items.rule: Forbidden: {TOGETHER}",
                f"{TOTAL} exceeds budget by factor of more than 100x {ADVICE}",
            ],
        ),
    ],
)
def test_what_is_too_dear_is_refused(spec: Any, errors: list[str]) -> None:
    found = [str(error).replace(".x-kubernetes-validations[0]", "") for error in check_schema(of(spec), Path("s"))]
    assert found == errors


def test_a_stored_rule_that_is_too_dear_may_stay_as_it_is() -> None:
    dear = of(ruled(array(text(16), 909_091), GPU))
    assert check_schema(dear, Path("s"), rules=tightened(dear, dear)) == []
    assert check_schema(
        {**dear, "description": "new"}, Path("s"), rules=tightened({**dear, "description": "new"}, dear)
    )
