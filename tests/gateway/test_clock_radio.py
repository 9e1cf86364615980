"""The clock over the whole path: virtual pod, virtual radio, real bleak, link; the truth is the pod's own core."""

import asyncio
import random

import pytest
from fakes.link_world import World, pod_id, run, world

from evenstride_gateway.air import TimePing, TimePong
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.clock import ClockEstimator, PingBook, ping_delay_s
from evenstride_gateway.decode import decode
from evenstride_gateway.link.source import Chunk
from evenstride_gateway.virtual.pod_plan import PodPlan


class Sync:
    """Pings one pod and feeds what comes back to an estimator, as the intake does."""

    def __init__(self, here: World, pod: str) -> None:
        self.here, self.pod = here, pod
        self.book, self.estimator, self.read = PingBook(), ClockEstimator(pod), 0
        self.rng = random.Random(2)

    async def run(self, seconds: float) -> None:
        start_s = self.here.now()
        while (since_s := self.here.now() - start_s) < seconds:
            await self.here.source.ping(self.pod, bytes(TimePing(ping_id=self.book.sent(self.here.now()))))
            await asyncio.sleep(ping_delay_s(since_s, self.rng))
            self.take()

    def take(self) -> None:
        new, self.read = self.here.heard.items[self.read :], len(self.here.heard.items)
        for item in new:
            pong = decode(item.data) if isinstance(item, Chunk) else None
            if isinstance(item, Chunk) and isinstance(pong, TimePong) and item.pod_id == self.pod:
                sent_s = self.book.taken(pong.ping_id)
                assert sent_s is not None
                assert self.estimator.add_pong(
                    boot_id=pong.boot_id,
                    sent_s=sent_s,
                    tick_s=pong.tick / TICK_HZ,
                    arrival_s=item.arrival_s,
                    interval_s=pong.interval_s,
                )


@pytest.mark.parametrize(("skew_ppm", "loss"), [(30.0, 0.0), (-60.0, 0.2)])
def test_a_pods_clock_is_known_within_its_bound(skew_ppm: float, loss: float) -> None:
    async def scenario() -> None:
        plan = PodPlan(pod_id=pod_id(0), skew_ppm=skew_ppm, first_tick=5_000_000_000)
        async with world(plans={0: plan}) as here:
            here.radio.event_loss = loss
            await here.streaming()
            sync = Sync(here, pod_id(0))
            for seconds in (2, 8, 30, 60):
                await sync.run(seconds)
                now_s = here.now()
                fit = sync.estimator.fit(now_s)
                assert fit is not None
                error_s = abs(fit.session_s(here.pods[0].core.tick(now_s) / TICK_HZ) - now_s)
                assert error_s <= fit.bound_s
            assert error_s < 0.0005
            assert fit.bound_s < 0.004
            assert fit.skew_ppm == pytest.approx(-skew_ppm, abs=5)
            assert sync.estimator.rejected == 0

    run(scenario())
