"""`podling why POD`: where the scheduler would put a pod, or what keeps it from every node."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from podling.cli.options import DEFAULT_NAME, Name
from podling.cli.refusal import Refusal

if TYPE_CHECKING:
    from podling.pb.scheduler.scheduler_pb2 import ExplainReply
    from podling.state import State

SECONDS = 5.0


def why(
    pod: Annotated[str, typer.Argument(help="The pod's name.")],
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="The pod's namespace.")] = "default",
    name: Name = DEFAULT_NAME,
) -> None:
    """Ask the scheduler about a pod: every node, every rule, and what it says. Nothing is placed by asking."""
    from podling.state import State

    reply = _explain(State(name), namespace, pod)
    print(reply.message)
    for node in reply.nodes:
        _show(node)


def _explain(state: "State", namespace: str, pod: str) -> "ExplainReply":
    import grpc

    from podling.pb.scheduler.scheduler_pb2 import ExplainRequest
    from podling.pb.scheduler.scheduler_pb2_grpc import SchedulerStub
    from podling.state import StateError

    try:
        port = state.load().ports["scheduler-grpc"]
        files = [(state.pki / file).read_bytes() for file in ("ca.crt", "admin.key", "admin.crt")]
    except (StateError, OSError) as error:
        raise Refusal(str(error)) from None
    with grpc.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(*files)) as channel:
        try:
            reply: ExplainReply = SchedulerStub(channel).Explain(
                ExplainRequest(namespace=namespace, pod=pod), timeout=SECONDS
            )
        except grpc.RpcError as error:
            told = error.code()
            if told is grpc.StatusCode.NOT_FOUND:
                raise Refusal(str(error.details())) from None
            raise Refusal(f"the scheduler does not answer ({told.name}); see `podling status`") from None
    return reply


def _show(node: Any) -> None:
    if node.fits:
        scores = "  ".join(f"{score.scorer} {score.score} x {score.weight}" for score in node.scores)
        print(f"✓ {node.node}  {node.total} points  {scores}")
        return
    refused = node.filters[-1]
    print(f"✗ {node.node}  {refused.filter}: {', '.join(refused.reasons)}")
