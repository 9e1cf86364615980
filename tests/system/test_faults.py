"""Every fault of a radio day through the whole gateway, in virtual time; after each the books balance to the sample.

taken = stored + dropped by the pod and never backfilled + lost by the host + died in the pod's memory. The sums and
the comparison of each cause with the simulator's truth are in support/whole_gateway.py.
"""

import asyncio
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.whole_gateway import Run, balanced, complete, gateway_run, play, started

from evenstride_analysis.model import LossCause, Side
from evenstride_gateway.air.uuids import DATA_UUID
from evenstride_gateway.virtual.pod_plan import PodPlan
from evenstride_gateway.virtual.radio import RadioLink
from evenstride_gateway.virtual.world import POD_IDS

TOO_SMALL_S = 2.0  # of flash: holds less than an absence


@pytest.mark.parametrize("flash_s", [None, TOO_SMALL_S])
def test_out_of_range_for_less_than_the_supervision_timeout(tmp_path: Path, flash_s: float | None) -> None:
    async def scenario() -> None:
        async with started(tmp_path, flash_s=flash_s) as run:
            await run.play(8)
            run.away(run.left)
            await run.play(1.2)
            run.away(run.left, False)
            await run.play(8)
            assert run.left.disconnections == 0
            complete(balanced(await run.stop()))  # the pod's queue holds two seconds

    play(scenario())


@pytest.mark.parametrize("away_s", [3.0, 12.0])
def test_out_of_range_is_backfilled(tmp_path: Path, away_s: float) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(6)
            run.away(run.left)
            await run.play(away_s)
            assert not run.streams(run.left)
            assert run.streams(run.right)
            run.away(run.left, False)
            await run.play(26)  # long enough that the hole is run again during the session
            books = balanced(await run.stop())
            complete(books)
            assert run.left.core.truth[1].dropped
            assert len(books.live) >= len(books.final) - 6

    play(scenario())


@pytest.mark.parametrize("away_s", [3.0, 12.0])
def test_out_of_range_for_longer_than_the_flash_holds(tmp_path: Path, away_s: float) -> None:
    async def scenario() -> None:
        async with started(tmp_path, flash_s=TOO_SMALL_S) as run:
            await run.play(6)
            run.away(run.left)
            await run.play(away_s)
            run.away(run.left, False)
            await run.play(10)
            books = balanced(await run.stop())
            (left,), (right,) = books.of(run.left), books.of(run.right)
            assert right.stored == right.taken
            assert 0 < left.dropped < 416 * away_s
            assert left.host_lost == 0

    play(scenario())


def test_an_absence_longer_than_one_backfill_and_than_the_flash(tmp_path: Path) -> None:
    """The first range that is asked for would not be in the log at all."""

    async def scenario() -> None:
        async with started(tmp_path, flash_s=15) as run:
            await run.play(6)
            run.away(run.left)
            await run.play(70)
            run.away(run.left, False)
            await run.play(10)
            (left,) = balanced(await run.stop()).of(run.left)
            assert 50 * 416 < left.dropped < 60 * 416

    play(scenario())


def test_out_of_range_when_the_session_stops(tmp_path: Path) -> None:
    """Nobody can tell what an absent pod takes: its account ends with the last sample that was heard."""

    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(10)
            run.away(run.left)
            await run.play(5)
            books = balanced(await run.stop())
            (left,), (right,) = books.of(run.left), books.of(run.right)
            assert books.gaps == []
            assert right.taken - left.taken > 4.5 * 416

    play(scenario())


def test_the_stop_meets_a_pod_that_is_away_and_not_yet_missed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(10)
            run.away(run.left)
            await run.play(0.5)
            assert run.streams(run.left)
            assert balanced(await run.stop(absent={run.left.pod_id})).gaps == []

    play(scenario())


@pytest.mark.parametrize("flash_s", [None, TOO_SMALL_S])
def test_a_power_cut_and_a_reboot(tmp_path: Path, flash_s: float | None) -> None:
    async def scenario() -> None:
        async with started(tmp_path, flash_s=flash_s) as run:
            await run.play(7.3)
            run.left.power_cut()
            await run.play(4)
            await run.left.reboot()
            await run.play(10)
            books = balanced(await run.stop(), boots=3)
            before, after = books.of(run.left)
            assert before.end_index == run.left.core.truth[1].taken
            if flash_s is None:
                assert before.dropped == after.dropped == 0
            assert after.first_index == 0  # it began during the session: all of it is asked for

    play(scenario())


def test_a_power_cut_out_of_range_kills_what_is_not_in_flash(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(8)
            run.away(run.left)
            await run.play(3.3)
            run.left.power_cut()
            await run.play(2)
            await run.left.reboot()
            run.away(run.left, False)  # a new radio at the old address
            await run.play(10)
            before, after = balanced(await run.stop(), boots=3).of(run.left)
            assert 0 < before.died <= 208  # half a second is staged at most
            assert before.dropped == after.dropped == 0

    play(scenario())


def test_a_boot_that_nobody_heard_is_fetched_all_the_same(tmp_path: Path) -> None:
    """Two power cuts in one absence: what lies between them is in the log alone."""

    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(8)
            run.away(run.left)
            await run.play(3)
            run.left.power_cut()
            await run.left.reboot()
            run.away(run.left)  # a new radio, still out of range
            await run.play(7)
            run.left.power_cut()
            await run.left.reboot()
            await run.play(12)
            books = balanced(await run.stop(), boots=4)
            _, unheard, _ = books.of(run.left)
            assert unheard.first_index == 0
            assert unheard.stored > 6 * 416
            assert unheard.stored + unheard.died == unheard.taken
            assert any(s.pod_id == run.left.pod_id and s.boot_id == 2 for s in books.final)

    play(scenario())


def test_a_polite_disconnect(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(6)
            await run.left.disconnect()
            await run.until(lambda: run.source.pods[run.left.pod_id].connections == 2, within_s=2)
            await run.play(10)
            complete(balanced(await run.stop()))

    play(scenario())


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.22, 0.25, 0.5])
def test_the_link_goes_during_log_status_or_backfill(tmp_path: Path, after_s: float) -> None:
    """Twice away; the second time so soon after the return that set-up, LOG_STATUS or the answer is cut off."""

    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(6)
            run.away(run.left)
            await run.play(4)
            run.away(run.left, False)
            await run.until(lambda: run.streams(run.left))
            await run.play(after_s)
            run.away(run.left)
            await run.play(4)
            run.away(run.left, False)
            await run.play(12)
            complete(balanced(await run.stop()))

    play(scenario())


def test_a_polite_disconnect_in_the_middle_of_a_backfill(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(3)
            run.away(run.left)
            await run.play(15)
            run.away(run.left, False)
            for _ in range(3):
                await run.until(lambda: run.left.core.backfilling)
                await run.left.disconnect()
                await run.until(lambda: not run.streams(run.left))
            await run.play(12)
            complete(balanced(await run.stop()))

    play(scenario())


def test_our_disconnect_while_the_pod_is_away(tmp_path: Path) -> None:
    """The gateway is shut down while a pod is out of range and not yet missed: it ends at once, all is stored."""

    async def scenario() -> None:
        async with started(tmp_path) as run:
            await run.play(8)
            run.away(run.left)
            await run.play(0.5)
            session_id, store, ended_s = run.session_id, run.store, asyncio.get_running_loop().time()
            await run.source.close()
            assert asyncio.get_running_loop().time() - ended_s < 5
            balanced(await run.stop(absent={run.left.pod_id, run.right.pod_id}))
            assert store.session(session_id).stopped_at is not None

    play(scenario())


def test_a_pod_that_is_absent_at_the_start_joins_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path) as run:
            run.away(run.left)
            await run.until(lambda: run.streams(run.right))
            await run.start()
            await run.play(12)
            run.away(run.left, False)
            await run.until(lambda: run.streams(run.left))
            await run.play(10)
            complete(balanced(await run.stop()))
            assert {a.side for a in run.store.assignments(run.session_id)} == set(Side)

    play(scenario())


@pytest.mark.parametrize("mtu", [23, 99])
def test_packets_that_are_too_short_are_refused_in_plain_words(tmp_path: Path, mtu: int) -> None:
    async def scenario() -> None:
        async with gateway_run(tmp_path, mtu={Side.LEFT: mtu}) as run:
            await run.until(lambda: run.streams(run.right))
            await run.start()
            await run.play(12)
            assert refusal in run.warnings_now()
            assert refusal in run.page_now()
            assert run.health_now()[run.left.pod_id]["refused"] == refusal
            complete(balanced(await run.stop(), boots=1))

    refusal = (
        f"pod {POD_IDS[Side.LEFT]}: the radio carries packets of {mtu} bytes, 100 are needed;"
        " another Bluetooth adapter may help"
    )
    play(scenario())


def test_the_shortest_packets_carry_everything(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path, mtu={Side.LEFT: 100}) as run:
            await run.play(8)
            run.away(run.left)
            await run.play(3)
            run.away(run.left, False)
            await run.play(10)
            complete(balanced(await run.stop()))

    play(scenario())


@pytest.mark.parametrize("flash_s", [None, TOO_SMALL_S])
def test_back_pressure(tmp_path: Path, flash_s: float | None) -> None:
    """A radio that loses three events in ten and carries one packet in each, and a queue of half a second."""
    plans = {side: PodPlan(pod_id=POD_IDS[side], queue_samples=208) for side in Side}

    async def scenario() -> None:
        link = RadioLink(event_loss=0.3, pdus_per_event=1)
        async with started(tmp_path, link=link, plans=plans, flash_s=flash_s) as run:
            await run.play(6)
            link.event_loss = 0.75  # now it carries less than the pods make
            await run.play(6)
            link.event_loss = 0.3
            await run.play(14)
            books = balanced(await run.stop())
            assert all(pod.core.truth[1].dropped for pod in run.world.pods.values())
            assert books.lost(LossCause.HOST) == 0
            if flash_s is None:
                complete(books)
            else:
                assert books.lost(LossCause.POD) > 0

    play(scenario())


def unreliable(run: Run, *, lost: float, doubled: float, seed: int = 5) -> None:
    """The host's own stack loses and doubles notifications on Data, as some do."""
    rng = random.Random(seed)

    def fault(_address: str, uuid: str, value: bytes) -> Iterable[bytes]:
        if uuid != DATA_UUID:
            return (value,)
        at = rng.random()
        return () if at < lost else (value, value) if at < lost + doubled else (value,)

    run.world.central.rx_fault = fault


@pytest.mark.parametrize("flash_s", [None, 0.1])
def test_lost_and_doubled_callbacks(tmp_path: Path, flash_s: float | None) -> None:
    async def scenario() -> None:
        async with started(tmp_path, flash_s=flash_s) as run:
            await run.play(4)
            unreliable(run, lost=0.03, doubled=0.03)
            await run.play(6)
            run.world.central.rx_fault = None
            await run.play(10)
            health = run.health_now()
            assert all(row["duplicates"] > 0 for row in health.values())
            books = balanced(await run.stop())
            assert books.lost(LossCause.POD) == 0
            if flash_s is None:
                complete(books)
            else:
                assert books.lost(LossCause.HOST) == sum(row["missing"]["host"] for row in health.values()) > 0

    play(scenario())


def test_callbacks_lost_at_the_very_end_are_the_hosts(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path, flash_s=0.1) as run:
            await run.play(8)
            unreliable(run, lost=1.0, doubled=0.0)
            await run.play(2)
            books = balanced(await run.stop(open_tail=18))
            assert books.lost(LossCause.HOST) > 1.5 * 2 * 416

    play(scenario())


def test_a_stall_of_the_radio(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path, flash_s=0.1) as run:
            await run.play(8)
            run.stall(run.left, 0.8)
            await run.play(8)
            complete(balanced(await run.stop()))

    play(scenario())


def test_everything_at_once(tmp_path: Path) -> None:
    """Loss of events, an absence of each pod, a power cut: the same books."""

    async def scenario() -> None:
        async with started(tmp_path, link=RadioLink(event_loss=0.1), flash_s=6) as run:
            await run.play(5)
            run.away(run.left)
            await run.play(2)
            run.right.power_cut()
            await run.play(9)
            run.away(run.left, False)
            await run.right.reboot()
            await run.play(6)
            run.away(run.right)
            run.stall(run.left, 1.0)
            await run.play(3)
            run.away(run.right, False)
            await run.play(15)
            books = balanced(await run.stop(), boots=3)
            assert books.lost(LossCause.HOST) == 0

    play(scenario())
