"""The user's kubeconfig: our entry comes and goes, everybody else's stays as it was written.

The YAML is edited as a tree of nodes, never as data: a token `0123` or a time stamp of another entry keeps its letters.
(Comments are lost; YAML's parser drops them.) Which file: `--kubeconfig`'s rule for writing, that is the file of
$KUBECONFIG that holds the entry already, else the first that exists, else the last; without $KUBECONFIG ~/.kube/config.
The file is locked as kubectl does it, by making `<file>.lock`.
"""

import base64
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from podling.files import write_atomically

LOCK_SECONDS = 5.0
SECTIONS = ("clusters", "contexts", "users")


class KubeconfigError(Exception):
    """The file cannot be used as a kubeconfig. It has not been touched."""


def context_name(cluster: str) -> str:
    return f"podling-{cluster}"


def default_path(entry: str = "") -> Path:
    """Where an entry is, or would be written."""
    listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(":") if part]
    if not listed:
        return Path(os.path.expanduser("~/.kube/config"))
    existing = [path for path in listed if path.exists()]
    for path in existing:
        with contextlib.suppress(KubeconfigError):
            if entry and any(_named(_section(_read(path), section), entry) for section in SECTIONS):
                return path
    return existing[0] if existing else listed[-1]


def merge(path: Path, cluster: str, server: str, pki: Path) -> None:
    """Add or replace the cluster, user and context `podling-<cluster>`, and make it the current context."""
    name = context_name(cluster)
    entries = {
        "clusters": {"server": server, "certificate-authority-data": _encoded(pki / "ca.crt")},
        "contexts": {"cluster": name, "user": name},
        "users": {
            "client-certificate-data": _encoded(pki / "admin.crt"),
            "client-key-data": _encoded(pki / "admin.key"),
        },
    }
    with _locked(path):
        root = _read(path)
        before = yaml.serialize(root)
        for section, value in entries.items():
            _replace(root, section, {"name": name, section[:-1]: value})
        _set(root, "current-context", _scalar(name))
        if yaml.serialize(root) != before:
            _write(path, root)


def remove(path: Path, cluster: str) -> None:
    """Take our entry out again; a file without it stays as it is, byte for byte."""
    if not path.exists():
        return
    name = context_name(cluster)
    with _locked(path):
        root = _read(path)
        found = False
        for section in SECTIONS:
            rows = _section(root, section)
            mine = _named(rows, name)
            found = found or bool(mine)
            rows.value = [row for row in rows.value if row not in mine]
        current = _get(root, "current-context")
        if isinstance(current, yaml.ScalarNode) and current.value == name:
            _set(root, "current-context", yaml.ScalarNode("tag:yaml.org,2002:str", "", style='"'))
            found = True
        if found:
            _write(path, root)


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = Path(f"{os.path.realpath(path)}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise KubeconfigError(f"{path} is locked by another program; if none runs, remove {lock}") from None
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _read(path: Path) -> yaml.MappingNode:
    """The file's tree, checked as far as we walk in it; an empty tree where there is no file."""
    try:
        root = yaml.compose(path.read_bytes(), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        root = None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise KubeconfigError(
            f"{path} is not valid YAML ({reason}); mend it or move it away, it was left as it is"
        ) from None
    if root is None or (isinstance(root, yaml.ScalarNode) and root.tag == "tag:yaml.org,2002:null"):
        root = _mapping({"apiVersion": "v1", "kind": "Config", "preferences": {}})
    if not isinstance(root, yaml.MappingNode):
        raise KubeconfigError(f"{path} is not a kubeconfig: its top is not a mapping; it was left as it is")
    for section in SECTIONS:
        rows = _get(root, section)
        if rows is None or (isinstance(rows, yaml.ScalarNode) and rows.tag == "tag:yaml.org,2002:null"):
            _set(root, section, yaml.SequenceNode("tag:yaml.org,2002:seq", []))
        elif not isinstance(rows, yaml.SequenceNode):
            raise KubeconfigError(f'{path} is not a kubeconfig: "{section}" is not a list; it was left as it is')
    return root


def _write(path: Path, root: yaml.MappingNode) -> None:
    mode = 0o600
    with contextlib.suppress(FileNotFoundError):
        mode = path.stat().st_mode & 0o777
    text: str = yaml.serialize(root, allow_unicode=True)
    write_atomically(path, text.encode(), mode=mode)


def _get(mapping: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in mapping.value if getattr(name, "value", None) == key), None)


def _set(mapping: yaml.MappingNode, key: str, value: yaml.Node) -> None:
    for index, (name, _) in enumerate(mapping.value):
        if getattr(name, "value", None) == key:
            mapping.value[index] = (name, value)
            return
    mapping.value.append((_scalar(key), value))
    mapping.flow_style = False


def _section(root: yaml.MappingNode, section: str) -> yaml.SequenceNode:
    rows = _get(root, section)
    assert isinstance(rows, yaml.SequenceNode), section  # _read made sure
    return rows


def _named(rows: yaml.SequenceNode, name: str) -> list[yaml.Node]:
    return [
        row
        for row in rows.value
        if isinstance(row, yaml.MappingNode) and getattr(_get(row, "name"), "value", None) == name
    ]


def _replace(root: yaml.MappingNode, section: str, row: dict[str, object]) -> None:
    rows = _section(root, section)
    mine = _named(rows, str(row["name"]))
    rows.value = [other for other in rows.value if other not in mine] + [_mapping(row)]
    rows.flow_style = False


def _mapping(data: dict[str, object]) -> yaml.MappingNode:
    pairs: list[tuple[yaml.Node, yaml.Node]] = []
    for key, value in data.items():
        pairs.append((_scalar(key), _mapping(value) if isinstance(value, dict) else _scalar(str(value))))
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not pairs)


def _scalar(text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text)
