"""Webhooks that refuse, and webhooks that fail, seen through the door of a real server."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.unit.apiserver.admission.conftest import GROUP, Webhooks, allow, patch
from tests.unit.apiserver.admission.conftest import MAPS as MAP_RULE

Object = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
DENIED = 'admission webhook "a.example.com" denied the request'
FAILED = 'Internal error occurred: failed calling webhook "a.example.com": '


def named(name: str) -> Object:
    return {"metadata": {"name": name}}


@pytest.mark.parametrize(
    ("status", "code", "reason", "message"),
    [
        (None, 400, None, f"{DENIED} without explanation"),
        ({"message": "no"}, 400, None, f"{DENIED}: no"),
        ({"reason": "Because"}, 400, "Because", f"{DENIED}: Because"),
        ({"message": "no", "reason": "Forbidden", "code": 403}, 403, "Forbidden", f"{DENIED}: no"),
        ({"message": "tea", "code": 418}, 418, None, f"{DENIED}: tea"),
        ({"message": "odd", "code": 200, "status": "Success"}, 400, None, f"{DENIED}: odd"),
        ({"message": "odd", "code": 100_000}, 599, None, f"{DENIED}: odd"),
    ],
)
async def test_a_refusal_has_the_words_and_the_code_of_the_webhook(
    webhooks: Webhooks, status: Object | None, code: int, reason: str | None, message: str
) -> None:
    await webhooks.configure("validating", "v", {"name": "a.example.com"})
    webhooks.answers["/a"] = lambda request: {"allowed": False, **({"status": status} if status else {})}
    found, refused = await webhooks.call("POST", MAPS, named("a"))
    assert (found, refused.get("reason"), refused["message"]) == (code, reason, message)
    assert (refused["kind"], refused["status"], refused["code"]) == ("Status", "Failure", code)
    assert (await webhooks.call("GET", f"{MAPS}/a"))[0] == 404


async def test_warnings_reach_the_client_also_with_a_refusal(webhooks: Webhooks) -> None:
    await webhooks.configure("validating", "v", {"name": "a.example.com"})
    webhooks.answers["/a"] = lambda request: {"allowed": False, "warnings": ["mind the gap"]}
    url = webhooks.running.config.url + MAPS
    async with webhooks.running.session.post(url, json=named("a")) as response:
        assert (response.status, response.headers["Warning"]) == (400, '299 - "mind the gap"')


async def test_validating_webhooks_are_asked_at_the_same_time(webhooks: Webhooks) -> None:
    both = asyncio.Barrier(2)

    async def wait(request: Object) -> Object:
        await both.wait()
        return allow(request)

    await webhooks.configure("validating", "v", {"name": "a.example.com"}, {"name": "b.example.com"})
    webhooks.answers["/a"] = webhooks.answers["/b"] = wait
    assert (await webhooks.call("POST", MAPS, named("a")))[0] == 201


async def test_a_webhook_that_fails_refuses_or_is_passed_over_as_its_policy_says(webhooks: Webhooks) -> None:
    await webhooks.configure("validating", "v", {"name": "a.example.com"})
    await webhooks.configure("mutating", "m", {"name": "b.example.com", "failurePolicy": "Ignore"})
    webhooks.answers["/a"] = webhooks.answers["/b"] = lambda request: web.Response(status=500, text="boom")
    code, refused = await webhooks.call("POST", MAPS, named("a"))
    why = 'failed to call webhook: an error on the server ("boom") has prevented the request from succeeding'
    assert (code, refused["reason"], refused["message"]) == (500, "InternalError", FAILED + why)
    assert refused["details"] == {"causes": [{"message": refused["message"].partition(": ")[2]}]}
    await webhooks.call("DELETE", f"{GROUP}/validatingwebhookconfigurations/v")
    assert (await webhooks.call("POST", MAPS, named("a")))[0] == 201


async def test_a_webhook_that_is_late_or_not_there_says_so(webhooks: Webhooks) -> None:
    async def late(request: Object) -> Object:
        await asyncio.sleep(60)
        return {}

    await webhooks.configure("validating", "v", {"name": "a.example.com", "timeoutSeconds": 1})
    webhooks.answers["/a"] = late
    _, refused = await webhooks.call("POST", MAPS, named("a"))
    post = f'failed to call webhook: Post "{webhooks.server.url}/a?timeout=1s": '
    assert refused["message"] == f"{FAILED}{post}context deadline exceeded"
    await webhooks.call("DELETE", f"{GROUP}/validatingwebhookconfigurations/v")
    service = {"name": "gone", "namespace": "default", "path": "/x"}
    await webhooks.configure("validating", "v", {"name": "a.example.com", "clientConfig": {"service": service}})
    _, refused = await webhooks.call("POST", MAPS, named("a"))
    post = 'failed to call webhook: Post "https://gone.default.svc:443/x?timeout=5s": service "gone" not found'
    assert refused["message"] == FAILED + post


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"uid": "other", "allowed": True}, 'expected response.uid="'),
        ({"allowed": True, "patch": "W10="}, "validating webhook may not return response.patch"),
        ({"allowed": True, "patchType": "JSONPatch"}, "validating webhook may not return response.patchType"),
        ({"allowed": "yes"}, "response: Expected `bool | null`, got `str` - at `$.allowed`"),
        ({"allowed": True, "warnings": "many"}, "response: Expected `array | null`, got `str` - at `$.warnings`"),
        ({"allowed": True, "patch": "!"}, "response: Invalid base64 encoded string - at `$.patch`"),
        ({"allowed": False, "status": "no"}, "response: Expected `object | null`, got `str` - at `$.status`"),
    ],
)
async def test_an_answer_that_breaks_the_rules_is_a_failure(webhooks: Webhooks, response: Object, words: str) -> None:
    await webhooks.configure("validating", "v", {"name": "a.example.com"})
    webhooks.answers["/a"] = lambda request: response
    _, refused = await webhooks.call("POST", MAPS, named("a"))
    assert refused["message"].startswith(f"{FAILED}received invalid webhook response: {words}")


async def test_a_webhook_of_the_former_version_is_asked_in_it(webhooks: Webhooks) -> None:
    hook = {"name": "a.example.com", "admissionReviewVersions": ["v9", "v1beta1", "v1"]}
    await webhooks.configure("mutating", "m", hook)
    text = patch({"op": "add", "path": "/data", "value": {"k": "v"}})(named(""))["patch"]
    webhooks.answers["/a"] = lambda request: web.json_response({"response": {"allowed": True, "patch": text}})
    code, made = await webhooks.call("POST", MAPS, named("a"))
    assert (code, made["data"]) == (201, {"k": "v"})


async def test_the_configuration_of_webhooks_is_not_for_webhooks_to_refuse(webhooks: Webhooks) -> None:
    every = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}
    await webhooks.configure("validating", "v", {"name": "a.example.com", "rules": [every]})
    webhooks.answers["/a"] = lambda request: {"allowed": False}
    assert (await webhooks.call("POST", MAPS, named("a")))[0] == 400
    assert (await webhooks.call("DELETE", f"{GROUP}/validatingwebhookconfigurations/v"))[0] == 200


async def test_a_namespace_is_in_itself(webhooks: Webhooks) -> None:
    rule = {**MAP_RULE, "resources": ["namespaces"]}
    await webhooks.configure("validating", "v", {"name": "a.example.com", "rules": [rule]})
    await webhooks.call("POST", "/api/v1/namespaces", named("n"))
    assert [(each["name"], each["namespace"]) for each in webhooks.requests] == [("n", "n")]


async def test_exec_and_evictions_are_asked_for_too(webhooks: Webhooks) -> None:
    rule = {"operations": ["CONNECT", "CREATE", "DELETE"], "apiGroups": [""], "apiVersions": ["v1"]}
    rules = [{**rule, "resources": ["pods/exec", "pods/eviction", "pods"]}]
    pod = {**named("p"), "spec": {"containers": [{"name": "c", "image": "i"}], "serviceAccountName": "s"}}
    await webhooks.call("POST", "/api/v1/namespaces/default/serviceaccounts", named("s"))
    assert (await webhooks.call("POST", "/api/v1/namespaces/default/pods", pod))[0] == 201
    await webhooks.configure("validating", "v", {"name": "a.example.com", "rules": rules})
    path = "/api/v1/namespaces/default/pods/p"
    webhooks.answers["/a"] = lambda request: {"allowed": request["operation"] != "CONNECT"}
    code, refused = await webhooks.call("POST", f"{path}/exec?command=ls&command=-l&container=c&stdout=true")
    assert (code, refused["message"]) == (400, f"{DENIED} without explanation")
    assert (
        await webhooks.call("POST", f"{path}/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", **named("p")})
    )[0] == 201
    connect, eviction = webhooks.requests  # evicting is no deletion in the eyes of admission
    assert connect["kind"]["kind"] == "PodExecOptions"
    options = {"kind": "PodExecOptions", "apiVersion": "v1", "command": ["ls", "-l"], "container": "c", "stdout": True}
    assert (connect["object"], connect["oldObject"], connect["options"]) == (options, None, None)
    assert (connect["operation"], connect["name"], connect["subResource"]) == ("CONNECT", "p", "exec")
    assert eviction["kind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}
    assert (eviction["operation"], eviction["subResource"]) == ("CREATE", "eviction")


async def test_match_conditions_decide_whether_a_webhook_is_asked(webhooks: Webhooks) -> None:
    def condition(expression: str) -> Object:
        return {"matchConditions": [{"name": "c", "expression": expression}]}

    await webhooks.configure(
        "validating",
        "v",
        {"name": "a.example.com", **condition("object.metadata.name == 'x' && request.operation == 'CREATE'")},
        {"name": "b.example.com", **condition("!('system:masters' in request.userInfo.groups)")},
        {"name": "c.example.com", **condition("authorizer.group('').resource('pods').check('list').allowed()")},
    )
    await webhooks.call("POST", MAPS, named("a"))
    assert [path for path, _ in webhooks.seen] == ["/c"]
    await webhooks.call("POST", MAPS, named("x"))
    assert [path for path, _ in webhooks.seen[1:]] == ["/a", "/c"]
    await webhooks.configure("validating", "w", {"name": "d.example.com", **condition("object.data.gone == 'x'")})
    code, refused = await webhooks.call("POST", MAPS, named("b"))
    assert (code, refused["reason"]) == (403, "Forbidden")
    assert refused["message"].startswith('configmaps "b" is forbidden: ')
    assert "no such key: data" in refused["message"]
    await webhooks.call("DELETE", f"{GROUP}/validatingwebhookconfigurations/w")
    ignore = {"name": "d.example.com", "failurePolicy": "Ignore", **condition("object.data.gone == 'x'")}
    await webhooks.configure("validating", "w", ignore)
    assert (await webhooks.call("POST", MAPS, named("b")))[0] == 201
    assert "/d" not in [path for path, _ in webhooks.seen]


async def test_services_get_addresses_of_their_own_while_webhooks_take_their_time(webhooks: Webhooks) -> None:
    path = "/api/v1/namespaces/default/services"
    rule = {**MAP_RULE, "resources": ["services"]}
    all_there = asyncio.Barrier(4)

    async def wait(request: Object) -> Object:
        """One that waits for the others, and one that writes a service itself."""
        if request["name"] == "outer":
            await webhooks.call("POST", path, service("inner"))
        elif request["name"] != "inner":
            await all_there.wait()
        return allow(request)

    def service(name: str) -> Object:
        return {**named(name), "spec": {"type": "NodePort", "ports": [{"port": 80}]}}

    await webhooks.configure("validating", "v", {"name": "a.example.com", "rules": [rule]})
    webhooks.answers["/a"] = wait
    made = await asyncio.gather(*(webhooks.call("POST", path, service(f"s{number}")) for number in range(4)))
    made.append(await webhooks.call("POST", path, service("outer")))
    made.append(await webhooks.call("GET", f"{path}/inner"))
    assert [code for code, _ in made] == [201] * 5 + [200]
    specs = [found["spec"] for _, found in made]
    assert len({spec["clusterIP"] for spec in specs}) == len({spec["ports"][0]["nodePort"] for spec in specs}) == 6
