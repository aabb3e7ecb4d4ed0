"""What was given empty is not what was not given: by every verb that writes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.unit.apiserver.door import Door, door

Object = dict[str, Any]
ONE_LOOP = pytest.mark.asyncio(loop_scope="module")  # one server for all
SCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
NO_POLICY = "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy"
NO_RULES = "either `defaultBackend` or `rules` must be specified"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    async with door(tmp_path_factory.mktemp("server")) as made:
        yield made


def scaler(name: str, scale_up: Object) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "labels": {}},
        "spec": {"maxReplicas": 3, "scaleTargetRef": target, "behavior": {"scaleUp": scale_up}},
    }


@ONE_LOOP
async def test_a_create_is_refused_for_no_policies_and_given_some_where_it_says_none(server: Door) -> None:
    refused = await server.call("POST", SCALERS, json=scaler("a", {"policies": []}))
    assert (refused.status, NO_POLICY in refused.body["message"]) == (422, True)
    made = await server.call("POST", SCALERS, json=scaler("a", {}))
    assert (made.status, "labels" in made.body["metadata"]) == (201, False)
    assert [each["value"] for each in made.body["spec"]["behavior"]["scaleUp"]["policies"]] == [4, 100]


@ONE_LOOP
@pytest.mark.parametrize(
    ("method", "media", "body"),
    [
        ("PUT", "application/json", scaler("b", {"policies": []})),
        ("PATCH", "application/merge-patch+json", {"spec": {"behavior": {"scaleUp": {"policies": []}}}}),
        ("PATCH", "application/strategic-merge-patch+json", {"spec": {"behavior": {"scaleUp": {"policies": []}}}}),
        (
            "PATCH",
            "application/json-patch+json",
            [{"op": "replace", "path": "/spec/behavior/scaleUp/policies", "value": []}],
        ),
        ("PATCH", "application/apply-patch+yaml", scaler("b", {"policies": []})),
    ],
    ids=lambda word: word if isinstance(word, str) else "",
)
async def test_a_change_that_empties_is_refused(server: Door, method: str, media: str, body: Any) -> None:
    await server.call("POST", SCALERS, json=scaler("b", {}))
    path = f"{SCALERS}/b?fieldManager=m&force=true" if "apply" in media else f"{SCALERS}/b"
    answer = await server.call(method, path, data=json.dumps(body).encode(), headers={"Content-Type": media})
    assert (answer.status, NO_POLICY in answer.body["message"]) == (422, True)


@ONE_LOOP
@pytest.mark.parametrize(("spec", "shown"), [({}, "null"), ({"rules": []}, "[]"), ({"rules": None}, "null")])
async def test_a_refusal_shows_what_was_given(server: Door, spec: Object, shown: str) -> None:
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i"}, "spec": spec}
    answer = await server.call("POST", INGRESSES, json=body)
    assert answer.body["message"].endswith(f"spec: Invalid value: {shown}: {NO_RULES}")


@ONE_LOOP
@pytest.mark.parametrize(("labels", "shown"), [({}, "{}"), (None, "null")])
async def test_labels_of_a_template_are_shown_as_they_were_given(
    server: Door, labels: Object | None, shown: str
) -> None:
    pod = {"containers": [{"name": "c", "image": "i"}]}
    for api, kind, selector in (("apps/v1", "Deployment", {"matchLabels": {"a": "b"}}), ("v1", "RC", {"a": "b"})):
        spec = {"selector": selector, "template": {"metadata": {"labels": labels}, "spec": pod}}
        long = kind.replace("RC", "ReplicationController")
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        body = {"apiVersion": api, "kind": long, "metadata": {"name": "d"}, "spec": spec}
        answer = await server.call("POST", f"{root}/namespaces/default/{long.lower()}s", json=body)
        assert f"spec.template.metadata.labels: Invalid value: {shown}: `selector`" in answer.body["message"]
