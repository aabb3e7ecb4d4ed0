"""What containers are told of services."""

from typing import Any

from lightkube.models import core_v1

from kubelet.service_variables import api_service, variables
from podling.client.codec import typed


def service(name: str, namespace: str = "default", ip: str | None = "10.97.0.11", **ports: int) -> Any:
    found = [{"name": key.replace("_", "-"), "port": port} for key, port in ports.items()]
    spec = {"ports": found} | ({"clusterIP": ip} if ip else {})
    return typed({"metadata": {"name": name, "namespace": namespace}, "spec": spec}, core_v1.Service)


def test_a_service_is_told_of_as_docker_links_were() -> None:
    assert variables([service("my-db", sql=5432, web_ui=80)], "default", links=True) == {
        "MY_DB_SERVICE_HOST": "10.97.0.11",
        "MY_DB_SERVICE_PORT": "5432",
        "MY_DB_SERVICE_PORT_SQL": "5432",
        "MY_DB_SERVICE_PORT_WEB_UI": "80",
        "MY_DB_PORT": "tcp://10.97.0.11:5432",
        "MY_DB_PORT_5432_TCP": "tcp://10.97.0.11:5432",
        "MY_DB_PORT_5432_TCP_PROTO": "tcp",
        "MY_DB_PORT_5432_TCP_PORT": "5432",
        "MY_DB_PORT_5432_TCP_ADDR": "10.97.0.11",
        "MY_DB_PORT_80_TCP": "tcp://10.97.0.11:80",
        "MY_DB_PORT_80_TCP_PROTO": "tcp",
        "MY_DB_PORT_80_TCP_PORT": "80",
        "MY_DB_PORT_80_TCP_ADDR": "10.97.0.11",
    }


def test_the_api_server_is_told_of_always_the_others_where_the_pod_wants_it() -> None:
    found = [api_service("10.244.255.254:20001"), service("mine", "shop", x=1), service("theirs", "bank", x=1)]
    hosts = {
        links: {name for name in variables(found, "shop", links=links) if name.endswith("_HOST")}
        for links in (True, False)
    }
    assert hosts == {True: {"KUBERNETES_SERVICE_HOST", "MINE_SERVICE_HOST"}, False: {"KUBERNETES_SERVICE_HOST"}}
    assert variables(found, "shop", links=False)["KUBERNETES_SERVICE_PORT_HTTPS"] == "20001"


def test_services_without_an_address_are_not_told_of() -> None:
    found = [service("headless", ip="None", x=1), service("new", ip=None, x=1), service("bare")]
    assert set(variables(found, "default", links=True)) == {"BARE_SERVICE_HOST"}
