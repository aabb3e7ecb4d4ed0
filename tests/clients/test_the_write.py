"""docs/life-of-a-write.md, done: its kind, its object, and what is refused on the way."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import Done, Server

KUBECTL = Path(sys.executable).with_name("kubectl")
TICKETS = str(Path(__file__).parents[2] / "examples" / "tickets.yaml")


class Box:
    """kubectl in a namespace where tickets can be had."""

    def __init__(self, server: Server, namespace: str) -> None:
        self.server, self.namespace = server, namespace

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> Done:
        return self.server.run(KUBECTL, "-n", self.namespace, *arguments, input=input, check=check)

    def book(self, show: str, seats: int, *options: str, check: bool = True) -> Done:
        ticket = {"apiVersion": "example.com/v1", "kind": "Ticket", "metadata": {"name": "t"}}
        body = json.dumps({**ticket, "spec": {"show": show, "seats": seats}})
        return self.kubectl("apply", "--server-side", "-f", "-", *options, input=body, check=check)


@pytest.fixture
def box(server: Server, namespace: str) -> Iterator[Box]:
    made = Box(server, namespace)
    made.kubectl("apply", "-f", TICKETS)
    yield made
    made.kubectl("delete", "-f", TICKETS)


def test_a_kind_is_served_as_soon_as_it_is_defined(box: Box) -> None:
    assert box.book("Hamlet", 2).stdout == "ticket.example.com/t serverside-applied\n"
    heads, row = box.kubectl("get", "tix").stdout.splitlines()
    assert (heads.split(), row.split()[:2]) == (["NAME", "SEATS", "STATE", "AGE"], ["t", "2"])
    assert "How many sit together." in box.kubectl("explain", "ticket.spec").stdout


def test_what_is_not_right_is_refused_in_words(box: Box) -> None:
    box.book("Hamlet", 2)
    refused = box.book("Hamlet", 1, check=False)
    assert (refused.returncode, "seats are not given back" in refused.stderr) == (1, True)
    refused = box.book("Lear", 2, "--field-manager=another", check=False)
    assert (refused.returncode, 'conflict with "kubectl": .spec.show' in refused.stderr) == (1, True)
    unknown = box.kubectl("patch", "ticket", "t", "--type=merge", "-p", '{"spec":{"row":7}}')
    assert 'Warning: unknown field "spec.row"' in unknown.stderr
    assert "row" not in box.kubectl("get", "ticket", "t", "-o", "yaml").stdout


def test_what_a_ticket_owns_goes_with_it(box: Box) -> None:
    box.book("Hamlet", 2)
    uid = box.kubectl("get", "ticket", "t", "-o", "jsonpath={.metadata.uid}").stdout
    owner = {"apiVersion": "example.com/v1", "kind": "Ticket", "name": "t", "uid": uid}
    seat = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seat", "ownerReferences": [owner]}}
    box.kubectl("create", "-f", "-", input=json.dumps(seat))
    box.kubectl("delete", "ticket", "t")
    box.kubectl("wait", "--for=delete", "configmap/seat", "--timeout=60s")
