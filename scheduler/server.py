"""gRPC `Explain`: the cycle run for the curious, with every verdict, and nothing placed."""

import grpc

from podling.pb.scheduler import scheduler_pb2 as pb
from podling.pb.scheduler.scheduler_pb2_grpc import SchedulerServicer
from scheduler.cycle import Verdict, place
from scheduler.scheduler import Scheduler


class ExplainServicer(SchedulerServicer):
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def Explain(self, request: pb.ExplainRequest, context: grpc.aio.ServicerContext) -> pb.ExplainReply:
        key = f"{request.namespace or 'default'}/{request.pod}"
        pod = self._scheduler.pods.get(key)
        if pod is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f'pods "{request.pod}" not found')
        placement = place(pod, self._scheduler.cache.nodes())
        return pb.ExplainReply(message=placement.message, nodes=[_verdict(verdict) for verdict in placement.verdicts])


def _verdict(verdict: Verdict) -> pb.NodeVerdict:
    filters = [
        pb.FilterVerdict(filter=said.name, passed=not said.reasons, reasons=said.reasons) for said in verdict.filters
    ]
    scores = [pb.Score(scorer=said.name, score=said.score, weight=said.weight) for said in verdict.scores]
    return pb.NodeVerdict(node=verdict.node, fits=verdict.fits, filters=filters, scores=scores, total=verdict.total)
