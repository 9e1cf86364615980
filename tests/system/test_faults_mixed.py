"""Faults in random order, and sessions that follow each other closely: the books balance all the same."""

import asyncio
import random
from pathlib import Path

import pytest
from support.whole_gateway import Run, balanced, complete, play, started

from evenstride_analysis.model import LossCause
from evenstride_gateway.virtual.pod import VirtualPod
from evenstride_gateway.virtual.radio import RadioLink


async def bad_luck(run: Run, pod: VirtualPod, rng: random.Random, *, until_s: float) -> None:
    """One fault after the other for one pod."""
    loop = asyncio.get_running_loop()
    while loop.time() < until_s:
        await run.play(rng.uniform(0.05, 6))
        match rng.choice(["away", "away", "stall", "polite", "power", "power away"]):
            case "away":
                run.away(pod)
                await run.play(rng.choice([0.3, 1.9, 2.1, rng.uniform(2, 9)]))
                run.away(pod, False)
            case "stall":
                run.stall(pod, rng.uniform(0.1, 1.8))
            case "polite":
                await pod.disconnect()
            case "power":
                pod.power_cut()
                await run.play(rng.uniform(0, 4))
                await pod.reboot()
            case _:
                run.away(pod)
                await run.play(rng.uniform(0, 3))
                pod.power_cut()
                run.away(pod, False)
                await pod.reboot()


@pytest.mark.parametrize("seed", [2, 4, 9])  # the ring holds all, all, and one second
def test_faults_in_any_order(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    flash_s = rng.choice([None, 1.0, 8.0])

    async def scenario() -> None:
        async with started(
            tmp_path, link=RadioLink(event_loss=rng.choice([0.0, 0.2]), seed=seed), flash_s=flash_s
        ) as run:
            until_s = asyncio.get_running_loop().time() + 40
            async with asyncio.TaskGroup() as tasks:
                for pod in run.world.pods.values():
                    tasks.create_task(bad_luck(run, pod, random.Random(rng.random()), until_s=until_s))
            await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))
            await run.play(5)  # a pod that was cut at the last moment is missed after two seconds
            books = await run.stop()
            balanced(books, boots=len(books.accounts))
            assert books.lost(LossCause.HOST) == 0
            for pod in run.world.pods.values():
                met = {boot for pod_id, boot in books.accounts if pod_id == pod.pod_id}
                in_flash = {entry.boot_id for entry in pod.core.flash.raw.ranges()}
                assert in_flash | {1, max(pod.core.truth)} <= met <= pod.core.truth.keys()

    play(scenario())


def test_a_stop_in_the_middle_of_a_backfill_and_the_next_session(tmp_path: Path) -> None:
    """The first session ends without all of it; what comes for it later is not counted in the second."""

    async def scenario() -> None:
        link = RadioLink(pdus_per_event=1)
        async with started(tmp_path, link=link) as run:
            await run.play(5)
            run.away(run.left)
            await run.play(20)
            run.away(run.left, False)
            link.event_loss = 0.5
            await run.until(lambda: run.left.core.backfilling)
            first = balanced(await run.stop())
            assert first.lost(LossCause.POD) > 0
            assert run.left.core.backfilling
            await run.start("Bo")
            link.event_loss = 0.0
            await run.play(10)
            complete(balanced(await run.stop()))

    play(scenario())
