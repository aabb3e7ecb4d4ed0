"""Objects of every kind, each broken in a way that nobody thought of: a field that is null, of another type, gone,
doubled, from somewhere else. The server may refuse them in words; it may not fail.

    python -m tests.clients.mutations KUBECONFIG [SECONDS [SEED]]     by hand, as long as one likes

Everything is a dry run but one object a kind, for updates and patches to start from.
"""

import copy
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import kubernetes
import requests
from kubernetes.client.exceptions import ApiException

from apiserver.kinds import KINDS
from apiserver.kinds.kind import Kind
from tests.clients.models import NAMESPACE, made, settled

Object = dict[str, Any]
Place = tuple[str | int, ...]

STORED = [kind for kind in KINDS if kind.stored and {"create", "get", "update", "patch"} <= set(kind.verbs)]
SPARED = ("Namespace", "FlowSchema", "PriorityLevelConfiguration")  # one that is wrong would be in the others' way

VALUES: list[Any] = [
    None, "", "a", "a/b", "A_b", "*", "-5", "$(X)", "../x", "a\0b", "é", "x" * 300, "10Gi", "1s", "65536", "::1",
    "10.0.0.0/8", "1.2.3.4", "http", "2020-01-01T00:00:00Z", 0, 1, -1, 65536, 2**31, 2**63, -(2**63), 1.5, 1e300, True,
    False, [], {}, [None], [{}], [[]], {"": None}, {"a": {}}, ["a", "a"],
]  # fmt: skip
TIMEOUT_SECONDS = 20.0
PATCHES = ("merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml")


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Where something stands in a body, itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*at, key)
        yield from places(each, (*at, key))


def look(body: Any, place: Place) -> Any:
    for key in place:
        body = body[key]
    return body


class Breaker:
    """Draws by its own dice: the same seed breaks the same."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def broken(self, body: Any) -> Any:
        body = copy.deepcopy(body)
        for _ in range(self.dice.choice((1, 1, 1, 2, 3))):
            if found := list(places(body)):
                self._break(body, self.dice.choice(found), self.dice.choice(found))
        return body

    def _break(self, body: Any, place: Place, elsewhere: Place) -> None:
        around, key = look(body, place[:-1]), place[-1]
        value = copy.deepcopy(self.dice.choice(VALUES))
        match self.dice.randrange(6):
            case 0:
                del around[key]
            case 1:
                around[key] = copy.deepcopy(look(body, elsewhere))
            case 2 if isinstance(around, list):
                around.append(copy.deepcopy(around[int(key)]))
            case 3 if isinstance(around, dict):
                around[self.dice.choice(("nope", "name", "status", "type", "key"))] = value
            case _:
                around[key] = value

    def operations(self, body: Object) -> list[Object]:
        """A JSON patch, of the body's own places."""
        found = ["/" + "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in at) for at in places(body)]
        verbs = ("add", "remove", "replace", "move", "copy", "test")
        choose = self.dice.choice
        return [
            {"op": choose(verbs), "path": choose(found), "from": choose(found), "value": choose(VALUES)}
            for _ in range(self.dice.randint(1, 3))
        ]


class Driver:
    """Sends what was broken, and counts the answers."""

    def __init__(self, client: Any, seed: int) -> None:
        self.client, self.breaker = client, Breaker(seed)
        self.bodies: dict[str, Object] = {}  # what the server takes, by path
        self.codes: Counter[int] = Counter()
        self.failures: dict[str, str] = {}  # the first of each cause
        found = client.configuration
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify, self.session.cert = found.ssl_ca_cert, (found.cert_file, found.key_file)
        core = kubernetes.client.CoreV1Api(client)
        core.create_namespace({"metadata": {"name": NAMESPACE}})
        core.create_namespaced_service_account(NAMESPACE, {"metadata": {"name": "default"}})

    def drive(self, kind: Kind, rounds: int) -> None:
        root = f"/apis/{kind.group}" if kind.group else "/api"
        path = f"{root}/{kind.version}/{f'namespaces/{NAMESPACE}/' if kind.namespaced else ''}{kind.plural}"
        if path not in self.bodies:
            self.bodies[path] = settled(kind, made(kind), lambda body: self.ask("POST", path, body))
        body = copy.deepcopy(self.bodies[path])
        body["metadata"]["name"] = name = made(kind)["metadata"]["name"]
        for _ in range(rounds):
            self.try_("POST", path, self.breaker.broken(body))
        if kind.kind in SPARED:
            return
        one = f"{path}/{name}"
        with suppress(ApiException):
            live = self.ask("POST", path, body, dry_run=False)
            subresources = [
                f"/{each.name}" for each in kind.subresources if each.name != "proxy"
            ]  # others answer there
            for _ in range(rounds):
                sub = self.breaker.dice.choice(("", "", *subresources))
                self.try_("PUT", one + sub, self.breaker.broken(live))
                unowned = {**live, "metadata": {"name": name, "labels": {"a": "b"}}}
                for media in PATCHES:
                    self.try_("PATCH", one + sub, self.breaker.broken(unowned), media)
                self.try_("PATCH", one + sub, self.breaker.operations(live), "json-patch+json")
            self.ask("DELETE", one, None, dry_run=False)

    def ask(self, method: str, path: str, body: Any, media: str = "json", dry_run: bool = True) -> Any:
        """Raises `ApiException` from 400 on."""
        query = "?dryRun=All" if dry_run else "?gracePeriodSeconds=0" if method == "DELETE" else ""
        if media == "apply-patch+yaml":
            query += "&fieldManager=m&force=true"
        response = self.session.request(
            method,
            f"{self.client.configuration.host}{path}{query}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": f"application/{media}", "Accept": "application/json"},
            timeout=TIMEOUT_SECONDS,
        )
        if response.status_code >= 400:
            raise ApiException(status=response.status_code, body=response.text)
        return response.json()

    def try_(self, method: str, path: str, body: Any, media: str = "json") -> None:
        try:
            self.ask(method, path, body, media)
            self.codes[200] += 1
        except ApiException as error:
            self.codes[error.status] += 1
            if not error.status or '"reason":"InternalError"' in (error.body or "") or error.status in (502, 504):
                self.failures.setdefault(
                    f"{method} {path} {media}", f"{body!r:.2000}\n{error.status} {error.body!s:.600}"
                )


def main(kubeconfig: str, seconds: str = "60", seed: str = "") -> int:
    number = int(seed or random.randrange(1 << 32))
    with kubernetes.config.new_client_from_config(kubeconfig) as client:
        driver = Driver(client, number)
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            driver.drive(driver.breaker.dice.choice(STORED), 20)
    print(f"seed {number}: {dict(driver.codes)}", *(f"{at}\n{why}" for at, why in driver.failures.items()), sep="\n")
    return 1 if driver.failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
