"""Questions asked by POST: access, rules, identity, tokens."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from apiserver import reviews, service
from apiserver.authn.tokens import EXTENDED_SECONDS
from apiserver.config import Config
from apiserver.context import Context
from apiserver.request import Attributes, Request, User
from podling import pki
from podling.api.errors import ApiError, BadRequest, Conflict, Forbidden, Invalid, NotFound
from tests.unit.apiserver.memory import MemoryStorage

Object = dict[str, Any]

ROOT = User("root", ("system:masters",))
DORA = User("dora", ("dev", "system:authenticated"), "7", {"team": ("blue",)})
NODE = User("system:node:n1", ("system:nodes", "system:authenticated"))
URL = "https://kubernetes.default.svc"
AUTHORIZATION, AUTHENTICATION, RBAC = "authorization.k8s.io", "authentication.k8s.io", "rbac.authorization.k8s.io"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    pki.ensure(folder, [])
    return folder


def config(folder: Path) -> Config:
    return Config(
        port=0,
        grpc_port=0,
        tls_cert=folder / "apiserver.crt",
        tls_key=folder / "apiserver.key",
        client_ca=folder / "ca.crt",
        sa_key=folder / "sa.key",
        sa_pub=folder / "sa.pub",
        kubelet_client_cert=folder / "admin.crt",
        kubelet_client_key=folder / "admin.key",
    )


@pytest.fixture
async def context(certificates: Path) -> AsyncIterator[Context]:
    """Namespace x; the account robot in it; pod web of robot on node n1; dora may get pods there."""
    made = service.build(config(certificates), MemoryStorage())
    feeding = asyncio.create_task(made.feed.run())
    await made.feed.ready.wait()
    await put(made, "", "namespaces", {"metadata": {"name": "x"}})
    await put(made, "", "nodes", {"metadata": {"name": "n1"}})
    await put(made, "", "serviceaccounts", {"metadata": {"name": "robot", "namespace": "x"}})
    spec = {"serviceAccountName": "robot", "nodeName": "n1", "containers": [{"name": "c", "image": "i"}]}
    await put(made, "", "pods", {"metadata": {"name": "web", "namespace": "x"}, "spec": spec})
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    await put(made, RBAC, "roles", {"metadata": {"name": "r", "namespace": "x"}, "rules": rules})
    subjects = [{"kind": "User", "name": "dora", "apiGroup": RBAC}]
    role = {"kind": "Role", "name": "r", "apiGroup": RBAC}
    binding = {"metadata": {"name": "b", "namespace": "x"}, "roleRef": role, "subjects": subjects}
    await put(made, RBAC, "rolebindings", binding)
    yield made
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)


async def put(context: Context, group: str, plural: str, body: Object) -> Object:
    kind = context.kinds.find(group, "v1", plural)
    assert kind is not None
    return (await context.registry.create(kind, body["metadata"].get("namespace", ""), body)).object


async def ask(context: Context, group: str, resource: str, spec: Object, user: User = ROOT, **more: Any) -> Object:
    asked = Attributes(user, "create", group, "v1", resource, **more)
    request = Request(asked, user_agent="test", decoded={"metadata": {}, "spec": spec})
    answer = await reviews.HANDLERS[group, resource, asked.subresource](context, request)
    assert answer.code == 201
    return answer.object


async def token(context: Context, user: User = ROOT, account: str = "robot", **spec: Any) -> Object:
    place = {"namespace": "x", "name": account, "subresource": "token"}
    return await ask(context, "", "serviceaccounts", spec, user, **place)


async def refusal(asking: Any, kind: type[ApiError]) -> str:
    with pytest.raises(kind) as caught:
        await asking
    return caught.value.message


async def test_i_may_what_my_role_says(context: Context) -> None:
    spec = {"resourceAttributes": {"namespace": "x", "verb": "get", "resource": "pods"}}
    answer = await ask(context, AUTHORIZATION, "selfsubjectaccessreviews", spec, DORA)
    assert answer["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "b/x" of Role "r" to User "dora"',
    }
    spec = {"resourceAttributes": {"namespace": "x", "verb": "list", "resource": "pods"}}
    assert (await ask(context, AUTHORIZATION, "selfsubjectaccessreviews", spec, DORA))["status"] == {"allowed": False}


async def test_others_are_asked_for_by_name_and_groups(context: Context) -> None:
    wanted = {"verb": "delete", "resource": "nodes"}
    spec = {"user": "emil", "groups": ["system:masters"], "resourceAttributes": wanted}
    assert (await ask(context, AUTHORIZATION, "subjectaccessreviews", spec))["status"] == {"allowed": True}
    spec = {"user": "emil", "nonResourceAttributes": {"verb": "get", "path": "/metrics"}}
    assert (await ask(context, AUTHORIZATION, "subjectaccessreviews", spec))["status"] == {"allowed": False}


@pytest.mark.parametrize(
    ("resource", "spec", "words"),
    [
        (
            "selfsubjectaccessreviews",
            {},
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        (
            "selfsubjectaccessreviews",
            {"resourceAttributes": {}, "nonResourceAttributes": {"verb": "get", "path": "/"}},
            'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: cannot be specified in combination',
        ),
        (
            "selfsubjectaccessreviews",
            {"resourceAttributes": {"fieldSelector": {"requirements": [{"operator": "In"}]}}},
            "[spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified, "
            "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when",
        ),
        (
            "selfsubjectaccessreviews",
            {
                "resourceAttributes": {
                    "labelSelector": {"requirements": [{"key": "a", "operator": "?", "values": ["-"]}]}
                }
            },
            'labelSelector.requirements[0].values[0]: Invalid value: "-": a valid label must be',
        ),
        ("subjectaccessreviews", {"resourceAttributes": {}}, "at least one of user or group must be specified"),
        (
            "localsubjectaccessreviews",
            {"user": "u", "resourceAttributes": {"namespace": "y"}},
            'spec.resourceAttributes.namespace: Invalid value: "y": must match metadata.namespace',
        ),
        (
            "localsubjectaccessreviews",
            {"user": "u", "nonResourceAttributes": {"verb": "get", "path": "/"}},
            "disallowed on this kind of request",
        ),
        (
            "selfsubjectaccessreviews",
            {"resourceAttributes": {"fieldSelector": {}}},
            "when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required",
        ),
    ],
)
async def test_questions_that_make_no_sense_are_invalid(
    context: Context, resource: str, spec: Object, words: str
) -> None:
    namespace = "x" if resource.startswith("local") else ""
    assert words in await refusal(ask(context, AUTHORIZATION, resource, spec, namespace=namespace), Invalid)


@pytest.mark.parametrize(
    ("selectors", "words"),
    [
        ({"fieldSelector": {"rawSelector": "a"}}, "fieldSelector ignored"),
        ({"labelSelector": {"rawSelector": "a in ("}}, "labelSelector ignored"),
        (
            {
                "fieldSelector": {
                    "requirements": [
                        {"key": "a", "operator": "In", "values": ["b"]},
                        {"key": "a", "operator": "Exists"},
                    ]
                }
            },
            "fieldSelector partially ignored",
        ),
    ],
)
async def test_selectors_that_are_not_understood_are_ignored_and_told(
    context: Context, selectors: Object, words: str
) -> None:
    wanted = {"verb": "list", "resource": "pods", **selectors}
    found = await ask(context, AUTHORIZATION, "selfsubjectaccessreviews", {"resourceAttributes": wanted}, ROOT)
    assert found["status"] == {
        "allowed": True,
        "evaluationError": f"spec.resourceAttributes.{words} due to parse error",
    }


async def test_my_rules_in_a_namespace(context: Context) -> None:
    answer = await ask(context, AUTHORIZATION, "selfsubjectrulesreviews", {"namespace": "x"}, DORA)
    assert answer["status"] == {
        "resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
        "nonResourceRules": [],
        "incomplete": False,
    }
    await refusal(ask(context, AUTHORIZATION, "selfsubjectrulesreviews", {}, DORA), BadRequest)


async def test_who_i_am(context: Context) -> None:
    answer = await ask(context, AUTHENTICATION, "selfsubjectreviews", {}, DORA)
    assert answer["status"]["userInfo"] == {
        "username": "dora",
        "uid": "7",
        "groups": ["dev", "system:authenticated"],
        "extra": {"team": ["blue"]},
    }


async def test_a_token_is_issued_and_reviewed(context: Context) -> None:
    made = await token(context)
    assert made["spec"] == {"expirationSeconds": 3600, "audiences": [URL], "boundObjectRef": None}
    assert made["metadata"]["name"] == "robot"
    answer = await ask(context, AUTHENTICATION, "tokenreviews", {"token": made["status"]["token"]})
    assert answer["status"]["authenticated"] is True
    assert answer["status"]["user"]["username"] == "system:serviceaccount:x:robot"
    wrong = await ask(context, AUTHENTICATION, "tokenreviews", {"token": "rubbish"})
    assert wrong["status"] == {"user": {}, "error": "invalid bearer token"}
    await refusal(ask(context, AUTHENTICATION, "tokenreviews", {}), BadRequest)


async def test_a_token_bound_to_a_pod_names_its_node_and_lives_long(context: Context) -> None:
    made = await token(
        context, expirationSeconds=3607, boundObjectRef={"kind": "Pod", "apiVersion": "v1", "name": "web"}
    )
    claims = jwt.decode(made["status"]["token"], options={"verify_signature": False})
    assert claims["kubernetes.io"]["pod"]["name"] == "web"
    assert claims["kubernetes.io"]["node"]["name"] == "n1"
    assert claims["exp"] - claims["iat"] == EXTENDED_SECONDS


@pytest.mark.parametrize(
    ("account", "spec", "kind", "words"),
    [
        ("nobody", {}, NotFound, 'serviceaccounts "nobody" not found'),
        ("robot", {"expirationSeconds": 60}, Invalid, "may not specify a duration less than 10 minutes"),
        ("robot", {"expirationSeconds": 1 << 33}, Invalid, "may not specify a duration larger than 2^32 seconds"),
        (
            "robot",
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "no"}},
            NotFound,
            'pods "no" not found',
        ),
        ("robot", {"boundObjectRef": {"kind": "Secret", "apiVersion": "v1"}}, BadRequest, "Name parameter required."),
        (
            "robot",
            {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "x"}},
            BadRequest,
            "cannot bind token to object of type /v1, Kind=ConfigMap",
        ),
        (
            "robot",
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": "other"}},
            Conflict,
            "does not match the UID in record",
        ),
    ],
)
async def test_token_requests_that_are_refused(
    context: Context, account: str, spec: Object, kind: type[ApiError], words: str
) -> None:
    assert words in await refusal(token(context, account=account, **spec), kind)


async def test_a_node_gets_tokens_only_for_its_pods(context: Context) -> None:
    pods = context.kinds.find("", "v1", "pods")
    assert pods is not None
    web = (await context.registry.get(pods, "x", "web")).object
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": web["metadata"]["uid"]}
    assert (await token(context, NODE, boundObjectRef=reference))["status"]["token"]
    words = await refusal(token(context, NODE), Forbidden)
    assert words == 'serviceaccounts "robot" is forbidden: node requested token not bound to a pod'
