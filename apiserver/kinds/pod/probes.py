"""Probes and lifecycle hooks: what the kubelet does to a container from outside.

Source: kubernetes/pkg/apis/core/validation.validateProbe, validateHandler, validateLifecycle.
"""

from apiserver.kinds import names
from apiserver.kinds.fraction import validate_not_negative
from apiserver.kinds.kind import Object
from apiserver.kinds.pod.ports import port_or_name
from podling.api import field
from podling.api.field import ErrorList, Path

SCHEMES = ("HTTP", "HTTPS")
COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def validate_probe(probe: Object | None, path: Path, grace_seconds: int, *, once: bool) -> ErrorList:
    """`once`: a single success is all that counts (liveness, startup)."""
    if probe is None:
        return []
    errors = _handler(probe, path, grace_seconds)
    for name in COUNTS:
        errors += validate_not_negative(probe.get(name), path.child(name))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        errors.append(field.invalid(path.child("terminationGracePeriodSeconds"), grace, "must be greater than 0"))
    if once and probe.get("successThreshold", 1) != 1:
        errors.append(field.invalid(path.child("successThreshold"), probe.get("successThreshold", 0), "must be 1"))
    if not once and grace is not None:
        words = "must not be set for readinessProbes"
        errors.append(field.invalid(path.child("terminationGracePeriodSeconds"), grace, words))
    return errors


def validate_lifecycle(lifecycle: Object, path: Path, grace_seconds: int, os_name: str) -> ErrorList:
    errors: ErrorList = []
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            errors += _handler(lifecycle[hook], path.child(hook), grace_seconds)
    if (signal := lifecycle.get("stopSignal")) is not None:
        errors += _stop_signal(signal, path.child("stopSignal"), os_name)
    return errors


def _stop_signal(signal: str, path: Path, os_name: str) -> ErrorList:
    """Which signals there are depends on the operating system, which must then be named."""
    if os_name == "windows":
        known: tuple[str, ...] = ("SIGKILL", "SIGTERM")
    else:
        known = SIGNALS
    return [] if signal in known else [field.not_supported(path, signal, known)]


SIGNALS = tuple(
    sorted(
        (
            *("SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT"),
            *("SIGIO", "SIGIOT", "SIGKILL", "SIGPIPE", "SIGPOLL", "SIGPROF", "SIGPWR", "SIGQUIT", "SIGSEGV"),
            *("SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG"),
            *("SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ"),
            *("SIGRTMIN", *(f"SIGRTMIN+{each}" for each in range(1, 16))),
            *("SIGRTMAX", *(f"SIGRTMAX-{each}" for each in range(1, 15))),
        )
    )
)


def _handler(handler: Object, path: Path, grace_seconds: int) -> ErrorList:
    """Exactly one way to ask."""
    errors: ErrorList = []
    found = 0
    for name in ("exec", "httpGet", "tcpSocket", "grpc", "sleep"):
        action = handler.get(name)
        if action is None:
            continue
        found += 1
        here = path.child(name)
        if found > 1:
            errors.append(field.forbidden(here, "may not specify more than 1 handler type"))
        elif name == "exec":
            errors += [] if action.get("command") else [field.required(here.child("command"))]
        elif name == "httpGet":
            errors += _http(action, here)
        elif name == "sleep":
            errors += _sleep(action.get("seconds", 0), here, grace_seconds)
        else:
            errors += port_or_name(action.get("port", 0), here.child("port"))
    return errors if found else [field.required(path, "must specify a handler type")]


def _sleep(seconds: int, path: Path, grace_seconds: int) -> ErrorList:
    if 0 <= seconds <= grace_seconds:
        return []
    words = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_seconds})"
    return [field.invalid(path, seconds, words)]


def _http(action: Object, path: Path) -> ErrorList:
    errors = [] if action.get("path") else [field.required(path.child("path"))]
    errors += port_or_name(action.get("port", 0), path.child("port"))
    scheme = action.get("scheme", "")
    if scheme not in SCHEMES:
        errors.append(field.not_supported(path.child("scheme"), scheme, SCHEMES))
    for header in action.get("httpHeaders") or ():
        name = header.get("name", "")
        errors += names.each(path.child("httpHeaders"), name, names.http_header(name))
    return errors
