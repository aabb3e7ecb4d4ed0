"""Where the API server listens, and its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMPONENTS = {  # where Kubernetes has them
    "controller-manager": "https://127.0.0.1:10257/healthz",
    "scheduler": "https://127.0.0.1:10259/healthz",
}


@dataclass(frozen=True)
class Config:
    """Addresses and files. Paths are PEM files; `token_file` is Kubernetes' CSV: token,user,uid,"group1,group2"."""

    port: int
    grpc_port: int
    tls_cert: Path
    tls_key: Path
    client_ca: Path
    sa_key: Path
    sa_pub: Path
    kubelet_client_cert: Path
    kubelet_client_key: Path
    token_file: Path | None = None
    proxy_client_cert: Path | None = None  # what the API servers behind this one are shown: see aggregation/
    proxy_client_key: Path | None = None
    requestheader_client_ca: Path | None = None  # whose certificates vouch for X-Remote-User
    bind_address: str = "127.0.0.1"
    pod_address: str = ""  # of `pod_cidr`: where pods, and this machine, reach the API server beside bind_address
    pod_cidr: str = ""
    advertise_url: str = ""  # "" is https://bind_address:port
    service_cluster_ip_range: str = "10.97.0.0/16"
    allow_privileged: bool = False  # pods may ask for privileged containers
    resource_metrics: bool = False  # metrics.k8s.io is served, from what the kubelets tell
    warn_unsupported: bool = False  # of fields of pods that podling does not honour; Kubernetes has no such warnings
    policy_status: bool = False  # of validating policies, which Kubernetes' controller manager writes
    max_requests_inflight: int = 400  # with the next: the seats that priority levels share
    max_mutating_requests_inflight: int = 200
    compaction_seconds: float = 300.0  # until old revisions are forgotten; 0: they never are
    audit_policy_file: Path | None = None  # None: nothing is told
    audit_log_path: str = ""  # "-" is standard output
    audit_log_maxsize: int = 0  # megabytes; 0 is 100
    audit_log_maxbackup: int = 0  # files that were set aside; 0 keeps all
    encryption_provider_config: Path | None = None  # None: values are stored as they are
    shutdown_delay_seconds: float = 0.0  # between readyz that fails and watches that end
    components: Mapping[str, str] = field(default_factory=lambda: COMPONENTS)  # whose /healthz ComponentStatus tells
    issuer: str = "https://kubernetes.default.svc"

    @property
    def url(self) -> str:
        return self.advertise_url or f"https://{self.bind_address}:{self.port}"
