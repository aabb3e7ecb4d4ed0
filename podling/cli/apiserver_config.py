"""What the API server is told besides its addresses: an audit policy, an encryption configuration. Taken at
`podling up` or `podling apiserver`, kept in the state directory, read at each start. An encryption configuration that
takes the place of another is read by a running server, too."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from podling.cli.refusal import Refusal

if TYPE_CHECKING:
    from podling.state import State

AuditPolicy = Annotated[
    str | None,
    typer.Option("--audit-policy-file", metavar="FILE", help="What the audit log tells: a Policy. It is kept."),
]
AuditLog = Annotated[
    str | None,
    typer.Option(
        "--audit-log-path",
        metavar="FILE",
        help="Where it tells it; - is standard output. Without it logs/audit.log of the cluster's state. It is kept.",
    ),
]
Encryption = Annotated[
    str | None,
    typer.Option(
        "--encryption-provider-config",
        metavar="FILE",
        help="How secrets are encrypted in the store: an EncryptionConfiguration. It is kept.",
    ),
]


def keep(state: "State", audit_policy: str | None, audit_log: str | None, encryption: str | None) -> None:
    """What is None stays as it was; "" goes back to none. Errors: Refusal."""
    from apiserver.audit.policy import check
    from apiserver.encryption.configuration import read

    _keep(state, state.audit_policy, "--audit-policy-file", audit_policy, check)
    _keep(state, state.encryption, "--encryption-provider-config", encryption, read)
    if audit_log is not None:
        path = audit_log if audit_log in ("", "-") else str(Path(audit_log).absolute())
        _write(state, state.audit_log_path, path.encode(), "--audit-log-path")


def fields(state: "State") -> dict[str, Any]:
    """Of the API server's `Config`."""
    found: dict[str, Any] = {}
    if state.audit_policy.exists():
        said = state.audit_log_path.read_text() if state.audit_log_path.exists() else ""
        found |= {"audit_policy_file": state.audit_policy, "audit_log_path": said or str(state.log("audit"))}
    if state.encryption.exists():
        found["encryption_provider_config"] = state.encryption
    return found


def _keep(state: "State", kept: Path, option: str, file: str | None, check: Callable[[Any], object]) -> None:
    import yaml

    if file is None:
        return
    if not file:
        _write(state, kept, b"", option)
        return
    try:
        data = Path(file).read_bytes()
        check(yaml.safe_load(data))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Refusal(f"{option} {file}: {' '.join(str(reason).split())}") from None
    _write(state, kept, data, option)


def _write(state: "State", kept: Path, data: bytes, option: str) -> None:
    from podling.files import write_atomically

    if data == (kept.read_bytes() if kept.exists() else b""):
        return
    if state.is_running and not (data and kept == state.encryption and kept.exists()):
        raise Refusal(f"{option}: cluster {state.name} runs already; `podling down --name {state.name}` first")
    if not data:
        kept.unlink()
        return
    state.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(kept, data, mode=0o600)
