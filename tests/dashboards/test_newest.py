"""What stands large on the live page, on a real InfluxDB: the newest point, and no older number in its place."""

import asyncio
from pathlib import Path

from support.panel_values import Window
from support.servers import influxd

from evenstride_analysis.model import Measure, Verdict
from evenstride_dashboards.asks import balance_now, verdict_now
from evenstride_dashboards.queries import FRESH_S
from evenstride_gateway.sinks.influx import InfluxWriter
from evenstride_gateway.sinks.schema import SYMMETRY, Point
from evenstride_gateway.sinks.targets import InfluxTarget, Version

BEGIN_S, STEP_S = 1_780_000_000, 10


def grid_point(number: int, measure: Measure, runner: str, balance: tuple[float, float, float] | None) -> Point:
    share, low, high = balance or (0.0, 0.0, 0.0)
    verdict = Verdict.NOT_MEASURABLE if balance is None else Verdict.WITHIN_NOISE
    values = (False, balance is not None, 0.0, 0.0, 0.0, share, low, high, 30, verdict.value, "", "rules-1")
    return Point(SYMMETRY.name, ("s1", runner, measure.value), values, (BEGIN_S + number * STEP_S) * 10**9)


def test_where_the_newest_point_is_not_measurable_there_is_no_number(tmp_path: Path) -> None:
    told, again = (50.4, 49.1, 51.7), (50.8, 49.9, 51.7)
    course = (told, None, again)
    assert STEP_S < FRESH_S  # the older number is fresh enough to be shown
    with influxd(tmp_path) as server:

        async def deliver(points: list[Point]) -> None:
            async with InfluxWriter(InfluxTarget(url=server.url, version=Version.V1, bucket="evenstride")) as writer:
                assert await writer.deliver(points) == []

        for number, balance in enumerate(course):
            for measure in (Measure.STANCE, Measure.IMPACT_AXIAL):
                ben = grid_point(number, measure, "ben", (60.0, 59.0, 61.0))
                asyncio.run(deliver([grid_point(number, measure, "anna", balance), ben]))
                at_ms = 1000 * (BEGIN_S + number * STEP_S + 1)
                window = Window(
                    from_ms=1000 * BEGIN_S - 1, to_ms=at_ms, now_ms=at_ms, interval_s=10, chosen={"runner": ["anna"]}
                )
                query = balance_now(measure, "runner", share="left leg", ends=("from", "to"))
                shown = server.query(window.filled(query.text), "evenstride")
                assert [(row["left leg"], row["from"], row["to"]) for row in shown] == ([balance] if balance else [])
                (said,) = server.query(window.filled(verdict_now(measure, "runner").text), "evenstride")
                assert (said["verdict"] == Verdict.NOT_MEASURABLE.value) is (balance is None)
