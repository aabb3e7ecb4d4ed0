"""Policies that judge and policies that change, seen through the door of a real server."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.unit.apiserver.admission.conftest import GROUP, Webhooks, patch
from tests.unit.apiserver.running import Running, running

Object = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
RULE = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
CHANGES = {**RULE, "operations": ["CREATE", "UPDATE"]}


class Cluster:
    def __init__(self, running: Running) -> None:
        self.running = running

    async def make(self, path: str, body: Object) -> Any:
        code, made = await self.running.call("POST", path, json=body)
        assert code in (200, 201), made
        return made

    async def validating(self, name: str, binding: Object | None = None, **spec: Any) -> None:
        await self.make(
            f"{GROUP}/validatingadmissionpolicies",
            {"metadata": {"name": name}, "spec": {"matchConstraints": {"resourceRules": [RULE]}, **spec}},
        )
        body = {"policyName": name, "validationActions": ["Deny"], **(binding or {})}
        path = f"{GROUP}/validatingadmissionpolicybindings"
        await self.make(path, {"metadata": {"name": f"{name}-b"}, "spec": body})

    async def mutating(self, name: str, *expressions: str, binding: Object | None = None, **spec: Any) -> None:
        mutations = [
            {"patchType": "JSONPatch", "jsonPatch": {"expression": each}}
            if "JSONPatch{" in each
            else {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": each}}
            for each in expressions
        ]
        await self.make(
            f"{GROUP}/mutatingadmissionpolicies",
            {
                "metadata": {"name": name},
                "spec": {
                    "matchConstraints": {"resourceRules": [CHANGES]},
                    "reinvocationPolicy": "Never",
                    "mutations": mutations,
                    **spec,
                },
            },
        )
        body = {"policyName": name, **(binding or {})}
        await self.make(f"{GROUP}/mutatingadmissionpolicybindings", {"metadata": {"name": f"{name}-b"}, "spec": body})

    async def write(self, body: Object, path: str = MAPS) -> tuple[int, Any]:
        return await self.running.call("POST", path, json=body)


def map_(name: str, data: Object | None = None, **metadata: Any) -> Object:
    return {"metadata": {"name": name, **metadata}, **({"data": data} if data else {})}


def denied(policy: str, why: str) -> str:
    return f"ValidatingAdmissionPolicy '{policy}' with binding '{policy}-b' denied request: {why}"


async def test_a_policy_reads_the_request_its_variables_the_namespace_and_the_authorizer(server: Running) -> None:
    cluster = Cluster(server)
    await cluster.validating(
        "p",
        variables=[
            {"name": "owner", "expression": "object.?data.?owner.orValue('nobody')"},
            {"name": "long", "expression": "variables.owner.size() > 6"},
            {"name": "broken", "expression": "object.nope"},
            {"name": "amount", "expression": "quantity(object.data.amount)"},
        ],
        validations=[
            {
                "expression": "request.operation == 'DELETE' || !variables.long",
                "messageExpression": "'owner: ' + variables.owner",
            },
            {"expression": "request.userInfo.username != '' && request.namespace == 'default' && !request.dryRun"},
            {"expression": "namespaceObject.metadata.name == 'default' && namespaceObject.status.phase == 'Active'"},
            {"expression": "authorizer.group('').resource('pods').namespace('x').check('create').allowed()"},
            {"expression": "authorizer.requestResource.check('get').allowed()"},
            {"expression": "authorizer.path('/x').check('get').allowed()"},
            {"expression": "request.operation == 'DELETE' || object.metadata.name != 'lazy' || variables.broken == 1"},
            {"expression": "request.operation == 'DELETE' || !has(object.data) || !has(object.data.amount) || "
                           "variables.amount.isLessThan(quantity('2Gi'))", "reason": "Forbidden"},
        ],
    )  # fmt: skip
    assert (await cluster.write(map_("a", {"owner": "me"})))[0] == 201
    code, refused = await cluster.write(map_("b", {"owner": "somebody"}))
    assert (code, refused["reason"]) == (422, "Invalid")
    assert refused["message"] == f'configmaps "b" is forbidden: {denied("p", "owner: somebody")}'
    assert refused["details"]["causes"] == [{"message": denied("p", "owner: somebody")}]
    code, refused = await cluster.write(map_("c", {"amount": "3Gi"}))
    assert (code, refused["reason"]) == (403, "Forbidden")
    _, refused = await cluster.write(map_("lazy"))
    why = 'composited variable "broken" fails to evaluate: no such key: nope'
    text = "request.operation == 'DELETE' || object.metadata.name != 'lazy' || variables.broken == 1"
    assert denied("p", f"expression '{text}' resulted in error: {why}") in refused["message"]
    assert (await server.call("DELETE", f"{MAPS}/a"))[0] == 200


async def test_conditions_failure_policy_and_selectors_say_whether_a_policy_counts(server: Running) -> None:
    cluster = Cluster(server)
    never = [{"expression": "false", "message": "never"}]
    await cluster.validating("excluded", validations=never, matchConstraints={
        "resourceRules": [RULE], "excludeResourceRules": [{**RULE, "resourceNames": ["free"]}],
        "objectSelector": {"matchLabels": {"strict": "1"}},
    })  # fmt: skip
    await cluster.validating(
        "elsewhere", {"matchResources": {"namespaceSelector": {"matchLabels": {"no": "where"}}}}, validations=never
    )
    await cluster.validating(
        "conditional",
        matchConditions=[
            {"name": "broken", "expression": "object.data.x == '1'"},
            {"name": "asked", "expression": "object.metadata.name.startsWith('asked')"},
        ],
        validations=never,
    )
    await cluster.validating("lenient", failurePolicy="Ignore", validations=[{"expression": "object.nope == 1"}])
    await cluster.validating("dyn", validations=[{"expression": "object.metadata.name != 'x' || object.metadata.name"}])
    strict = {"labels": {"strict": "1"}}
    assert (await cluster.write(map_("plain")))[0] == 201
    code, refused = await cluster.write(map_("a", **strict))
    assert denied("excluded", "never") in refused["message"]
    assert (await cluster.write(map_("free", **strict)))[0] == 201
    code, refused = await cluster.write(map_("asked"))
    broken = "expression 'object.data.x == '1'' resulted in error: no such key: data"
    assert (code, refused["message"]) == (422, f'configmaps "asked" is forbidden: {denied("conditional", broken)}')
    assert denied("conditional", "never") in (await cluster.write(map_("asked", {"x": "1"})))[1]["message"]
    assert "no such overload" in (await cluster.write(map_("x")))[1]["message"]


async def test_parameters_come_by_name_or_by_selector_or_are_missed(server: Running) -> None:
    cluster = Cluster(server)
    kind = {"apiVersion": "v1", "kind": "Secret"}
    checks = [
        {"expression": "!(object.metadata.name in params.data)", "messageExpression": "'not ' + params.metadata.name"}
    ]
    secrets = "/api/v1/namespaces/default/secrets"
    for name in ("one", "two"):
        await cluster.make(secrets, {"metadata": {"name": name, "labels": {"p": "1"}}, "stringData": {name: "x"}})
    ref = {"parameterNotFoundAction": "Deny"}
    await cluster.validating(
        "named", {"paramRef": {**ref, "name": "one", "namespace": "default"}}, paramKind=kind, validations=checks
    )
    await cluster.validating(
        "chosen", {"paramRef": {**ref, "selector": {"matchLabels": {"p": "1"}}}}, paramKind=kind, validations=checks
    )
    assert denied("chosen", "not one") in (await cluster.write(map_("one")))[1]["message"]
    code, refused = await cluster.write(map_("two"))
    assert (code, denied("chosen", "not two") in refused["message"]) == (422, True)
    assert (await cluster.write(map_("three")))[0] == 201
    assert (await server.call("DELETE", f"{secrets}/one"))[0] == 200
    missing = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    assert denied("named", missing) in (await cluster.write(map_("four")))[1]["message"]
    nobodys = {"apiVersion": "a.b/v1", "kind": "No"}
    await cluster.validating("a", {"paramRef": {**ref, "name": "x"}}, paramKind=nobodys, validations=checks)
    words = "failed to configure policy: failed to find resource referenced by paramKind: 'a.b/v1, Kind=No'"
    refused = (await cluster.write(map_("five")))[1]
    assert (
        refused["message"] == f"configmaps \"five\" is forbidden: ValidatingAdmissionPolicy 'a' denied request: {words}"
    )


async def test_a_policy_warns_and_tells_the_audit_log(server: Running) -> None:
    cluster = Cluster(server)
    await cluster.validating(
        "p",
        {"validationActions": ["Warn", "Audit"]},
        validations=[{"expression": "false", "message": " mind  "}],
        auditAnnotations=[
            {"key": "name", "valueExpression": "string(object.metadata.name)"},
            {"key": "no", "valueExpression": "null"},
        ],
    )
    async with server.session.post(server.config.url + MAPS, json=map_("a")) as response:
        assert response.status == 201
        assert response.headers["Warning"] == (
            "299 - \"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': mind\""
        )


async def test_policies_change_an_object_in_turn_and_what_they_may_not_change_is_refused(server: Running) -> None:
    cluster = Cluster(server)
    await cluster.mutating(
        "a",
        "Object{metadata: Object.metadata{labels: {'n': string(object.metadata.name.size())}}}",
        "[JSONPatch{op: 'test', path: '/metadata/name', value: 'abc'}, "
        "JSONPatch{op: 'add', path: '/data', value: {'k': 'v'}}]",
        "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('x.io/y'), value: variables.v}]",
        variables=[{"name": "v", "expression": "object.?data.?k.orValue('none')"}],
    )
    code, made = await cluster.write(map_("abc", labels={"mine": "1"}))
    assert (code, made["data"]) == (201, {"k": "v"})
    assert made["metadata"]["labels"] == {"mine": "1", "n": "3", "x.io/y": "v"}
    _, made = await cluster.write(map_("other"))
    assert (made.get("data"), made["metadata"]["labels"]) == (None, {"n": "5", "x.io/y": "none"})
    whose = "policy 'b' with binding 'b-b' denied request: "
    await cluster.mutating(
        "b", "Object{metadata: Object.spec{labels: {'a': 'b'}}}",
        matchConditions=[{"name": "c", "expression": "object.metadata.name == 'wrong'"}],
    )  # fmt: skip
    code, refused = await cluster.write(map_("wrong"))
    words = 'unexpected type name "Object.spec", expected "Object.metadata"'
    assert (code, refused["reason"]) == (403, "Invalid")
    assert refused["message"] == f"{whose}type mismatch: {words}, which matches field name path from root Object type"
    services = {**CHANGES, "resources": ["services"]}
    await cluster.mutating("s", "Object{spec: Object.spec{externalIPs: ['1.2.3.4']}}",
                           matchConstraints={"resourceRules": [services]})  # fmt: skip
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    code, refused = await cluster.write(body, "/api/v1/namespaces/default/services")
    assert refused["message"].endswith(
        "error applying patch: invalid ApplyConfiguration: "
        "may not mutate atomic arrays, maps or structs: .spec.externalIPs"
    )


async def test_a_policy_is_asked_again_after_a_webhook_changed_what_it_saw(webhooks: Webhooks) -> None:
    cluster = Cluster(webhooks.running)
    count = "string(int(object.metadata.?labels['{0}'].orValue('0')) + 1)"
    for name, again in (("once", "Never"), ("again", "IfNeeded")):
        text = f"Object{{metadata: Object.metadata{{labels: {{'{name}': {count.format(name)}}}}}}}"
        await cluster.mutating(name, text, reinvocationPolicy=again)
    await webhooks.configure("mutating", "m", {
        "name": "hook.example.com", "matchConditions": [{"name": "c", "expression": "object.metadata.name == 'a'"}],
    })  # fmt: skip
    webhooks.answers["/hook"] = patch({"op": "add", "path": "/data", "value": {"k": "v"}})
    _, made = await cluster.write(map_("a"))
    assert (made["data"], made["metadata"]["labels"]) == ({"k": "v"}, {"once": "1", "again": "2"})
    _, made = await cluster.write(map_("b"))
    assert (made.get("data"), [request["name"] for request in webhooks.requests]) == (None, ["a"])


async def test_match_conditions_of_webhooks_are_expressions(webhooks: Webhooks) -> None:
    conditions = [{"name": "c", "expression": "object.metadata.labels.x == '1'"}]
    await webhooks.configure("validating", "v", {"name": "a.example.com", "matchConditions": conditions})
    code, refused = await webhooks.call("POST", MAPS, map_("a"))
    why = "expression 'object.metadata.labels.x == '1'' resulted in error: no such key: labels"
    assert (code, refused["message"]) == (403, f'configmaps "a" is forbidden: {why}')
    hook = {"name": "a.example.com", "clientConfig": {"url": "https://a"}, "admissionReviewVersions": ["v1"],
            "sideEffects": "None", "matchConditions": [{"name": "c", "expression": "params.x"}]}  # fmt: skip
    body = {"metadata": {"name": "w"}, "webhooks": [hook]}
    code, refused = await webhooks.call("POST", f"{GROUP}/validatingwebhookconfigurations", body)
    assert (
        'webhooks[0].matchConditions[0].expression: Invalid value: "params.x": compilation failed: '
        in refused["message"]
    )


async def test_policies_are_invalid_for_what_they_cannot_mean(server: Running) -> None:
    spec = {
        "matchConstraints": {"resourceRules": [{**RULE, "operations": ["DELETE"]}]},
        "paramKind": {"apiVersion": "a/b/c", "kind": "1"},
        "variables": [{"name": "a", "expression": "object.x"}, {"name": "b", "expression": "variables.c"}],
        "mutations": [
            {"patchType": "JSONPatch", "applyConfiguration": {"expression": "1"}},
            {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object.spec{}"}},
            {"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 1}]"}},
        ],
    }
    body = {"metadata": {"name": "m"}, "spec": spec}
    code, refused = await server.call("POST", f"{GROUP}/mutatingadmissionpolicies", json=body)
    told = {cause["field"]: cause["message"] for cause in refused["details"]["causes"]}
    assert (code, told["spec.matchConstraints.resourceRules.operations"]) == (
        422, 'Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
    )  # fmt: skip
    assert told["spec.paramKind.apiVersion"].endswith("unexpected GroupVersion string: a/b/c")
    assert "undefined field 'c'" in told["spec.variables[1].expression"]
    assert told["spec.mutations[0].jsonPatch"] == "Required value: must be specified when patchType is JSONPatch"
    assert told["spec.mutations[1].applyConfiguration.expression"].endswith(
        "must evaluate to Object but got Object.spec"
    )
    assert "expected type of field 'op' is 'string'" in told["spec.mutations[2].jsonPatch.expression"]
    assert told["spec.reinvocationPolicy"] == "Required value"


async def test_kubectl_sees_policies_in_columns(server: Running) -> None:
    cluster = Cluster(server)
    ref = {"name": "limits", "parameterNotFoundAction": "Allow"}
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    await cluster.validating("p", {"paramRef": ref}, paramKind=kind, validations=[{"expression": "true"}] * 2)
    table = {"headers": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}}
    rows = {}
    for plural in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
        _, found = await server.call("GET", f"{GROUP}/{plural}", **table)
        rows[plural] = found["rows"][0]["cells"][:3]
    assert json.dumps(list(rows.values())) == '[["p", 2, "v1/ConfigMap"], ["p-b", "p", "*/limits"]]'


async def test_expressions_that_do_not_fit_their_kinds_are_warned_of_in_status(certificates: Path) -> None:
    async with running(certificates, policy_status=True) as server:
        rules = [
            {**RULE, "apiGroups": ["apps"], "resources": ["deployments", "deployments/scale", "daemonsets"]},
            {**RULE, "apiGroups": ["*"]},
        ]
        text = "variables.spec.replicas < params.data.most.size() && object.metadata.name != ''"
        await Cluster(server).validating(
            "p",
            {"paramRef": {"name": "x", "parameterNotFoundAction": "Allow"}},
            matchConstraints={"resourceRules": rules},
            paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
            variables=[{"name": "spec", "expression": "object.spec"}],
            validations=[
                {"expression": "object.metadata.name == 'x'", "messageExpression": "'' + object.nope"},
                {"expression": text},
            ],
        )
        path = f"{GROUP}/validatingadmissionpolicies/p"
        for _ in range(3000):
            _, found = await server.call("GET", path)
            if found["status"].get("observedGeneration") == 1:
                break
            await asyncio.sleep(0.02)
        first, second = found["status"]["typeChecking"]["expressionWarnings"]
        assert [first["fieldRef"], second["fieldRef"]] == [
            "spec.validations[0].messageExpression", "spec.validations[1].expression",
        ]  # fmt: skip
        line, mark = "'' + object.nope", "." * 11 + "^"
        mistake = f"ERROR: <input>:1:12: undefined field 'nope'\n | {line}\n | {mark}"
        kinds = ("DaemonSet", "Deployment")
        assert first["warning"] == "\n".join(f"apps/v1, Kind={kind}: {mistake}\n" for kind in kinds)
        mistake = "ERROR: <input>:1:15: undefined field 'replicas'"
        assert second["warning"].startswith(f"apps/v1, Kind=DaemonSet: {mistake}")
        assert "Kind=Deployment" not in second["warning"]


async def test_who_writes_a_policy_may_read_its_parameters(server: Running) -> None:
    cluster = Cluster(server)
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    rules = [{"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["*"]}]
    await cluster.make(f"{rbac}/clusterroles", {"metadata": {"name": "policies"}, "rules": rules})
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "dora"}
    role = {"kind": "ClusterRole", "apiGroup": "rbac.authorization.k8s.io", "name": "policies"}
    await cluster.make(
        f"{rbac}/clusterrolebindings", {"metadata": {"name": "d"}, "roleRef": role, "subjects": [subject]}
    )
    spec = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "true"}]}
    dora = {"headers": {"Impersonate-User": "dora"}}
    path = f"{GROUP}/validatingadmissionpolicies"
    found = [
        await server.call("POST", path, json={"metadata": {"name": name}, "spec": {**spec, **more}}, **dora)
        for name, more in (("free", {}), ("p", {"paramKind": {"apiVersion": "v1", "kind": "Secret"}}))
    ]
    assert [code for code, _ in found] == [201, 422]
    words = 'must have "get" permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)'
    assert found[1][1]["details"]["causes"] == [{
        "reason": "FieldValueForbidden", "field": "spec.paramKind",
        "message": f"Forbidden: user &{{dora  [system:authenticated] map[]}} {words}",
    }]  # fmt: skip
    body = {
        "policyName": "free",
        "validationActions": ["Deny"],
        "paramRef": {"name": "x", "parameterNotFoundAction": "Deny"},
    }
    path = f"{GROUP}/validatingadmissionpolicybindings"
    code, refused = await server.call("POST", path, json={"metadata": {"name": "b"}, "spec": body}, **dora)
    assert (code, refused["details"]["causes"][0]["field"]) == (422, "spec.paramRef")
