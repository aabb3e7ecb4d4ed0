"""Forms of answers: which is chosen, and how it looks."""

import msgspec
import pytest
import yaml

from apiserver.answer import Answer, ListAnswer
from apiserver.http import negotiate, render, table
from apiserver.http.negotiate import Form
from apiserver.kinds import KINDS
from apiserver.kinds.kind import Kind
from apiserver.objects.watchcache import KindCache
from apiserver.objects.watcher import Filter, Seen
from podling.api.errors import BadRequest, NotAcceptable, UnsupportedMediaType
from tests.unit.apiserver.conftest import NOTE
from tests.unit.apiserver.objects.test_watchcache import value

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form()),
        ("*/*", Form()),
        ("application/yaml", Form("application/yaml")),
        ("text/html, application/json;q=0.5", Form()),
        ("application/json;q=0.4, application/yaml;q=0.6", Form("application/yaml")),
        (f"{TABLE},application/json", Form(as_="Table")),
        ("application/json;as=Chart;g=meta.k8s.io;v=v1,application/json", Form()),
        ("application/vnd.kubernetes.protobuf,application/json", Form()),
    ],
)
def test_the_first_that_can_be_served_is(accept: str, form: Form) -> None:
    assert negotiate.form(accept) == form


@pytest.mark.parametrize(
    ("accept", "words"),
    [
        ("text/html", "406: Not Acceptable"),
        ("application/*", "406: Not Acceptable"),
        ("application/json;as=Chart;g=meta.k8s.io;v=v1", "only the following media types are accepted: "),
        ("application/vnd.kubernetes.protobuf", "only the following media types are accepted: "),
    ],
)
def test_what_cannot_be_served_is_refused_by_the_layer_that_knows(accept: str, words: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        negotiate.form(accept)
    assert refused.value.message.startswith(words)


def test_a_body_of_another_sort_is_not_read() -> None:
    assert negotiate.check_body("application/json; charset=utf-8;") == negotiate.JSON
    assert negotiate.check_body("Application/YAML") == negotiate.YAML
    assert negotiate.check_body("") == negotiate.JSON
    with pytest.raises(UnsupportedMediaType):
        negotiate.check_body("text/plain")
    with pytest.raises(UnsupportedMediaType):
        negotiate.check_body("application/json; charset")


def filled() -> KindCache:
    cache = KindCache(NOTE)
    cache.load([("default/a", value("a"), 3), ("default/b", value("b"), 4)], 5)
    return cache


def listed(form: Form) -> bytes:
    return render.items(ListAnswer(NOTE, list(filled().select(Filter())), 5, "more", 7), form, "Metadata")


def test_a_list_joins_bytes_and_leaves_out_the_kind_of_its_items() -> None:
    body = msgspec.json.decode(listed(Form()))
    assert (body["kind"], body["apiVersion"]) == ("NoteList", "v1")
    assert body["metadata"] == {"resourceVersion": "5", "continue": "more", "remainingItemCount": 7}
    assert [list(item) for item in body["items"]] == [["metadata", "text"]] * 2


def test_a_list_in_yaml_is_the_same_list() -> None:
    assert yaml.safe_load(listed(Form("application/yaml"))) == msgspec.json.decode(listed(Form()))


def test_a_table_has_the_kinds_columns_and_a_row_an_object() -> None:
    body = msgspec.json.decode(listed(Form(as_="Table")))
    assert [column["name"] for column in body["columnDefinitions"]] == ["Name", "Created At"]
    assert [row["cells"][0] for row in body["rows"]] == ["a", "b"]
    assert body["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def test_metadata_alone_comes_as_one_or_as_a_list_but_not_crosswise() -> None:
    cached = filled().get("default", "a")
    assert cached is not None
    one = Answer(cached.object, 200, NOTE, cached)
    body = msgspec.json.decode(render.answer(one, Form(as_="PartialObjectMetadata"), ""))
    assert set(body) == {"kind", "apiVersion", "metadata"}
    with pytest.raises(NotAcceptable, match="is not a list"):
        render.answer(one, Form(as_="PartialObjectMetadataList"), "")
    with pytest.raises(NotAcceptable, match="the requested object is a list"):
        listed(Form(as_="PartialObjectMetadata"))
    assert len(msgspec.json.decode(listed(Form(as_="PartialObjectMetadataList")))["items"]) == 2


def test_what_comes_with_a_row_is_one_of_three() -> None:
    assert table.include("") == "Metadata"
    with pytest.raises(BadRequest, match="includeObject: Invalid value"):
        table.include("Some")
    cached = filled().get("default", "a")
    assert cached is not None
    assert table.row(NOTE, cached.object, "v1", "None")["object"] is None
    assert table.row(NOTE, cached.object, "v1", "Object")["object"] == cached.object


def test_an_event_is_encoded_once_for_all_who_watch() -> None:
    cache = filled()
    watchers = [cache.watch(Filter(), 5) for _ in range(2)]
    cache.put("default/a", value("a"), 6)
    lines = [render.EventWriter(NOTE, Form(), "").line(watcher.take()[0]) for watcher in watchers]
    assert lines[0] is lines[1]
    assert msgspec.json.decode(lines[0])["type"] == "MODIFIED"


def test_only_the_first_table_of_a_watch_has_columns() -> None:
    cache = filled()
    watcher = cache.watch(Filter(), 5)
    watcher.start_with(cache.select(Filter()))
    writer = render.EventWriter(NOTE, Form(as_="Table"), "Metadata")
    tables = [msgspec.json.decode(writer.line(event))["object"] for event in watcher.take()]
    assert [bool(each["columnDefinitions"]) for each in tables] == [True, False]


@pytest.mark.parametrize("as_", ["", "Table", "PartialObjectMetadata"])
def test_a_bookmark_tells_a_version_in_every_form(as_: str) -> None:
    body = msgspec.json.decode(render.EventWriter(NOTE, Form(as_=as_), "").bookmark(9))
    assert (body["type"], body["object"]["metadata"]) == ("BOOKMARK", {"resourceVersion": "9"})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.stored], ids=lambda kind: kind.plural)
def test_a_bookmark_as_a_table_has_the_row_of_an_empty_object(kind: Kind) -> None:
    """Clients of tables read the mark of the initial events' end from it."""
    mark = Seen("BOOKMARK", 9, None, None)
    found = msgspec.json.decode(render.EventWriter(kind, Form(as_="Table"), "Metadata").object(mark))
    (row,) = found["rows"]
    assert len(row["cells"]) == len(found["columnDefinitions"])
    meta = {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}
    assert (found["metadata"], row["object"]["metadata"]) == ({"resourceVersion": "9"}, meta)
