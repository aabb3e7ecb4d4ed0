"""What a kubelet is told of its node: a KubeletConfiguration, with Kubernetes' names, values and defaults. Pure.

    apiVersion: kubelet.config.k8s.io/v1beta1
    kind: KubeletConfiguration
    staticPodPath: /etc/podling/manifests
    evictionHard: {memory.available: 200Mi, nodefs.available: 5%}
    systemReserved: {cpu: 500m, memory: 512Mi}
    shutdownGracePeriod: 30s

A field that podling does not honour is refused, never ignored. Source: k8s.io/kubelet/config/v1beta1/types.go.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from kubelet.images.gc import Policy
from kubelet.logs.rotation import LogRotation
from kubelet.node.thresholds import Threshold, ThresholdError, parse_thresholds
from podling.api.quantity import QuantityError, parse

RESERVABLE = ("cpu", "memory", "ephemeral-storage", "pid")
EVICTION_HARD = {"memory.available": "100Mi"}  # of disks none: docs/decisions/0016-node-work.md
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class ConfigurationError(ValueError):
    """The configuration cannot be used; the message says what is wrong with it."""


class ShutdownGracePeriodByPodPriority(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    priority: int
    shutdown_grace_period_seconds: int


class Configuration(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Durations are text as Go writes them (`1m30s`); `seconds` reads them."""

    api_version: Literal["kubelet.config.k8s.io/v1beta1"] = "kubelet.config.k8s.io/v1beta1"
    kind: Literal["KubeletConfiguration"] = "KubeletConfiguration"
    static_pod_path: str = ""
    static_pod_url: str = msgspec.field(name="staticPodURL", default="")
    static_pod_url_header: Mapping[str, Sequence[str]] = msgspec.field(name="staticPodURLHeader", default_factory=dict)
    file_check_frequency: str = "1s"
    http_check_frequency: str = "20s"
    max_pods: int = 110
    system_reserved: Mapping[str, str] = msgspec.field(default_factory=dict)
    kube_reserved: Mapping[str, str] = msgspec.field(default_factory=dict)
    eviction_hard: Mapping[str, str] = msgspec.field(default_factory=lambda: dict(EVICTION_HARD))
    eviction_soft: Mapping[str, str] = msgspec.field(default_factory=dict)
    eviction_soft_grace_period: Mapping[str, str] = msgspec.field(default_factory=dict)
    eviction_minimum_reclaim: Mapping[str, str] = msgspec.field(default_factory=dict)
    eviction_pressure_transition_period: str = "5m"
    eviction_max_pod_grace_period: int = 0
    shutdown_grace_period: str = "0s"
    shutdown_grace_period_critical_pods: str = "0s"
    shutdown_grace_period_by_pod_priority: Sequence[ShutdownGracePeriodByPodPriority] = ()
    serialize_image_pulls: bool = False
    max_parallel_image_pulls: int = 5
    image_gc_high_threshold_percent: int = msgspec.field(name="imageGCHighThresholdPercent", default=85)
    image_gc_low_threshold_percent: int = msgspec.field(name="imageGCLowThresholdPercent", default=80)
    image_minimum_gc_age: str = msgspec.field(name="imageMinimumGCAge", default="2m")
    image_maximum_gc_age: str = msgspec.field(name="imageMaximumGCAge", default="0s")
    container_log_max_size: str = "10Mi"
    container_log_max_files: int = 5
    seccomp_default: bool = False
    allowed_unsafe_sysctls: Sequence[str] = ()

    @property
    def thresholds(self) -> Sequence[Threshold]:
        periods = {signal: seconds(text) for signal, text in self.eviction_soft_grace_period.items()}
        return parse_thresholds(self.eviction_hard, self.eviction_soft, periods, self.eviction_minimum_reclaim)

    @property
    def image_policy(self) -> Policy:
        ages = seconds(self.image_minimum_gc_age), seconds(self.image_maximum_gc_age)
        return Policy(self.image_gc_high_threshold_percent, self.image_gc_low_threshold_percent, *ages)

    @property
    def image_pulls(self) -> int:
        """How many at once."""
        return 1 if self.serialize_image_pulls else self.max_parallel_image_pulls

    @property
    def log_rotation(self) -> LogRotation:
        return LogRotation(parse(self.container_log_max_size).value, self.container_log_max_files)


DEFAULTS = Configuration()


def configuration(data: Any) -> Configuration:
    """From JSON data, checked. Errors: ConfigurationError."""
    try:
        found = msgspec.convert(data or {}, Configuration)
        _check(found)
    except msgspec.ValidationError as error:
        text = re.sub(r"Object contains unknown field `(.*?)`", r'podling does not honour the field "\1"', str(error))
        raise ConfigurationError(text) from None
    except (ThresholdError, QuantityError) as error:
        raise ConfigurationError(str(error)) from None
    return found


def _check(found: Configuration) -> None:
    _ = found.thresholds
    for name in ("file_check_frequency", "http_check_frequency"):
        if seconds(getattr(found, name)) <= 0:
            raise ConfigurationError(f"{name.replace('_', ' ')} must be positive")
    seconds(found.eviction_pressure_transition_period)
    whole, critical = (seconds(found.shutdown_grace_period), seconds(found.shutdown_grace_period_critical_pods))
    if critical > whole:
        raise ConfigurationError("shutdownGracePeriod must be at least shutdownGracePeriodCriticalPods")
    if found.max_pods < 0 or found.eviction_max_pod_grace_period < 0:
        raise ConfigurationError("maxPods and evictionMaxPodGracePeriod must not be negative")
    if found.shutdown_grace_period_by_pod_priority and whole:
        raise ConfigurationError("shutdownGracePeriodByPodPriority and shutdownGracePeriod exclude each other")
    _check_images_and_logs(found)
    for reserved in (found.system_reserved, found.kube_reserved):
        for name, text in reserved.items():
            if name not in RESERVABLE and not name.startswith("hugepages-"):
                raise ConfigurationError(f'cannot reserve "{name}" resource')
            if parse(text).nanos < 0:
                raise ConfigurationError(f"resource quantity for {name} cannot be negative: {text}")


def _check_images_and_logs(found: Configuration) -> None:
    policy, rotation = found.image_policy, found.log_rotation
    for name, percent in (("High", policy.high_percent), ("Low", policy.low_percent)):
        if not 0 <= percent <= 100:
            raise ConfigurationError(f"imageGC{name}ThresholdPercent must be between 0 and 100, inclusive: {percent}")
    if policy.low_percent >= policy.high_percent:
        raise ConfigurationError("imageGCLowThresholdPercent must be less than imageGCHighThresholdPercent")
    if policy.maximum_age_seconds and policy.maximum_age_seconds <= policy.minimum_age_seconds:
        raise ConfigurationError("imageMaximumGCAge must be greater than imageMinimumGCAge")
    if found.max_parallel_image_pulls < 1:
        raise ConfigurationError("maxParallelImagePulls must be a positive number")
    if rotation.max_bytes <= 0 or rotation.max_files <= 1:
        raise ConfigurationError("containerLogMaxSize must be positive, containerLogMaxFiles must be greater than 1")


def seconds(duration: str) -> float:
    """A duration as Go writes it: `300ms`, `1h30m`. Errors: ConfigurationError."""
    parts = _PART.findall(duration)
    if duration == "0":
        return 0.0
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ConfigurationError(f'invalid duration "{duration}": it is written like 30s, 1m30s or 2h')
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
