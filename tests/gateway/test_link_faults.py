"""What a link must refuse, survive or count: protocols, short packets, strangers, twins, floods; stopping anywhere."""

import asyncio
from collections.abc import Callable

import pytest
from fakes.link_world import World, pod_id, run, world

from evenstride_gateway.link.backend import LinkConfig
from evenstride_gateway.link.source import LinkChange, LinkState
from evenstride_gateway.virtual.pod import Bends
from evenstride_gateway.virtual.pod_plan import PodPlan


def test_a_newer_protocol_is_refused_in_words_and_rarely_tried_again() -> None:
    async def scenario() -> None:
        async with world(2, bends={0: Bends(major=2)}) as here:
            await here.streaming(1)
            await here.until(lambda: pod_id(0) in here.source.pods)
            link = here.source.pods[pod_id(0)]
            await here.until(lambda: link.refused != "")
            assert link.refused == (f"pod {pod_id(0)} speaks protocol 2.0, this gateway 1.x: update evenstride")
            start_s = here.now()
            await here.until(lambda: here.now() > start_s + 50, within_s=51)
            assert link.connections == 1
            await here.until(lambda: link.connections == 2)
        assert here.heard.changes(LinkState.STREAMING, pod_id(0)) == []
        assert here.heard.frames(pod_id(0)) == []

    run(scenario())


@pytest.mark.parametrize("mtu", [23, 99])
def test_packets_that_are_too_short_are_refused(mtu: int) -> None:
    async def scenario() -> None:
        async with world(mtus={0: mtu}) as here:
            await here.until(lambda: any(link.refused for link in here.source.pods.values()))
            link = here.source.pods[pod_id(0)]
            assert f"packets of {mtu} bytes, 100 are needed" in link.refused
            assert link.losses == {"refused": 1}
            here.pods[0].mtu = 247
            here.pods[0].power_cut()
            await here.pods[0].reboot()
            await here.streaming(within_s=30)
            assert link.refused == ""

    run(scenario())


def test_a_shorter_packet_that_is_long_enough_streams() -> None:
    async def scenario() -> None:
        async with world(mtus={0: 120}) as here:
            await here.streaming()
            await here.until(lambda: len(here.heard.frames(pod_id(0))) > 20)
            assert here.source.pods[pod_id(0)].mtu == 120

    run(scenario())


def test_only_wanted_pods_are_connected() -> None:
    async def scenario() -> None:
        async with world(3, wanted={pod_id(1)}) as here:
            await here.streaming(1)
            await here.until(lambda: not here.source.adapters[0].scanning)
            start_s = here.now()
            await here.until(lambda: here.now() > start_s + 15)
            assert list(here.source.pods) == [pod_id(1)]
            assert [pod.connection is not None for pod in here.pods] == [False, True, False]

    run(scenario())


def test_a_rule_may_say_which_pods_are_wanted() -> None:
    async def scenario() -> None:
        async with world(2, wanted=lambda pod: pod.endswith("1")) as here:
            await here.streaming(1)
            assert list(here.source.pods) == [pod_id(1)]

    run(scenario())


def test_two_devices_with_one_chip_id_do_not_mix() -> None:
    async def scenario() -> None:
        same = {n: PodPlan(pod_id=pod_id(7)) for n in (0, 1)}
        async with world(2, plans=same) as here:
            await here.until(lambda: any("connected already" in link.refused for link in here.source.pods.values()))
            await here.until(lambda: len(here.heard.frames(pod_id(7))) > 20)
            assert sum(link.state is LinkState.STREAMING for link in here.source.pods.values()) == 1
        seqs = [frame.seq for frame in here.heard.frames(pod_id(7))]
        assert seqs == list(range(len(seqs)))

    run(scenario())


def test_more_pods_than_allowed_are_left_alone() -> None:
    async def scenario() -> None:
        async with world(3, config=LinkConfig(max_pods=2)) as here:
            await here.until(lambda: sum(p.state is LinkState.STREAMING for p in here.source.pods.values()) == 2)
            start_s = here.now()
            await here.until(lambda: here.now() > start_s + 5)
            assert len(here.source.pods) == 2
            assert not here.source.adapters[0].scanning

    run(scenario())


def test_doubled_and_lost_callbacks_pass_through_as_they_came() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.streaming()
            count = 0

            def fault(address: str, uuid: str, value: bytes) -> tuple[bytes, ...]:
                nonlocal count
                count += 1
                return () if count % 10 == 3 else (value, value) if count % 10 == 7 else (value,)

            here.central.rx_fault = fault
            await here.until(lambda: count >= 200)
            here.central.rx_fault = None
            assert here.source.pods[pod_id(0)].losses == {}
        seqs = [frame.seq for frame in here.heard.frames(pod_id(0))]
        missing = set(range(seqs[-1] + 1)) - set(seqs)
        assert 15 <= len(missing) <= 25
        assert 15 <= len(seqs) - len(set(seqs)) <= 25

    run(scenario())


def test_a_reader_who_sleeps_loses_chunks_by_count_and_no_change_of_state() -> None:
    async def scenario() -> None:
        async with world(start=False, config=LinkConfig(inbox_capacity=50)) as here, here.source as source:
            await here.streaming()
            link = source.pods[pod_id(0)]
            await here.until(lambda: link.chunks >= 200)
            assert len(source.inbox) == 50
            await source.close()
            items = [item async for item in source]
            states = [item.state for item in items if isinstance(item, LinkChange)]
            assert [state.value for state in states] == ["seen", "connecting", "checking", "streaming", "lost"]
            assert link.inbox_dropped == source.inbox.dropped == link.chunks - (len(items) - len(states))

    run(scenario())


@pytest.mark.parametrize("state", [LinkState.SEEN, LinkState.CONNECTING, LinkState.CHECKING, LinkState.STREAMING])
def test_stopping_at_any_moment_frees_the_pod(state: LinkState) -> None:
    async def scenario() -> None:
        async with world(2) as here:
            await here.until(lambda: bool(here.heard.changes(state)))
            start_s = here.now()
            await here.source.close()
            assert here.now() - start_s < 4
            await here.source.close()
        for link in here.source.pods.values():
            assert link.state in {LinkState.LOST, LinkState.SEEN}
        assert here.source.adapters[0].used == 0
        assert all(pod.connection is None for pod in here.pods)

    run(scenario())


def test_stopping_while_a_pod_is_out_of_range() -> None:
    async def scenario() -> float:
        async with world(2) as here:
            await here.streaming()
            here.away(0)
            start_s = here.now()
            await here.source.close()
            took_s = here.now() - start_s
        assert here.heard.changes(LinkState.LOST, pod_id(1))[-1].reason == "stopped"
        return took_s

    assert run(scenario()) < 4


async def fail_while_streaming(here: World) -> None:
    async with here.source:
        await here.streaming()
        raise ZeroDivisionError


def test_an_error_of_the_owner_cancels_everything() -> None:
    async def scenario() -> None:
        async with world(start=False) as here:
            with pytest.raises(ZeroDivisionError):
                await fail_while_streaming(here)
            start_s = here.now()
            await here.until(lambda: here.now() > start_s + 3)
            assert here.pods[0].connection is None
            assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("scan", "pod C0"))]

    run(scenario())


def test_the_delay_grows_and_is_forgotten_after_ten_seconds_of_data() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.streaming()

            async def again(after: Callable[[], bool]) -> float:
                await here.until(after)
                await here.pods[0].disconnect()
                await here.lost(0)
                return await here.streaming()

            quick = [await again(lambda: True) for _ in range(6)]
            start_s = here.now()
            calm = await again(lambda: here.now() > start_s + 11)
            assert max(quick) > 1.0
            assert calm < 1.0

    run(scenario())
