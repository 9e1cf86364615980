"""The state of pods and sinks as points, every 10 s. It is not kept like strides: an hour waits, then the oldest go."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from evenstride_analysis.units import ms_from_s, percent_from_fraction
from evenstride_gateway.errors import SinkError
from evenstride_gateway.health import Health, PodHealth, SinkHealth
from evenstride_gateway.sinks.follower import Refused
from evenstride_gateway.sinks.points import UNKNOWN, epoch_ns
from evenstride_gateway.sinks.schema import POD, SINK, Point

EVERY_S = 10.0
MOST_WAITING = 360 * 20


def pod_point(row: PodHealth, *, now_s: float, at: datetime) -> Point:
    """The point of one pod as health shows it at host time `now_s`, which is `at`."""
    rssi, battery, bound_s, last_s = row.rssi_dbm, row.battery_fraction, row.clock_bound_s, row.last_arrival_s
    return Point(
        POD.name,
        (row.pod_id,),
        (
            row.state or UNKNOWN,
            row.side or UNKNOWN,
            rssi is not None,
            float(rssi or 0),
            battery is not None,
            percent_from_fraction(battery or 0.0),
            bound_s is not None,
            ms_from_s(bound_s or 0.0),
            row.missing["pod"],
            row.missing["host"],
            row.backfilled,
            last_s is not None,
            0.0 if last_s is None else now_s - last_s,
        ),
        epoch_ns(at),
    )


def sink_point(row: SinkHealth, *, gateway_id: str, at: datetime) -> Point:
    """The point of a sink as health shows it at `at`."""
    return Point(
        SINK.name, (gateway_id, row.name), (row.state.value, row.behind, row.refused, row.retries), epoch_ns(at)
    )


class PodReporter:
    """Writes the state of pods and sinks; what the server does not take in an hour is dropped and counted."""

    def __init__(
        self,
        health: Health,
        deliver: Callable[[Sequence[Point]], Awaitable[Sequence[Refused]]],
        *,
        gateway_id: str,
        sink: SinkHealth | None = None,
        utc: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.dropped = 0
        self._health, self._deliver, self._sink, self._utc = health, deliver, sink, utc
        self._gateway_id = gateway_id
        self._waiting: deque[Point] = deque()

    async def run(self) -> None:
        """Report for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.report()

    async def report(self) -> None:
        """Note the state now, and write what waits. What stands in the way is told, session or not."""
        now_s, at = asyncio.get_running_loop().time(), self._utc()
        self._waiting += [pod_point(row, now_s=now_s, at=at) for row in self._health.pods.values()]
        self._waiting += [sink_point(row, gateway_id=self._gateway_id, at=at) for row in self._health.sinks.values()]
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1
        held = list(self._waiting)
        trouble = ""
        try:
            await self._deliver(held)
        except SinkError as error:
            trouble = str(error)
        if self._sink is not None:
            self._sink.beside = trouble
        if trouble:
            return
        for _ in held:
            self._waiting.popleft()
