"""schemathesis drives the OpenAPI documents of a server: each call some times, with what its document allows and with
what it does not. No 5xx, no answer outside the document.

    python -m tests.clients.fuzz KUBECONFIG [EXAMPLES [SEED [GROUP …]]]     by hand: `apis/apps/v1`, `api/v1`

Every kind has one object, so that calls meet more than 404.
"""

import contextlib
import itertools
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import kubernetes
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from kubernetes.client.exceptions import ApiException
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from apiserver.kinds import KINDS
from tests.clients.models import NAMESPACE, made, settled

Object = dict[str, Any]

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
METHODS = ("get", "put", "patch", "post", "delete")  # what deletes objects comes when the others have met them
ENDLESS = ("watch", "follow")  # their answers have no end
TIMEOUT_SECONDS = 20
# Kubernetes answers so, too: a pod without a node has a log without content, and behind the proxies is nobody.
KNOWN = {
    ("GET", "/api/v1/componentstatuses/{name}", 500),
    ("GET", "/api/v1/namespaces/{namespace}/pods/{name}/log", 204),
}
NOBODY = (500, 503)


@dataclass
class Findings:
    codes: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)  # the first of each call and cause


class Driver:
    """The same seed makes up the same calls."""

    def __init__(self, kubeconfig: str, number: int) -> None:
        self.seed = number
        with kubernetes.config.new_client_from_config(kubeconfig) as api:
            found = api.configuration
        self.url = found.host
        self.trust = {"verify": found.ssl_ca_cert, "cert": (found.cert_file, found.key_file)}
        self.session = requests.Session()
        self.session.trust_env = False
        self.findings = Findings()
        self.names = dict(self.seeded())

    def post(self, path: str, body: Object) -> None:
        response = self.session.post(self.url + path, json=body, **self.trust)  # type: ignore[arg-type]
        if response.status_code >= 400:
            raise ApiException(status=response.status_code, body=response.text)

    def seeded(self) -> Iterator[tuple[str, str]]:
        """One object of every kind; (plural, name)."""
        self.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        self.post(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": "default"}})
        for kind in KINDS:
            if kind.stored and "create" in kind.verbs and kind.hub is None:  # or it is another version of the same
                root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
                path = f"{root}/namespaces/{NAMESPACE}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
                body = settled(kind, made(kind), partial(self.post, f"{path}?dryRun=All"))
                self.post(path, body)
                yield kind.plural, body["metadata"]["name"]

    def get(self, path: str) -> Object:
        found: Object = self.session.get(self.url + path, **self.trust).json()  # type: ignore[arg-type]
        return found

    def groups(self) -> list[str]:
        return sorted(self.get("/openapi/v3")["paths"])

    def operations(self, group: str) -> Iterator[Any]:
        """In order; bodies of any kind are JSON here. None of a group that a call before took away."""
        if group not in self.groups():
            return iter(())
        document = self.get(f"/openapi/v3/{group}")
        for item in document["paths"].values():
            for call in item.values():
                body = call.get("requestBody") if isinstance(call, dict) else None
                if body and "*/*" in body["content"]:
                    body["content"] = {"application/json": body["content"]["*/*"]}
        found = [each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]
        return iter(sorted(found, key=lambda each: (METHODS.index(each.method), each.path)))

    def drive(self, operation: Any, examples: int) -> None:
        name = self.names.get(operation.path.partition("/{name}")[0].rpartition("/")[2], "a")
        known = {"namespace": NAMESPACE, "name": name, "path": "x"}
        for mode, place in itertools.product((GenerationMode.POSITIVE, GenerationMode.NEGATIVE), (known, None)):
            if "{" not in operation.path and place is None:
                continue
            named = {key: value for key, value in known.items() if f"{{{key}}}" in operation.path} if place else None
            strategy = operation.as_strategy(generation_mode=mode, path_parameters=named)
            self._examples(operation, strategy, examples)

    def _examples(self, operation: Any, strategy: Any, examples: int) -> None:
        quiet = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}

        @seed(self.seed)
        @settings(max_examples=examples, phases=[Phase.generate], **quiet)
        @given(strategy)
        def run(case: Any) -> None:
            self._call(operation, case)

        with contextlib.suppress(Unsatisfiable):  # nothing can be wrong with a call that takes nothing
            run()

    def _call(self, operation: Any, case: Any) -> None:
        for name in ENDLESS:
            case.query.pop(name, None)
        response = case.call(base_url=self.url, session=self.session, timeout=TIMEOUT_SECONDS, **self.trust)
        self.findings.codes[response.status_code] += 1
        if is_known(operation, response.status_code):
            return
        try:
            case.validate_response(response, checks=CHECKS)
        except BaseExceptionGroup as found:
            for cause in found.exceptions:
                words = f"{cause}\n{response.status_code} {response.text[:500]}\n{case.as_curl_command()[:500]}"
                self.findings.failures.setdefault(f"{operation.label}: {type(cause).__name__}", words)


def is_known(operation: Any, status: int) -> bool:
    proxied = "{name}/proxy" in operation.path and status in NOBODY
    return proxied or (operation.method.upper(), operation.path, status) in KNOWN


def has_large_body(operation: Any) -> bool:
    """With a pod in it, of which one takes seconds to make up."""
    if operation.method not in ("post", "put"):
        return False
    large = ("pods", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "podtemplates")
    large += ("replicationcontrollers", "nodes", "horizontalpodautoscalers", "customresourcedefinitions")
    large += ("persistentvolumes", "flowschemas")
    return any(f"/{each}" in operation.path for each in large)


def main(kubeconfig: str, examples: str = "3", number: str = "1", *groups: str) -> int:
    warnings.simplefilter("ignore")
    driver = Driver(kubeconfig, int(number))
    for group in groups or driver.groups():
        for operation in driver.operations(group):
            driver.drive(operation, int(examples))
        print(group, sum(driver.findings.codes.values()), flush=True)
    print(dict(driver.findings.codes))
    show(driver.findings.failures.items())
    return 1 if driver.findings.failures else 0


def show(found: Iterable[tuple[str, str]]) -> None:
    for what, words in found:
        print(f"---- {what}\n{words}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
