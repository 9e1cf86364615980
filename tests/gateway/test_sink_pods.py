"""The state of pods and sinks as points: what a moment says, what waits for a server, what goes."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from evenstride_gateway.errors import SinkError
from evenstride_gateway.health import Health, SinkHealth, SinkState
from evenstride_gateway.sinks.follower import Refused
from evenstride_gateway.sinks.lines import line_of
from evenstride_gateway.sinks.pods import MOST_WAITING, PodReporter
from evenstride_gateway.sinks.schema import Point

START = datetime(2026, 5, 1, 7, 30, tzinfo=UTC)


class Server:
    """Takes points, unless it is away."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.away = False
        self.looks = 0

    async def deliver(self, points: Sequence[Point]) -> Sequence[Refused]:
        if self.away:
            raise SinkError("InfluxDB cannot be reached")
        self.points += points
        return ()

    def utc(self) -> datetime:
        self.looks += 1
        return START + timedelta(seconds=10 * self.looks)


def reporter(server: Server) -> tuple[PodReporter, Health]:
    health = Health()
    health.pod("00000000000000aa").state = "streaming"
    health.sinks["influx"] = SinkHealth(name="influx", state=SinkState.TROUBLE, behind=1234, retries=7)
    health.sinks["mqtt"] = SinkHealth(name="mqtt", refused=2)
    return PodReporter(health, server.deliver, gateway_id="north bend", utc=server.utc), health


def test_a_moment_says_pods_and_sinks() -> None:
    server = Server()
    asyncio.run(reporter(server)[0].report())
    lines = [line_of(point).rsplit(" ", 1)[0] for point in server.points]
    assert lines[0].startswith("pod,pod=00000000000000aa ")
    assert lines[1:] == [
        'sink,gateway=north\\ bend,sink=influx behind=1234i,refused=0i,retries=7i,state="retrying"',
        'sink,gateway=north\\ bend,sink=mqtt behind=0i,refused=2i,retries=0i,state="nothing new"',
    ]


def test_an_hour_waits_and_the_oldest_go() -> None:
    server = Server()
    report, health = reporter(server)
    server.away = True

    async def scenario() -> None:
        for _ in range(5):
            await report.report()
        assert server.points == []
        health.pods.update({f"{n:016x}": health.pod(f"{n:016x}") for n in range(MOST_WAITING)})
        server.away = False
        await report.report()

    asyncio.run(scenario())
    assert len(server.points) == MOST_WAITING
    assert report.dropped == 5 * 3 + len(health.pods) + 2 - MOST_WAITING
    assert len({point.time_ns for point in server.points}) == 1  # the newest moment alone
