"""How a command ended, as the error channel tells it. Pure.

From v4 on it is a Status object; before, a line of text, nothing where all went well.
Source: k8s.io/kubelet/pkg/cri/streaming/remotecommand.
"""

from typing import Any

import msgspec

Status = dict[str, Any]

SUCCESS: Status = {"metadata": {}, "status": "Success"}


def exited(code: int, error: str = "") -> Status:
    """`error` says why the command could not be run at all."""
    if error:
        return failed(f"Internal error occurred: error executing command in container: {error}", "InternalError", 500)
    if code == 0:
        return SUCCESS
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: command terminated with exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failed(message: str, reason: str, code: int) -> Status:
    return {"metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code}


def encode(status: Status, protocol_version: int) -> bytes:
    if protocol_version >= 4:
        return msgspec.json.encode(status)
    return b"" if status["status"] == "Success" else str(status["message"]).encode()
