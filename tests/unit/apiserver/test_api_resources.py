"""What is served, beside what Kubernetes 1.36 serves by default (api-resources.tsv, recorded from it)."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.unit.apiserver.running import Running

LISTED = Path(__file__).with_name("api-resources.tsv")
AGGREGATED = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
KUBECTL = Path(sys.executable).with_name("kubectl")


def listed() -> list[str]:
    return [line for line in LISTED.read_text().splitlines() if not line.startswith("#")]


def rows(groups: Any) -> Iterator[str]:
    for group in groups["items"]:
        name = group["metadata"].get("name", "")
        for version in group["versions"]:
            for resource in version["resources"]:
                yield from _rows(resource, f"{name}/{version['version']}" if name else version["version"])


def _rows(resource: Any, version: str) -> Iterator[str]:
    namespaced = "true" if resource["scope"] == "Namespaced" else "false"
    words = (",".join(resource.get(name) or ()) or "-" for name in ("shortNames", "verbs", "categories"))
    short, verbs, categories = words
    head = (resource["resource"], resource["singularResource"], short, version, namespaced)
    yield "\t".join((*head, resource["responseKind"]["kind"], verbs, categories))
    for sub in resource.get("subresources") or ():
        kind = "/".join(filter(None, (sub["responseKind"][name] for name in ("group", "version", "kind"))))
        path = f"{resource['resource']}/{sub['subresource']}"
        yield "\t".join((path, "-", "-", version, namespaced, kind, ",".join(sub["verbs"]), "-"))


async def test_what_is_served_is_what_kubernetes_serves(server: Running) -> None:
    found: list[str] = []
    for path in ("/api", "/apis"):
        status, groups = await server.call("GET", path, headers=AGGREGATED)
        assert status == 200
        found += rows(groups)
    assert sorted(found) == sorted(listed())


async def test_kubectl_lists_the_same(server: Running, tmp_path: Path) -> None:
    """As an unmodified kubectl prints it: name, short names, version, namespaced, kind."""
    process = await asyncio.create_subprocess_exec(
        *(KUBECTL, "api-resources", "--no-headers", "--cache-dir", tmp_path, "--kubeconfig", "/dev/null"),
        *("--server", server.config.url, "--certificate-authority", server.folder / "ca.crt"),
        *("--client-certificate", server.folder / "admin.crt", "--client-key", server.folder / "admin.key"),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    wanted = set()
    for name, _, short, version, namespaced, kind, *_ in (line.split("\t") for line in listed()):
        if "/" not in name and (name, version) != ("horizontalpodautoscalers", "autoscaling/v1"):
            wanted.add(" ".join(word for word in (name, short, version, namespaced, kind) if word != "-"))
    assert {" ".join(line.split()) for line in printed.decode().splitlines()} == wanted
