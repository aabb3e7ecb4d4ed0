"""gRPC `Explain`: the cycle run for the curious, with every verdict, and nothing placed."""

import grpc

from podling.pb.scheduler import scheduler_pb2 as pb
from podling.pb.scheduler.scheduler_pb2_grpc import SchedulerServicer
from scheduler.cache import Cache
from scheduler.cycle import Placement, Verdict, place
from scheduler.plugins import FILTERS
from scheduler.pod_info import PodInfo
from scheduler.scheduler import Scheduler


class ExplainServicer(SchedulerServicer):
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def Explain(self, request: pb.ExplainRequest, context: grpc.aio.ServicerContext) -> pb.ExplainReply:
        key = f"{request.namespace or 'default'}/{request.pod}"
        pod = self._scheduler.pods.get(key)
        if pod is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f'pods "{request.pod}" not found')
        placement = explained(PodInfo(pod), self._scheduler.cache)
        return pb.ExplainReply(message=placement.message, nodes=[_verdict(verdict) for verdict in placement.verdicts])


def explained(pod: PodInfo, cache: Cache) -> Placement:
    """As if it were not placed yet: a pod is not in its own way."""
    with cache.without(pod.uid):
        return place(pod, cache.snapshot)


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
