"""What the gateway adds to the radio stack: its CPU less that of a bare bleak subscriber on the same virtual radio."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.store import Store
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.quiet import quiet_bumble
from evenstride_gateway.virtual.world import virtual_world

from .figures import Figure, spending, spread
from .material import FRAME_SAMPLES, NOMINAL_RATE_HZ, sources
from .stage import recording, subscribed, viewers

GOAL = 5.0  # percent of a core
_SIGNAL_S = 120
_WARM_S = 12.0  # after a connect the gateway pings seven times a second for ten seconds

Stage = Callable[[float, float], Coroutine[None, None, float]]  # warm-up and radio seconds -> CPU s per radio second


async def bare(warm_s: float, seconds: float) -> float:
    async with virtual_world(sources(_SIGNAL_S)) as world, subscribed(world) as heard:
        await asyncio.sleep(warm_s)
        before = heard.chunks
        with spending() as spent:
            await asyncio.sleep(seconds)
        expected = 2 * seconds * NOMINAL_RATE_HZ / FRAME_SAMPLES
        if heard.chunks - before < 0.9 * expected:
            raise RuntimeError(f"{heard.chunks - before} notifications where {expected:.0f} were expected")
        return spent.cpu_s / seconds


async def whole(warm_s: float, seconds: float) -> float:
    with TemporaryDirectory() as name, Store.open(Path(name)) as store:
        async with (
            virtual_world(sources(_SIGNAL_S)) as world,
            recording(BleSource(world.backend), world.sides, store, pods=2) as (host, _),
            viewers(host, 1, Path(name) / "viewers"),
        ):
            await asyncio.sleep(warm_s)
            with spending() as spent:
                await asyncio.sleep(seconds)
            return spent.cpu_s / seconds


def run(
    *, seconds: float = 60.0, rounds: int = 3, real_s: float = 20.0, real_rounds: int = 1, warm_s: float = _WARM_S
) -> list[Figure]:
    sources(_SIGNAL_S)  # made before anything is measured
    how = "CPU time of the process (all threads) per second of radio; page served, one viewer in another process"

    def virtual(stage: Stage) -> float:
        return run_virtual(stage(warm_s, seconds))

    def real(stage: Stage) -> float:
        return asyncio.run(stage(warm_s, real_s))

    with quiet_bumble():
        return [
            _compare("virtual time", virtual, rounds, f"{how}; {rounds} x {seconds:g} s, interleaved"),
            *(
                [_compare("real time", real, real_rounds, f"{how}; {real_rounds} x {real_s:g} s, interleaved")]
                if real_rounds
                else []
            ),
        ]


def _compare(name: str, measure: Callable[[Stage], float], rounds: int, how: str) -> Figure:
    pairs = [(measure(bare), measure(whole)) for _ in range(rounds)]
    added = [100 * (with_it - without) for without, with_it in pairs]
    without, with_it = (100 * median(pair[k] for pair in pairs) for k in (0, 1))
    return Figure(
        what=f"gateway with two pods, above a bare bleak subscriber, {name}",
        goal=f"<= {GOAL:g} % of a core",
        measured=f"{spread(added, 2, '%')}; subscriber {without:.1f} %, gateway {with_it:.1f} %",
        holds=median(added) <= GOAL,
        how=how,
    )
