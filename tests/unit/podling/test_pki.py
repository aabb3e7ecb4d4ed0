"""The cluster's certificates."""

import ipaddress
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from podling import pki

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def certificate(folder: Path, file: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{file}.crt").read_bytes())


def subject(folder: Path, file: str) -> tuple[str, list[str]]:
    name = certificate(folder, file).subject
    groups = [str(a.value) for a in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value), groups


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki.ensure(tmp_path / "pki", ["n1"], NOW, "laptop")
    return tmp_path / "pki"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_users_are_those_that_kubernetes_knows(folder: Path) -> None:
    assert subject(folder, "admin") == ("kubernetes-admin", ["system:masters"])
    assert subject(folder, "scheduler") == ("system:kube-scheduler", [])
    assert subject(folder, "node-n1") == ("system:node:n1", ["system:nodes"])
    assert subject(folder, "apiserver-kubelet-client")[0] == "kube-apiserver-kubelet-client"


def test_the_apiserver_answers_to_every_name_that_clients_use(folder: Path) -> None:
    names = certificate(folder, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "laptop",
    }
    assert {str(ip) for ip in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1", "10.96.0.1"}


def test_a_users_certificate_cannot_serve(folder: Path) -> None:
    usage = certificate(folder, "admin").extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_every_leaf_is_signed_by_the_authority(folder: Path) -> None:
    for path in folder.glob("*.crt"):
        own = path.stem.startswith(("etcd-", "front-proxy-"))
        authority = certificate(folder, f"{path.stem.rpartition('-')[0]}-ca" if own else "ca")
        certificate(folder, path.stem).verify_directly_issued_by(authority)


def test_keys_are_for_the_owner_alone(folder: Path) -> None:
    for path in [*folder.glob("*.key"), folder / "tokens.csv"]:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path


def test_a_second_start_changes_nothing(folder: Path) -> None:
    before = content(folder)
    pki.ensure(folder, ["n1"], NOW + timedelta(days=300), "laptop")
    assert content(folder) == before


def test_leaves_near_their_end_are_renewed_under_the_same_authority(folder: Path) -> None:
    before = content(folder)
    pki.ensure(folder, ["n1"], NOW + timedelta(days=340), "laptop")
    after = content(folder)
    assert after["ca.crt"] == before["ca.crt"]
    assert after["sa.key"] == before["sa.key"]
    assert after["admin.crt"] != before["admin.crt"]


def test_an_authority_near_its_end_takes_every_leaf_with_it(folder: Path) -> None:
    before = content(folder)
    pki.ensure(folder, ["n1"], NOW + timedelta(days=3640), "laptop")
    assert all(content(folder)[name] != before[name] for name in before if name.endswith(".crt"))


def test_a_clock_set_back_makes_certificates_that_are_valid_then(folder: Path) -> None:
    past = NOW - timedelta(days=400)
    pki.ensure(folder, ["n1"], past, "laptop")
    assert certificate(folder, "apiserver").not_valid_before_utc <= past


def test_a_damaged_key_and_a_new_hostname_make_only_their_own_leaf_anew(folder: Path) -> None:
    before = content(folder)
    (folder / "scheduler.key").write_bytes(b"no key")
    pki.ensure(folder, ["n1", "n2"], NOW, "desktop")
    changed = {name for name, data in content(folder).items() if before.get(name) != data}
    assert {name.rsplit(".", 1)[0] for name in changed} == {
        "scheduler",
        "apiserver",
        "etcd-server",
        "node-n1",
        "node-n2",
    }


def test_the_api_server_is_believed_at_the_address_that_pods_have_for_it(folder: Path) -> None:
    before = content(folder)
    for address in ("10.244.255.254", "10.245.255.254"):
        pki.ensure(folder, ["n1"], NOW, "laptop", addresses=[address])
        found = certificate(folder, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName)
        assert ipaddress.ip_address(address) in found.value.get_values_for_type(x509.IPAddress)
    changed = {name for name, data in content(folder).items() if before[name] != data}
    assert changed == {"apiserver.crt", "apiserver.key"}


def test_an_added_token_stays(folder: Path) -> None:
    (folder / "tokens.csv").write_text("secret,alice,1,dev\n")
    pki.ensure(folder, ["n1"], NOW, "laptop")
    assert (folder / "tokens.csv").read_text() == "secret,alice,1,dev\n"
