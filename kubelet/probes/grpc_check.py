"""Asks a pod's gRPC server for its health, as `grpc.health.v1` has it. Source: k8s.io/kubernetes/pkg/probe/grpc."""

from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kubelet.probes.probes import Answer, Outcome

AGENT = "kube-probe/1.36"
# Connections are not shared: one that was refused would hold back the next probe.
OPTIONS = [("grpc.primary_user_agent", AGENT), ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]


async def check(ip: str, given: Any, timeout: float) -> Answer:
    """`timeout` in seconds."""
    address, within = f"{ip}:{given.port}", f"within {timeout:g}s"
    request = health_pb2.HealthCheckRequest(service=given.service or "")
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            return Answer(Outcome.FAILURE, _why(error, address, within))
    if answer.status == health_pb2.HealthCheckResponse.SERVING:
        return Answer(Outcome.SUCCESS)
    word = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return Answer(Outcome.FAILURE, f'service unhealthy (responded with "{word}")')


def _why(error: grpc.aio.AioRpcError, address: str, within: str) -> str:
    code, details = error.code(), error.details()
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return f"error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {details}"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"timeout: health rpc did not complete {within}"
    if code is grpc.StatusCode.UNAVAILABLE:
        why = f"transport: Error while dialing: dial tcp {address}: connect: {_reason(details)}"
        return f'timeout: failed to connect service "{address}" {within}: connection error: desc = "{why}"'
    return f"error: health rpc probe failed: {details}"


def _reason(details: str | None) -> str:
    text = (details or "").lower()
    return "connection refused" if "connection refused" in text else text.split(": ")[-1]
