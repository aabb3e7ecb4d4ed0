import pytest

from podling.api.selectors import SelectorError, from_object, matches, parse_fields, parse_labels

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


@pytest.mark.parametrize("text", ["=a", "app=web,", "a in b", "a in (b", "a b", "-x=1", "a=b c", "a==-", "(a)"])
def test_what_is_no_label_selector_is_refused(text: str) -> None:
    with pytest.raises(SelectorError):
        parse_labels(text)


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
