from pathlib import Path

from kubelet.docker.pod_files import PodFiles, host_network_hosts_text, hosts_text, resolv_conf_text
from kubelet.runtime import PodRef, SandboxWanted

REF = PodRef("u1", "default", "web")


def test_hosts_name_the_pod_and_its_aliases() -> None:
    text = hosts_text("10.244.1.5", ["web.data.ns", "web"], [("192.0.2.1", ["a", "b"]), ("192.0.2.1", ["c"])])
    assert text.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert text.endswith(
        "10.244.1.5\tweb.data.ns\tweb\n\n# Entries added by HostAliases.\n192.0.2.1\ta\tb\n192.0.2.1\tc\n"
    )


def test_hosts_of_the_hosts_network_are_the_hosts_own() -> None:
    text = host_network_hosts_text("127.0.0.1 localhost\n", [])
    assert text == "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n"


def test_resolv_conf_has_what_is_given_and_no_empty_lines() -> None:
    assert (
        resolv_conf_text(["10.96.0.10"], ["a", "b"], ["ndots:5"])
        == "search a b\nnameserver 10.96.0.10\noptions ndots:5\n"
    )
    assert resolv_conf_text(["1.1.1.1", "8.8.8.8"], [], []) == "nameserver 1.1.1.1\nnameserver 8.8.8.8\n"


def test_files_of_a_pod_go_and_the_folders_of_others_stay(tmp_path: Path) -> None:
    files = PodFiles(tmp_path)
    written = files.write_sandbox(SandboxWanted(REF, 0, "web", nameservers=["1.1.1.1"]), "10.244.1.5")
    assert set(written) == {"/etc/hosts", "/etc/resolv.conf"}
    message = files.write_termination_message_file("u1", "app", 0)
    assert message.stat().st_mode & 0o777 == 0o666
    (tmp_path / "pods/u1/volumes").mkdir()
    files.remove_sandbox("u1", 0)
    files.remove_termination_message("u1", "app", 0)
    assert [path.name for path in (tmp_path / "pods/u1").iterdir()] == ["volumes"]


def test_nothing_is_left_of_a_pod_without_volumes_and_removing_twice_is_well(tmp_path: Path) -> None:
    files = PodFiles(tmp_path)
    files.write_sandbox(SandboxWanted(REF, 0, "web"), "10.244.1.5")
    for _ in range(2):
        files.remove_sandbox("u1", 0)
    assert list((tmp_path / "pods").iterdir()) == []


def test_the_last_4096_bytes_of_a_message_are_read(tmp_path: Path) -> None:
    files = PodFiles(tmp_path)
    assert files.termination_message("u1", "app", 0) == ""
    files.write_termination_message_file("u1", "app", 0).write_bytes(b"x" * 5000 + b"\xffend")
    message = files.termination_message("u1", "app", 0)
    assert len(message) == 4096 and message.endswith("x\N{REPLACEMENT CHARACTER}end")
