import pytest

from podling.api.selectors import from_object, matches
from podling.api.selectortext import SelectorError, parse_fields, parse_labels

LABELS = {"app": "web", "tier": "front", "n": "5"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier!=back", True),
        ("app in (web, db)", True),
        ("app notin (web,db)", False),
        ("missing notin (a)", True),
        ("missing!=a", True),
        ("app", True),
        ("!app", False),
        ("!missing", True),
        ("n>4,n<6", True),
        ("n>5", False),
        ("app=", False),
        ("example.com/app=web", False),
    ],
)
def test_a_label_selector_selects(text: str, selected: bool) -> None:
    assert matches(parse_labels(text), LABELS) is selected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("(a)", "found '(', expected: !, identifier, or 'end of string'"),
        ("app=web,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("!!a", "unable to parse requirement: found '!', expected: identifier"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a/b/c", 'unable to parse requirement: <nil>: Invalid value: "a/b/c": a valid label key must consist of'),
        ("A_/b=c", 'unable to parse requirement: <nil>: Invalid value: "A_/b": prefix part a lowercase RFC 1123'),
        ("-x=1", 'unable to parse requirement: <nil>: Invalid value: "-x": name part must consist of'),
        ("a==-", 'unable to parse requirement: values[0][a]: Invalid value: "-": a valid label must be an empty'),
        ("a in (-,+)", 'unable to parse requirement: [values[0][a]: Invalid value: "+": a valid label must be'),
        ("a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value"),
    ],
)
def test_what_is_no_label_selector_is_refused_in_kubernetes_words(text: str, words: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse_labels(text)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a in ()", [""]),
        ("a in (,)", [""]),
        ("a in (b,)", ["", "b"]),
        ("a in (c,,b)", ["", "b", "c"]),
        ("a in (in)", ["in"]),
    ],
)
def test_nothing_between_commas_is_the_empty_value(text: str, values: list[str]) -> None:
    assert list(parse_labels(text)[0].values) == values


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (r"a=b\x", r"invalid field selector: invalid escape sequence: \x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
        ("z,b=1,a", "invalid selector: 'z,b=1,a'; can't understand 'a'"),
    ],
)
def test_what_is_no_field_selector_is_refused_in_kubernetes_words(text: str, words: str) -> None:
    with pytest.raises(SelectorError) as caught:
        parse_fields(text)
    assert str(caught.value) == words


def test_a_field_selector_has_equality_alone() -> None:
    fields = {"status.phase": "Running", "metadata.name": "a,b"}
    assert matches(parse_fields("status.phase=Running,metadata.name!=c"), fields)
    assert matches(parse_fields(r"metadata.name=a\,b"), fields)
    with pytest.raises(SelectorError):
        parse_fields("status.phase in (a)")


def test_a_selector_object_selects_as_its_text_would() -> None:
    selector = {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}
    assert matches(from_object(selector), LABELS)
    assert matches(from_object({}), {})
