"""Expressions: what they are, what they are refused for, and in which words (cel-go's, Kubernetes 1.36)."""

import sys
import threading
from typing import Any

import pytest

from apiserver.authz.decision import Decision
from apiserver.cel import (
    AUTHORIZER,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    CompileError,
    EvalError,
    Inputs,
    List,
    Map,
    Object,
    Unavailable,
    compile,
    engine,
)
from apiserver.cel.library.authorizer import Authorizer
from apiserver.cel.schemas import type_of
from apiserver.kinds.pod import POD
from apiserver.request import Attributes, User

WIDGET = Object(
    {
        "min": INT,
        "max": INT,
        "ratio": DOUBLE,
        "color": STRING,
        "namespace": STRING,
        "my-field": STRING,
        "sizes": List(INT),
        "labels": Map(STRING),
        "when": TIMESTAMP,
        "wait": DURATION,
        "part": Object({"name": STRING}),
        "any": DYN,
        "lists": Map(List(STRING)),
    }
)
SELF: dict[str, Any] = {
    "min": 1,
    "max": 3,
    "ratio": 2,
    "namespace": "n",
    "my-field": "y",
    "sizes": [1, 2],
    "labels": {"a": "b"},
    "when": "2020-01-01T00:00:00.5Z",
    "wait": "1h30m",
    "part": {"name": "p"},
    "any": {"q": 1, "f": 1.5, "none": None},
    "lists": {"k": ["v"]},
}


def ask(expression: str, values: Any = None, **options: Any) -> Any:
    return compile(expression, {"self": WIDGET}, **options).eval(values or {"self": SELF})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("self.min <= self.max", True),
        ("self.min < 1.5", True),
        ("self.ratio / 4.0", 0.5),
        ("self.ratio == 2.0", True),
        ("self.any.q == 1.0", True),
        ("self.__namespace__ + self.my__dash__field", "ny"),
        ("self.sizes.sum() + self.sizes.max()", 5),
        ("self.sizes.isSorted()", True),
        ("self.sizes.indexOf(2) + self.sizes.lastIndexOf(9)", 0),
        ("[duration('1m'), duration('30s')].sum() == duration('90s')", True),
        ("[].sum()", 0),
        ("self.labels.a", "b"),
        ("self.lists.k[0]", "v"),
        ("self.when < timestamp('2021-01-01T00:00:00Z')", True),
        ("self.when.getMilliseconds()", 500),
        ("self.wait == duration('90m')", True),
        ("has(self.color)", False),
        ("self.?color.orValue('red')", "red"),
        ("self.any.?z.?y.hasValue()", False),
        ("self.any.none == null", True),
        ("{'a': 1, 'b': 2}.transformList(k, v, v > 1, k)", ["b"]),
        ("{'a': 1}.all(k, v, v == 1)", True),
        ("sets.contains([1, 2], [1])", True),
        ("'a,b'.split(',').join('-').upperAscii()", "A-B"),
        ("'%s is %d'.format(['x', 3])", "x is 3"),
        ("'abc 123'.find('[0-9]+')", "123"),
        ("'1 2 3'.findAll('[0-9]', 2)", ["1", "2"]),
        ("'ß'.matches('^\\\\pL$')", True),
        ("url('https://u:p@a.b:80/x y?k=1&k=2').getHost()", "a.b:80"),
        ("url('https://[::1]:80/x y').getHostname() + url('https://a/x y').getEscapedPath()", "::1/x%20y"),
        ("url('https://a/?k=1&k=2').getQuery()", {"k": ["1", "2"]}),
        ("isURL('../x') || isURL('https://a:b:c/')", False),
        ("isURL('/x') && isURL('https://a')", True),
        ("quantity('1Gi').isGreaterThan(quantity('1G'))", True),
        ("quantity('1') == quantity('1000m')", True),
        ("quantity('50k').add(20).sub(quantity('100k')).sub(-50000) == quantity('20')", True),
        ("quantity('50k').asInteger() + sign(quantity('-3'))", 49999),
        ("isQuantity('200K') || quantity('9999999999999999999999999999999999999G').isInteger()", False),
        ("ip('10.0.0.1').family() + ip('::1').family()", 10),
        ("isIP('127.0.0.256') || isIP('fe80::1%eth0') || isIP('::ffff:1.2.3.4')", False),
        ("ip.isCanonical('2001:DB8::ABCD')", False),
        ("ip('224.0.0.1').isLinkLocalMulticast() && !ip('224.0.1.1').isLinkLocalMulticast()", True),
        ("ip('255.255.255.255').isGlobalUnicast()", False),
        ("cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsIP(ip('10.0.0.1'))", True),
        ("cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24') && !isCIDR('192.168.0.0/33')", True),
        ("string(cidr('192.168.0.1/24').masked()) + string(cidr('::1/128').ip())", "192.168.0.0/24::1"),
        ("cidr('192.168.0.1/24') == cidr('192.168.0.1/24').masked()", False),
        ("semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-a.2').isLessThan(semver('1.0.0-a.10'))", True),
        ("semver('v1.0', true) == semver('1.0.0') && !isSemver('v1.0')", True),
        ("semver('1.2.3').major() + semver('1.2.3').patch()", 4),
        ("format.dns1123Label().validate('a').hasValue()", False),
        ("format.uuid().validate('x').value()", ["does not match the UUID format"]),
        ("format.named('nope').hasValue() || !format.named('byte').hasValue()", False),
        ("format.dns1035LabelPrefix().validate('a-').hasValue()", False),
        ("jsonpatch.escapeKey('k8s.io/my~label')", "k8s.io~1my~0label"),
        ("self.sizes.map(size, size * 2).filter(size, size > 2)", [4]),
        ("type(self.any.q) == int", True),
        ("b'ab'.size()", 2),
        ("1/0 == 1 || true", True),
        ("[1, 2][1] + {'a': 1, 'b': 2}['b'] + [[1], [2, 3]].size()", 6),
        ("[self.min, 1, self.max, 2.0 > 1.0 ? 1 : 2].size()", 4),
        ("{'a': self.min > 0 ? 'x' : 'y', 'b': 'z'}.size() + ['a', self.?color.orValue('b')].size()", 4),
        ("'a'.matches(r'^\\w$')", True),
    ],
)
def test_an_expression_has_the_value_that_kubernetes_documents(expression: str, value: Any) -> None:
    assert ask(expression) == value


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("self.color", "no such key: color"),
        ("self.any.z", "no such key: z"),
        ("self.any.q.r", "no such key: r"),
        ("self.labels['x']", "no such key: x"),
        ("self.sizes[7]", "index out of bounds: 7"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "modulus by zero"),
        ("self.any.q + 'x'", "no such overload"),
        ("self.any.q ? 1 : 2", "no such overload"),
        ("9223372036854775807 + self.min", "integer overflow"),
        ("int('z')", "type conversion error from 'string' to 'int'"),
        ("duration(self.part.name)", "type conversion error from 'string' to 'google.protobuf.Duration'"),
        ("bool(self.part.name)", "type conversion error from 'string' to 'bool'"),
        ("uint(-self.min) == 1u", "unsigned integer overflow"),
        ("int(1e30)", "integer overflow"),
        ("'abc'.substring(5)", "index out of range: 5"),
        ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
        ("'abc'.charAt(9)", "index out of range: 9"),
        ("'abc'.charAt(9 + 1)", "index out of range"),
        ("optional.none().value()", "optional.none() dereference"),
        ("self.sizes.filter(size, size > 9).min()", "min called on empty list"),
        ("quantity('1.5').asInteger()", "cannot convert value to integer"),
        ("ip('::ffff:1.2.3.4')", 'IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed'),
        ("semver('1.2')", "No Major.Minor.Patch elements found"),
        ("optional.of(1)", "an optional is no value here"),
    ],
)
def test_an_expression_without_a_value_says_why_as_cel_go_does(expression: str, why: str) -> None:
    with pytest.raises(EvalError) as refused:
        ask(expression)
    assert str(refused.value) == why


@pytest.mark.parametrize(
    "expression",
    [
        "dyn([optional.of(1)]).sum()",
        "dyn(optional.of(1)).sum()",
        "[optional.of(1)].indexOf(1)",
        "[optional.of(1)].indexOf(optional.of(1))",
        "dyn({'a': optional.of(1)}).sum()",
        "[[optional.of(1)]].indexOf([1])",
        "[{'a': optional.of(1)}].indexOf({'a': 1})",
        "dyn(optional.of('a')).find('b')",
        "[{'a': self.any.?q}]",
        "{'a': {'b': self.any.?nope}}",
        "[self.any.?q]",
        "dyn(1).isLessThan(dyn(2))",
        "quantity('1').isLessThan(dyn(semver('1.2.3')))",
        "dyn(optional.of(ip('::1'))).family()",
    ],
)
def test_values_that_no_function_takes_are_an_error_and_not_the_end_of_the_process(expression: str) -> None:
    for _ in range(100):  # Python looks at fewer things once it knows a function well
        with pytest.raises((EvalError, CompileError)):
            ask(expression)


def paragraph(column: int, words: str, line: str) -> str:
    return f"ERROR: <input>:1:{column}: {words}\n | {line}\n | {'.' * (column - 1)}^"


@pytest.mark.parametrize(
    ("expression", "column", "words"),
    [
        ("self.colour == 'x'", 5, "undefined field 'colour'"),
        ("has(self.part.nope)", 4, "undefined field 'nope'"),
        ("self.namespace", 5, "undefined field 'namespace'"),
        ("params.x.y == 1", 1, "undeclared reference to 'params' (in container '')"),
        ("size(a.b)", 6, "undeclared reference to 'a' (in container '')"),
        ("self.part.foo()", 14, "undeclared reference to 'foo' (in container '')"),
        ("self.part == 1", 11, "found no matching overload for '_==_' applied to '(object, int)'"),
        ("self.sizes == null", 12, "found no matching overload for '_==_' applied to '(list(int), null)'"),
        ("self.when + 1", 11, "found no matching overload for '_+_' applied to '(timestamp, int)'"),
        ("self.colour.name.first", 5, "undefined field 'colour'"),
        ("has(self.colour.name)", 9, "undefined field 'colour'"),
        ("self.colour.all(x, true)", 5, "undefined field 'colour'"),
        ("has(self)", 5, "invalid argument to has() macro"),
        ("self.sizes.all(1, true)", 16, "argument must be a simple name"),
        ("self.sizes.map(1, true)", 16, "argument is not an identifier"),
        ("self.part.all(x, true)", 5,
         "expression of type 'object' cannot be range of a comprehension (must be list, map, or dynamic)"),
        ("self.color.name", 11, "type 'string' does not support field selection"),
        ("quantity('1').v", 14, "type 'kubernetes.Quantity' does not support field selection"),
        ("quantity('1').isLessThan(1)", 25,
         "found no matching overload for 'isLessThan' applied to '(kubernetes.Quantity, int)'"),
        ("math.greatest(1, 2)", 1, "undeclared reference to 'math' (in container '')"),
        ("cel.bind(x, 1, x)", 1, "undeclared reference to 'cel' (in container '')"),
        ("[1, 2, 'a', true]", 8, "expected type 'int' but found 'string'"),
        ("{'a': 1, 'b': -1.5}['a'] > 0", 15, "expected type 'int' but found 'double'"),
        ("{'a': 1, 2: 3}.size() > 0", 10, "expected type 'string' but found 'int'"),
        ("'b' in ['a', 1u]", 14, "expected type 'string' but found 'uint'"),
        ("self.wait > duration('1 hour')", 22, "invalid duration argument"),
        ("self.when < timestamp('2020')", 23, "invalid timestamp argument"),
        ("self.color.matches('[a')", 20, "invalid matches argument"),
        ("self.min +", 11,
         "Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', "
         "NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"),
    ],
)  # fmt: skip
def test_a_mistake_is_shown_at_its_place_in_the_words_of_cel_go(expression: str, column: int, words: str) -> None:
    with pytest.raises(CompileError) as refused:
        ask(expression)
    assert str(refused.value).split("\nERROR")[0] == paragraph(column, words, expression)
    assert "!error!" not in str(refused.value)


def test_every_mistake_is_told_in_the_order_of_the_text() -> None:
    with pytest.raises(CompileError) as refused:
        ask("foo(bar) + self.zip")
    columns = [line.split(":")[3] for line in str(refused.value).split("\n") if line.startswith("ERROR")]
    assert columns == ["4", "5", "16"]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("(" * 99 + "1" + ")" * 99, "expression recursion limit exceeded: 32"),
        ("+".join(["1"] * 99), "expression recursion limit exceeded: 32"),
        (f"'{'a' * 100000}'", "expression code point size exceeds limit: size: 100002, limit 100000"),
    ],
)
def test_an_expression_that_is_too_large_is_refused(expression: str, words: str) -> None:
    with pytest.raises(CompileError) as refused:
        ask(expression)
    assert str(refused.value) == f"ERROR: <input>:-1:0: {words}"


def test_the_type_of_a_result_is_named_as_cel_go_names_it() -> None:
    named = {
        expression: compile(expression, {"self": WIDGET}).type
        for expression in "self.min self.labels self.sizes self.when self.part self.any self.?min null".split()  # noqa: SIM905
    }
    assert named == {
        "self.min": "int",
        "self.labels": "map(string, string)",
        "self.sizes": "list(int)",
        "self.when": "google.protobuf.Timestamp",
        "self.part": "object",
        "self.any": "dyn",
        "self.?min": "optional_type(int)",
        "null": "null_type",
    }


def test_bindings_are_there_where_they_are_asked_for() -> None:
    assert ask("cel.bind(x, self.min, x + x)", extensions=("bindings",)) == 2


def test_built_in_kinds_are_checked_against_their_schema() -> None:
    pod = {"object": type_of(POD.schema)}
    assert compile("object.spec.containers.all(c, c.image != '')", pod).eval(
        {"object": {"spec": {"containers": [{"name": "c", "image": "x"}]}}}
    )
    with pytest.raises(CompileError, match="undefined field 'imagee'"):
        compile("object.spec.containers.all(c, c.imagee != '')", pod)


MAKES = {"Object": Object({}, "Object"), "JSONPatch": Object({"op": STRING, "path": STRING, "value": DYN}, "JSONPatch")}


def make(expression: str) -> Any:
    return compile(expression, {"object": DYN}, makes=MAKES).eval({"object": {"x": "1", "n": None}})


def test_messages_of_mutations_are_made() -> None:
    text = "Object{metadata: Object.metadata{labels: {'a': object.x}, ?annotations: object.?y}}"
    assert make(text) == {"metadata": {"labels": {"a": "1"}}}
    assert compile(text, {"object": DYN}, makes=MAKES).type == "Object"
    patch = "[JSONPatch{op: 'add', path: '/x', value: Object.spec{replicas: 3}}]"
    assert make(patch) == [{"op": "add", "path": "/x", "value": {"replicas": 3}}]
    assert compile(patch, {"object": DYN}, makes=MAKES).type == "list(JSONPatch)"
    with pytest.raises(CompileError) as refused:
        make("JSONPatch{opp: 'add'}")
    assert "1:14: undefined field 'opp'" in str(refused.value)
    with pytest.raises(CompileError, match="expected type of field 'op' is 'string' but provided type is 'int'"):
        make("JSONPatch{op: 1}")


def test_an_expression_is_composed_of_others() -> None:
    parts = {
        "first": "self.?any.?q  // one",
        "unused": "1 / 0",
        "twice": "variables.first.orValue(0) + variables.first.orValue(0)",
        "other": "self.sizes.map(size, size + variables.twice)",
    }
    fields = {"first": DYN, "unused": INT, "twice": INT, "other": List(INT)}
    variables = {"self": WIDGET, "variables": Object(fields)}
    for expression, value in (
        ("variables.other.sum() + variables.twice", 9),
        ("variables.first.hasValue() && has(variables.other)", True),
        ("self.min == 1 || variables.unused == 1", True),
    ):
        assert compile(expression, variables, parts=parts).eval({"self": SELF}) == value
    with pytest.raises(EvalError, match="division by zero"):
        compile("variables.unused == 1", variables, parts=parts).eval({"self": SELF})
    deep = {f"v{n}": f"variables.v{n - 1} + 1" if n else "1" for n in range(34)}
    variables = {"variables": Object(dict.fromkeys(deep, INT))}
    with pytest.raises(CompileError, match="expression recursion limit exceeded: 32"):
        compile("variables.v33", variables, parts=deep)


def test_the_authorizer_is_asked_for_the_caller_or_a_service_account() -> None:
    asked: list[Attributes] = []

    def authorize(attributes: Attributes) -> Decision:
        asked.append(attributes)
        return Decision(attributes.verb == "create", "because")

    values = {"authorizer": Authorizer(User("dora"), authorize)}

    def check(expression: str) -> Any:
        return compile(expression, {"authorizer": AUTHORIZER}).eval(values)

    assert check("authorizer.group('apps').resource('deployments').namespace('n').name('x').check('create').allowed()")
    assert check("authorizer.path('/healthz').check('get').reason()") == "because"
    assert not check("authorizer.serviceAccount('n', 's').group('').resource('pods').check('get').allowed()")
    assert [(each.user.name, each.group, each.resource, each.namespace, each.name, each.path) for each in asked] == [
        ("dora", "apps", "deployments", "n", "x", ""),
        ("dora", "", "", "", "", "/healthz"),
        ("system:serviceaccount:n:s", "", "pods", "", "", ""),
    ]
    with pytest.raises(EvalError, match="path must not be empty"):
        check("authorizer.path(' ')")


def test_a_program_is_compiled_once_and_inputs_are_shared() -> None:
    assert compile("self.min", {"self": WIDGET}) is compile("self.min", {"self": WIDGET})
    inputs = Inputs({"self": SELF, "unused": object()})
    assert [compile(f"self.min + {n}", {"self": WIDGET}).eval(inputs) for n in range(3)] == [1, 2, 3]
    assert len(inputs.activations) == 1


def test_without_an_engine_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    engine.cel.cache_clear()
    try:
        with pytest.raises(Unavailable, match=r"need the package cel-expr-python, .*: pip install cel-expr-python"):
            compile("self == 'nobody asked this before'", {"self": Object({})})
    finally:
        monkeypatch.undo()
        engine.cel.cache_clear()


def test_threads_may_evaluate_at_once() -> None:
    found: list[int] = []

    def run() -> None:
        found.extend(ask("self.sizes.sum()") for _ in range(50))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3] * 200
