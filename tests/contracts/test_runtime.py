"""The contract of `kubelet.runtime.Runtime`, over the runtime in memory and over Docker."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from kubelet.cgroups.limits import Limits, PodLimits
from kubelet.docker.cleanup import remove_cluster
from kubelet.runtime import ContainerError, PodRef, SandboxSeen, State
from tests.contracts.runtimes import (
    BUSYBOX,
    FAIL,
    FOREVER,
    POLITE,
    SUCCEED,
    Bench,
    DockerBench,
    MemoryBench,
    answer_is,
    import_busybox,
    new_cluster,
    new_pod,
    sandbox,
    until,
    why_no_docker,
    why_no_ptp,
)


@pytest.fixture(scope="module")
def clusters() -> Iterator[dict[str, str]]:
    """A cluster a network, each gone with all that it has at the end."""
    made = {network: new_cluster(network) for network in ("ptp", "docker network")}
    yield made
    if not why_no_docker():
        for cluster in made.values():
            remove_cluster(cluster)


@pytest.fixture(params=["memory", "ptp", "docker network"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path, clusters: dict[str, str]) -> AsyncIterator[Bench]:
    if request.param == "memory":
        made: Bench = MemoryBench()
    else:
        if reason := why_no_ptp() if request.param == "ptp" else why_no_docker():
            pytest.skip(reason)
        import_busybox()
        made = DockerBench(tmp_path, request.param, clusters[request.param])
    yield made
    await made.close()


@pytest.fixture
def pod() -> PodRef:
    return new_pod()


@pytest.fixture
async def box(bench: Bench, pod: PodRef) -> SandboxSeen:
    return await bench.runtime.start_sandbox(sandbox(pod))


async def test_a_started_sandbox_is_ready_with_an_address(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    assert box.ready and box.ip and box.attempt == 0
    seen = await bench.runtime.pod(pod.uid)
    assert seen is not None and seen.ref == pod
    assert list(seen.sandboxes) == [box] and not seen.containers
    assert (await bench.runtime.pods())[pod.uid] == seen


async def test_starting_a_sandbox_twice_adopts_it(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    assert await bench.runtime.start_sandbox(sandbox(pod)) == box


async def test_a_handler_that_the_engine_does_not_know_is_refused(bench: Bench, pod: PodRef) -> None:
    with pytest.raises(ContainerError) as caught:
        await bench.runtime.start_sandbox(sandbox(pod, runtime="nope"))
    assert caught.value.reason == "CreatePodSandboxError"
    assert 'failed to get sandbox runtime: no runtime for "nope" is configured' in caught.value.message
    assert await bench.runtime.pod(pod.uid) is None
    assert (await bench.runtime.start_sandbox(sandbox(pod, runtime="runc"))).ready


async def test_two_pods_have_two_addresses(bench: Bench, box: SandboxSeen) -> None:
    other = await bench.runtime.start_sandbox(sandbox(new_pod("db")))
    assert other.ip != box.ip


async def test_a_started_container_runs_with_what_it_was_started_with(
    bench: Bench, pod: PodRef, box: SandboxSeen
) -> None:
    id = await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER, spec_hash="h1"))
    seen = await bench.seen(pod, "app")
    assert seen is not None and seen.id == id and seen.state is State.RUNNING
    assert (seen.attempt, seen.image, seen.spec_hash, seen.sandbox_id) == (0, BUSYBOX, "h1", box.id)
    assert seen.started_at is not None and seen.started_at.tzinfo is not None
    assert seen.image_id


async def test_starting_a_container_twice_adopts_it(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    wanted = bench.member(pod, "app", FOREVER)
    first = await bench.runtime.start_container(box.id, wanted)
    assert await bench.runtime.start_container(box.id, wanted) == first


async def test_starting_what_has_ended_does_not_run_it_again(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    wanted = bench.member(pod, "app", SUCCEED)
    first = await bench.runtime.start_container(box.id, wanted)
    ended = await bench.ended(pod, "app")
    assert await bench.runtime.start_container(box.id, wanted) == first
    assert (await bench.ended(pod, "app")).finished_at == ended.finished_at


@pytest.mark.parametrize(("does", "code"), [(SUCCEED, 0), (FAIL, 3)])
async def test_an_exit_code_is_seen(
    bench: Bench, pod: PodRef, box: SandboxSeen, does: tuple[str, object], code: int
) -> None:
    await bench.runtime.start_container(box.id, bench.member(pod, "app", does))  # type: ignore[arg-type]
    ended = await bench.ended(pod, "app")
    assert ended.exit_code == code and not ended.oom_killed
    assert ended.started_at and ended.finished_at and ended.finished_at >= ended.started_at


async def test_a_command_that_cannot_be_started_says_why_and_stays_to_be_seen(
    bench: Bench, pod: PodRef, box: SandboxSeen
) -> None:
    from dataclasses import replace

    from kubelet.fake import Program

    why = 'exec: "nope": executable file not found in $PATH'
    wanted = bench.member(pod, "app", ("", Program(refuses=why)))
    if bench.real:
        wanted = replace(wanted, command=["nope"])
    for _ in range(2):
        with pytest.raises(ContainerError) as caught:
            await bench.runtime.start_container(box.id, wanted)
        assert caught.value.reason == "RunContainerError" and why in caught.value.message
        if not bench.real:
            break  # the runtime in memory starts it again
    seen = await bench.seen(pod, "app")
    assert seen is not None and seen.state is State.CREATED and why in seen.error and seen.exit_code != 0


async def test_a_stopped_container_gets_its_signal_and_the_time_to_end(
    bench: Bench, pod: PodRef, box: SandboxSeen
) -> None:
    id = await bench.runtime.start_container(box.id, bench.member(pod, "app", POLITE))
    if isinstance(bench, DockerBench):
        await until(lambda: answer_is(lambda: bench.run(id, "cat", "/tmp/listens"), "yes"))
    async with asyncio.timeout(60):
        await bench.runtime.stop_container(id, 60)
    assert (await bench.ended(pod, "app")).exit_code == 7


async def test_a_container_that_does_not_listen_is_killed_after_the_grace_period(
    bench: Bench, pod: PodRef, box: SandboxSeen
) -> None:
    id = await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER))
    await bench.runtime.stop_container(id, 1)
    assert (await bench.ended(pod, "app")).exit_code == 137
    await bench.runtime.stop_container(id, 1)


async def test_stopping_or_removing_what_is_gone_succeeds(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    id = await bench.runtime.start_container(box.id, bench.member(pod, "app", SUCCEED))
    for _ in range(2):
        await bench.runtime.stop_container(id, 0)
        await bench.runtime.remove_container(id)
    assert await bench.seen(pod, "app") is None
    for _ in range(2):
        await bench.runtime.remove_sandbox(pod.uid, box.id)
    assert await bench.runtime.pod(pod.uid) is None
    assert pod.uid not in await bench.runtime.pods()


async def test_what_has_ended_outlives_its_sandbox_and_what_runs_does_not(
    bench: Bench, pod: PodRef, box: SandboxSeen
) -> None:
    """`kubectl logs` of a pod that is over."""
    id = await bench.runtime.start_container(box.id, bench.member(pod, "job", SUCCEED))
    ended = await bench.ended(pod, "job")
    await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER))
    await bench.runtime.remove_sandbox(pod.uid, box.id)
    seen = await bench.runtime.pod(pod.uid)
    assert seen is not None and not seen.sandboxes and list(seen.containers) == [ended]
    await bench.runtime.remove_container(id)
    assert await bench.runtime.pod(pod.uid) is None


async def test_the_newest_attempt_comes_first(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    await bench.runtime.start_container(box.id, bench.member(pod, "app", SUCCEED, attempt=0))
    await bench.ended(pod, "app", 0)
    await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER, attempt=1))
    seen = await bench.runtime.pod(pod.uid)
    assert seen is not None and [each.attempt for each in seen.containers] == [1, 0]


async def test_a_killed_pause_is_seen_as_not_ready_and_replaced_by_the_next_attempt(
    bench: Bench, pod: PodRef, box: SandboxSeen
) -> None:
    await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER))
    await bench.kill_pause(pod)

    async def dead() -> bool:
        seen = await bench.runtime.pod(pod.uid)
        return seen is not None and not seen.sandboxes[0].ready

    await until(dead)
    with pytest.raises(ContainerError):
        await bench.runtime.start_container(box.id, bench.member(pod, "late", FOREVER))
    again = await bench.runtime.start_sandbox(sandbox(pod, attempt=1))
    seen = await bench.runtime.pod(pod.uid)
    assert seen is not None and [each.attempt for each in seen.sandboxes] == [1, 0]
    assert again.ready and again.ip != box.ip


async def test_changes_begin_with_a_look_at_all_and_then_name_pods(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    async with asyncio.timeout(60), aclosing(bench.runtime.changes()) as changes:  # type: ignore[type-var]
        assert await anext(changes) == ""
        other = new_pod("db")
        await bench.runtime.start_sandbox(sandbox(other))
        assert await anext(changes) == other.uid
        await bench.runtime.start_container(box.id, bench.member(pod, "app", SUCCEED))
        while await anext(changes) != pod.uid:
            pass
        await bench.ended(pod, "app")
        await bench.runtime.remove_sandbox(other.uid, (await bench.runtime.pods())[other.uid].sandboxes[0].id)
        while await anext(changes) != other.uid:
            pass


async def test_the_engine_tells_of_its_machine(bench: Bench) -> None:
    engine = await bench.runtime.engine()
    assert engine.cpus > 0 and engine.memory_bytes > 1 << 20 and engine.version and engine.kernel
    assert engine.architecture in ("amd64", "arm64")


async def test_a_restarted_kubelet_finds_everything_by_labels(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    if not isinstance(bench, DockerBench):
        return  # the runtime in memory ends with its process
    await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER))
    before = await bench.runtime.pods()
    await bench.runtime.close()
    bench.runtime = bench.again()
    assert await bench.runtime.pods() == before
    assert await bench.runtime.start_sandbox(sandbox(pod)) == box
    other = await bench.runtime.start_sandbox(sandbox(new_pod("db")))
    assert other.ip != box.ip


async def test_a_running_container_is_limited_anew_and_what_is_not_named_stays(
    bench: Bench, pod: PodRef, box: SandboxSeen
) -> None:
    before = Limits(cpu_shares=102, cpu_quota_milli=200, memory_bytes=32 << 20)
    id = await bench.runtime.start_container(box.id, bench.member(pod, "app", FOREVER, limits=before))
    seen = await bench.seen(pod, "app")
    assert seen is not None and seen.limits == before
    await bench.runtime.limit_container(id, Limits(cpu_quota_milli=500, memory_bytes=64 << 20))
    seen = await bench.seen(pod, "app")
    assert seen is not None and seen.limits == Limits(102, 500, 64 << 20) and seen.state is State.RUNNING


async def test_limiting_what_has_ended_or_is_gone_succeeds(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    id = await bench.runtime.start_container(box.id, bench.member(pod, "app", SUCCEED))
    await bench.ended(pod, "app")
    await bench.runtime.limit_container(id, Limits(memory_bytes=64 << 20))
    await bench.runtime.remove_container(id)
    await bench.runtime.limit_container(id, Limits(memory_bytes=64 << 20))
    await bench.runtime.limit_pod(pod.uid, PodLimits(cpu_shares=2))


async def test_less_memory_than_is_in_use_is_refused(bench: Bench, pod: PodRef, box: SandboxSeen) -> None:
    if isinstance(bench, MemoryBench):
        bench.memory.memory_in_use["app"] = 100 << 20
    holds = ("dd if=/dev/zero of=/dev/shm/full bs=1M count=12; exec sleep 1000", FOREVER[1])
    id = await bench.runtime.start_container(
        box.id, bench.member(pod, "app", holds, limits=Limits(memory_bytes=64 << 20))
    )
    if isinstance(bench, DockerBench):
        docker = bench

        async def full() -> bool:
            return "12.0M" in await docker.run(id, "ls", "-lh", "/dev/shm")

        await until(full)
    with pytest.raises(ContainerError) as caught:
        await bench.runtime.limit_container(id, Limits(memory_bytes=8 << 20))
    assert caught.value.reason == "Error"
    assert 'attempting to set container "app" memory limit (8388608) below current usage (' in caught.value.message
    seen = await bench.seen(pod, "app")
    assert seen is not None and seen.state is State.RUNNING
