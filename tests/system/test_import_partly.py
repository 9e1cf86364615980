"""A run of which a gateway recorded the middle, in one boot of both pods: before and after it come from the log."""

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from support.whole_gateway import runner_signals

from evenstride_analysis.model import Side
from evenstride_gateway.air import Mode
from evenstride_gateway.app import running, wire
from evenstride_gateway.config import Config
from evenstride_gateway.health import Health
from evenstride_gateway.importing.fetching import LogReader
from evenstride_gateway.importing.forming import form, settle_known, waiting_runs
from evenstride_gateway.link.backend import LinkConfig
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.results import system_error
from evenstride_gateway.store import Store
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ
from evenstride_gateway.virtual.world import World, virtual_world

T = TypeVar("T")
PART_S = 60.0


def utc_ns() -> int:
    return round((1_777_653_000 + asyncio.get_running_loop().time()) * 1e9)


async def record(store: Store, world: World) -> str:
    """A session of a gateway; returns its id."""
    async with BleSource(world.backend, config=LinkConfig(utc_ns=utc_ns), rng=random.Random(1)) as source:
        gateway = wire(store=store, source=source, config=Config(), sides=world.sides, version="test", health=Health())
        async with running(gateway):
            session_id = await gateway.sessions.start_when_streaming("Ada", pods=2, stop=asyncio.Event())
            await asyncio.sleep(PART_S)
            await gateway.sessions.stop()
    assert session_id is not None
    return session_id


async def fetch(store: Store, world: World) -> None:
    async def call(work: Callable[[Store], T]) -> T:
        return work(store)

    async def take() -> None:
        async for item in source:
            reader.take(item)

    config = LinkConfig(mode=Mode.SQUAD, watchdog_s=12.0, utc_ns=utc_ns)
    async with BleSource(world.backend, config=config, rng=random.Random(2)) as source:
        reader = LogReader(source, call, utc_ns=utc_ns)
        taking = asyncio.create_task(take())
        for pod_id in await reader.gather(20.0, wanted=list(world.sides)):
            log = await reader.look(pod_id)
            await reader.fetch_records(pod_id, log, lambda _done, _total: None)
        taking.cancel()


def test_what_a_gateway_recorded_of_a_boot_comes_once_and_the_rest_is_imported(tmp_path: Path) -> None:
    async def scenario() -> None:
        with Store.open(tmp_path) as store:
            async with virtual_world(runner_signals(), records=True) as world:
                await asyncio.sleep(PART_S)
                recorded = await record(store, world)
                await asyncio.sleep(PART_S)
                await fetch(store, world)
            live = store.strides(recorded)
            assert settle_known(store) >= len(live) - 4
            runs = waiting_runs(store, world.sides, now_s=utc_ns() / 1e9)
            assert [set(run.found.legs) for run in runs] == 2 * [set(Side)]
            system = system_error(Config().symmetry)
            made = [form(store, run, runner_id="ada", system=system) for run in runs]
            assert [(one.lost, store.gaps(one.session_id)) for one in made] == 2 * [(0, [])]
            for pod_id in world.sides:
                of_pod = [
                    [s.stride for s in store.strides(session_id) if s.stride.pod_id == pod_id]
                    for session_id in (made[0].session_id, recorded, made[1].session_id)
                ]
                assert all(len(strides) > 60 for strides in of_pod)
                strikes = [stride.strike_index for strides in of_pod for stride in strides]
                steps = [b - a for a, b in pairwise(strikes)]
                assert min(steps) > 200  # of samples: none comes twice, and the three parts are in order
                usual = sorted(steps)[len(steps) // 2]
                # Where the recording starts anew its runner stands for some seconds; nowhere else is a stride missing.
                holes = [strike for strike, step in zip(strikes, steps, strict=False) if step > 1.5 * usual]
                seams = [n * PART_S * NOMINAL_RATE_HZ for n in (1, 2)]
                assert len(holes) == len(seams)
                assert all(0 < seam - hole < 2 * usual for hole, seam in zip(holes, seams, strict=True))

    run_virtual(scenario())
