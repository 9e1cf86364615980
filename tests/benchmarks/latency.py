"""From the notification that completes a stride to the event at ten open pages, in real time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.source import Chunk, LinkChange
from evenstride_gateway.store import Store
from evenstride_gateway.virtual.quiet import quiet_bumble
from evenstride_gateway.virtual.world import virtual_world
from evenstride_gateway.web.hub import Hub

from .figures import Figure, percentile
from .material import sources
from .stage import recording, viewers

GOAL_MS = 20.0
_SIGNAL_S = 120


class StampedSource(BleSource):
    """Notes which notification was being handled when an event was published: `arrived` by the event's id."""

    hub: Hub | None = None

    def __aiter__(self) -> AsyncIterator[Chunk | LinkChange]:
        self.arrived: dict[int, float] = {}
        return self._stamped(super().__aiter__())

    async def _stamped(self, items: AsyncIterator[Chunk | LinkChange]) -> AsyncIterator[Chunk | LinkChange]:
        async for item in items:
            before = 0 if self.hub is None else self.hub.published
            yield item  # the gateway asks for the next one when it has published what this one brought
            if self.hub is not None and self.hub.published != before:
                self.arrived[self.hub.published] = item.arrival_s


async def delays_ms(seconds: float, n_viewers: int) -> list[float]:
    """One value for every stride event at every viewer."""
    with TemporaryDirectory() as name, Store.open(Path(name)) as store:
        log = Path(name) / "viewers"
        async with virtual_world(sources(_SIGNAL_S)) as world:
            source = StampedSource(world.backend)
            async with recording(source, world.sides, store, pods=2) as (host, _):
                source.hub = host.gateway.hub
                async with viewers(host, n_viewers, log):
                    await asyncio.sleep(seconds)
        rows = [line.split(",") for line in log.read_text(encoding="utf-8").splitlines()]
    return [1000 * (float(at_s) - source.arrived[int(n)]) for at_s, _, n in rows if int(n) in source.arrived]


def run(*, seconds: float = 30.0, n_viewers: int = 10) -> list[Figure]:
    sources(_SIGNAL_S)
    with quiet_bumble():
        delays = asyncio.run(delays_ms(seconds, n_viewers))
    if not delays:
        raise RuntimeError("no stride event arrived at any viewer")
    p50, p99 = percentile(delays, 50), percentile(delays, 99)
    return [
        Figure(
            what=f"notification to the event at {n_viewers} SSE clients, p99",
            goal=f"<= {GOAL_MS:g} ms",
            measured=f"{p99:.1f} ms (p50 {p50:.1f}, worst {max(delays):.1f})",
            holds=p99 <= GOAL_MS,
            how=(
                f"{len(delays)} arrivals in {seconds:g} s of real time; from bleak's callback of the notification that"
                " completes a stride (radio, pods and gateway share this process) to recv() in the clients' process"
            ),
        )
    ]
