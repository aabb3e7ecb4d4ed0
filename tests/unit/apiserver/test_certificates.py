"""CertificateSigningRequests over HTTP: whose they are, who decides, who signs. Words: golden groups-cluster,
kubernetes/plugin/pkg/admission/certificates."""

import asyncio
import base64
import sys
from pathlib import Path
from typing import Any

from apiserver.kinds.certificates.certificate_signing_request import CERTIFICATE_SIGNING_REQUEST as KIND
from apiserver.kinds.certificates.certificate_signing_request import validate_signer
from podling.api.certificate_request import CLIENT
from podling.api.field import Path as FieldPath
from tests.unit.apiserver.running import Running
from tests.unit.certificate_requests import request

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
MERGE = {"Content-Type": "application/merge-patch+json"}
BOB = {"Impersonate-User": "bob", "Impersonate-Group": "dev"}
RBAC = "/apis/rbac.authorization.k8s.io/v1"
APPROVED = {"type": "Approved", "status": "True", "reason": "R"}
DENIED = {"type": "Denied", "status": "True", "reason": "R"}


def wanted(name: str, signer: str = "example.com/s", asked: str = "", **spec: Any) -> dict[str, Any]:
    given = {"request": asked or request("bob"), "signerName": signer, "usages": ["client auth"], **spec}
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": given,
    }


async def allow(server: Running, name: str, *rules: dict[str, list[str]]) -> None:
    """Bob may."""
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
    assert (await server.call("POST", f"{RBAC}/clusterroles", json={**role, "rules": list(rules)}))[0] == 201
    group = "rbac.authorization.k8s.io"
    binding = {
        **{**role, "kind": "ClusterRoleBinding"},
        "subjects": [{"kind": "User", "name": "bob", "apiGroup": group}],
        "roleRef": {"kind": "ClusterRole", "name": name, "apiGroup": group},
    }
    assert (await server.call("POST", f"{RBAC}/clusterrolebindings", json=binding))[0] == 201


def rule(verb: str, resource: str, *names: str) -> dict[str, list[str]]:
    found = {"apiGroups": ["certificates.k8s.io"], "resources": [resource], "verbs": [verb]}
    return {**found, "resourceNames": list(names)} if names else found


async def decide(server: Running, name: str, *conditions: Any, headers: Any = None, at: str = "approval") -> Any:
    body = {"status": {"conditions": list(conditions)}}
    return await server.call("PATCH", f"{PATH}/{name}/{at}", json=body, headers={**MERGE, **(headers or {})})


async def test_a_request_is_its_creators_whatever_it_says(server: Running) -> None:
    await allow(server, "asks", rule("create", "certificatesigningrequests"))
    body = wanted("mine", username="root", groups=["system:masters"], uid="u", extra={"a": ["b"]})
    status, made = await server.call("POST", PATH, json=body, headers=BOB)
    assert status == 201
    told = {name: made["spec"].get(name) for name in ("username", "groups", "uid", "extra")}
    assert told == {"username": "bob", "groups": ["dev", "system:authenticated"], "uid": None, "extra": None}
    changed = {"spec": {"username": "root", "usages": ["server auth"]}, "status": {"conditions": [APPROVED]}}
    status, kept = await server.call("PATCH", f"{PATH}/mine", json=changed, headers=MERGE)
    assert (status, kept["spec"], kept["status"]) == (200, made["spec"], {})


async def test_who_approves_must_be_allowed_to_for_the_signer(server: Running) -> None:
    await server.call("POST", PATH, json=wanted("one"))
    await allow(server, "decides", rule("patch", "certificatesigningrequests/approval"))
    status, refused = await decide(server, "one", APPROVED, headers=BOB)
    assert status == 403
    assert refused["message"] == (
        'certificatesigningrequests.certificates.k8s.io "one" is forbidden: user not permitted to approve requests '
        'with signerName "example.com/s"'
    )
    await allow(server, "approves", rule("approve", "signers", "example.com/*"))
    status, found = await decide(server, "one", APPROVED, headers=BOB)
    assert status == 200
    [condition] = found["status"]["conditions"]
    assert condition["lastUpdateTime"] == condition["lastTransitionTime"]


async def test_decisions_are_made_at_approval_and_certificates_at_status(server: Running, certificates: Path) -> None:
    await server.call("POST", PATH, json=wanted("two"))
    status, refused = await decide(server, "two", APPROVED, at="status")
    assert status == 422
    assert 'status.conditions: Forbidden: updates may not add a condition of type "Approved"' in refused["message"]
    assert (await decide(server, "two", APPROVED))[0] == 200
    certificate = base64.b64encode((certificates / "admin.crt").read_bytes()).decode()
    body = {"status": {"certificate": certificate}}
    status, kept = await server.call("PATCH", f"{PATH}/two/approval", json=body, headers=MERGE)
    assert (status, "certificate" in kept["status"]) == (200, False)
    status, issued = await server.call("PATCH", f"{PATH}/two/status", json=body, headers=MERGE)
    assert (status, issued["status"]["certificate"]) == (200, certificate)
    other = {"status": {"certificate": base64.b64encode((certificates / "ca.crt").read_bytes()).decode()}}
    status, refused = await server.call("PATCH", f"{PATH}/two/status", json=other, headers=MERGE)
    assert status == 422
    assert "status.certificate: Forbidden: updates may not modify existing certificate content" in refused["message"]
    state = next(column for column in KIND.columns if column.name == "Condition")
    assert state.cell(issued) == "Approved,Issued"


async def test_a_signer_that_may_not_sign_is_refused(server: Running, certificates: Path) -> None:
    await server.call("POST", PATH, json=wanted("three"))
    await allow(server, "writes", rule("patch", "certificatesigningrequests/status"))
    body = {"status": {"certificate": base64.b64encode((certificates / "ca.crt").read_bytes()).decode()}}
    status, refused = await server.call("PATCH", f"{PATH}/three/status", json=body, headers={**MERGE, **BOB})
    assert (status, refused["message"].partition(": ")[2]) == (
        403,
        'user not permitted to sign requests with signerName "example.com/s"',
    )
    await allow(server, "signs", rule("sign", "signers", "example.com/s"))
    assert (await server.call("PATCH", f"{PATH}/three/status", json=body, headers={**MERGE, **BOB}))[0] == 200


async def test_nobody_becomes_a_master_by_a_certificate(server: Running) -> None:
    body = wanted("root", CLIENT, request("eve", ("system:masters",)))
    status, refused = await server.call("POST", PATH, json=body)
    assert (status, refused["message"].partition(": ")[2]) == (
        403,
        f"use of {CLIENT} signer with system:masters group is not allowed",
    )


async def test_requests_are_selected_by_their_signer(server: Running) -> None:
    for name, signer in (("a", "example.com/s"), ("b", "example.com/t")):
        assert (await server.call("POST", PATH, json=wanted(name, signer)))[0] == 201
    _, found = await server.call("GET", f"{PATH}?fieldSelector=spec.signerName=example.com/t")
    assert [each["metadata"]["name"] for each in found["items"]] == ["b"]


async def test_kubectl_approves_and_denies(server: Running) -> None:
    for name in ("yes", "no"):
        await server.call("POST", PATH, json=wanted(name))
    kubectl = Path(sys.executable).with_name("kubectl")
    access = (
        *("--kubeconfig", "/dev/null", "--server", server.config.url),
        *("--certificate-authority", server.folder / "ca.crt"),
        *("--client-certificate", server.folder / "admin.crt", "--client-key", server.folder / "admin.key"),
    )
    for verb, name, said in (("approve", "yes", "approved"), ("deny", "no", "denied")):
        process = await asyncio.create_subprocess_exec(
            kubectl, "certificate", verb, name, *access, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
        assert printed.decode() == f"certificatesigningrequest.certificates.k8s.io/{name} {said}\n"
    states = next(column for column in KIND.columns if column.name == "Condition")
    _, found = await server.call("GET", PATH)
    assert {each["metadata"]["name"]: states.cell(each) for each in found["items"]} == {
        "no": "Denied",
        "yes": "Approved",
    }


def test_how_a_signer_is_named() -> None:
    def told(name: str) -> list[str]:
        return [str(error).removeprefix("x: ") for error in validate_signer(name, FieldPath("x"))]

    assert told("example.com/a.b") == []
    assert told("") == ["Required value"]
    assert told("com/a") == ['Invalid value: "com": should be a domain with at least two segments separated by dots']
    assert told("a.com/b/c") == [
        "Invalid value: \"a.com/b/c\": must be a fully qualified domain and path of the form 'example.com/signer-name'"
    ]
    [words] = told("a..com/b")
    assert words.startswith('Invalid value: "a..com": validating label "": a lowercase RFC 1123 label must')
