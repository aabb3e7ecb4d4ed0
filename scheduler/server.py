"""gRPC `Explain`: the cycle run for the curious, with every verdict, and nothing placed."""

from collections.abc import Sequence

import grpc

from podling.pb.scheduler import scheduler_pb2 as pb
from podling.pb.scheduler.scheduler_pb2_grpc import SchedulerServicer
from scheduler.cache import Cache
from scheduler.cycle import Cycle, Verdict, by_node, decide
from scheduler.plugins import FILTERS
from scheduler.pod_info import PodInfo
from scheduler.preemption import Preemption, preempt
from scheduler.scheduler import NAME, Scheduler


class ExplainServicer(SchedulerServicer):
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def Explain(self, request: pb.ExplainRequest, context: grpc.aio.ServicerContext) -> pb.ExplainReply:
        key = f"{request.namespace or 'default'}/{request.pod}"
        pod = self._scheduler.pods.get(key)
        if pod is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f'pods "{request.pod}" not found')
        message, verdicts = explained(PodInfo(pod), self._scheduler.cache)
        return pb.ExplainReply(message=message, nodes=[_verdict(verdict) for verdict in verdicts])


def explained(pod: PodInfo, cache: Cache) -> tuple[str, Sequence[Verdict]]:
    """As if it were not placed yet: a pod is not in its own way."""
    with cache.without(pod.uid):
        cycle = Cycle(pod, cache.snapshot)
        placement = decide(cycle)
        message = held_back(pod) or placement.message
        if not placement.node and placement.verdicts:
            message += f" preemption: {_preemption(preempt(cycle, by_node(placement)))}"
        return message, placement.verdicts


def held_back(pod: PodInfo) -> str:
    """What keeps the pod from being looked at, whatever nodes there are."""
    spec = pod.pod.spec
    if spec.schedulingGates:
        return f"held back by scheduling gates: {', '.join(gate.name for gate in spec.schedulingGates)}."
    if (spec.schedulerName or NAME) != NAME:
        return f"left to the scheduler {spec.schedulerName}."
    return ""


def _preemption(found: Preemption) -> str:
    if not found.node:
        return found.message
    victims = ", ".join(f"{victim.namespace}/{victim.pod.metadata.name}" for victim in found.victims)
    return f"{victims} would leave {found.node} for it."


def _verdict(verdict: Verdict) -> pb.NodeVerdict:
    filters = []
    for filter_ in FILTERS:
        refused = verdict.refused if verdict.refused and verdict.refused.filter == filter_.name else None
        reasons = [*refused.reasons, *([refused.detail] if refused.detail else ())] if refused else []
        filters.append(pb.FilterVerdict(filter=filter_.name, passed=not reasons, reasons=reasons))
        if reasons:
            break
    scores = [pb.Score(scorer=said.name, score=said.score, weight=said.weight) for said in verdict.scores]
    fits = verdict.refused is None
    return pb.NodeVerdict(node=verdict.node, fits=fits, filters=filters, scores=scores, total=verdict.total)
