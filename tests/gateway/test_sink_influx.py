"""The walk along the feed into a real InfluxDB 1.6: once and only once, whatever happens in between."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.servers import Influx, influxd
from support.store_data import BOOT, LEFT_POD, RIGHT_POD, START, assignment, begin, stride

from evenstride_analysis.model import Doubt, LossCause, Measure, Side, Symmetry, Verdict
from evenstride_gateway.errors import SinkError
from evenstride_gateway.ledger import Loss
from evenstride_gateway.sinks.collect import collect, page_count, session_pages, session_points
from evenstride_gateway.sinks.follower import Follower
from evenstride_gateway.sinks.influx import InfluxWriter
from evenstride_gateway.sinks.lines import line_of
from evenstride_gateway.sinks.points import epoch_ns
from evenstride_gateway.sinks.schema import MEASUREMENTS, STRIDE, Kind, Measurement, Point
from evenstride_gateway.sinks.targets import InfluxTarget, Version
from evenstride_gateway.sinks.verify import InfluxReader, Verification, verify_session
from evenstride_gateway.store import Store


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with influxd(tmp_path_factory.mktemp("influx")) as running:
        yield running


@pytest.fixture
def database(server: Influx, request: pytest.FixtureRequest) -> str:
    name = f"t{abs(hash(request.node.name))}"
    server.query(f'CREATE DATABASE "{name}"')
    return name


def target(server: Influx, database: str) -> InfluxTarget:
    return InfluxTarget(url=server.url, version=Version.V1, bucket=database)


def walk(store: Store, server: Influx, database: str, *, between: Callable[[], None] | None = None) -> Follower:
    """Deliver all that the feed holds."""

    async def write(work: Callable[[Store], object]) -> object:
        return work(store)

    async def scenario() -> Follower:
        async with InfluxWriter(target(server, database)) as writer:
            follower = Follower(
                name="influx", store=store, write=write, collect=collect, deliver=writer.deliver, rng=random.Random(1)
            )
            if between is not None:
                between()
            await follower.drain()
            return follower

    return asyncio.run(scenario())


def rows(server: Influx, database: str, measurement: str = "stride") -> list[dict[str, Any]]:
    return server.query(f'SELECT * FROM "{measurement}" WHERE retired = false', database)


def point(t_s: float, index: float | None = 0.05) -> Symmetry:
    low, high = (None, None) if index is None else (index - 0.03, index + 0.03)
    return Symmetry(
        measure=Measure.STANCE,
        t_s=t_s,
        index=index,
        low=low,
        high=high,
        n_pairs=30,
        verdict=Verdict.POSSIBLE if index else Verdict.NOT_MEASURABLE,
        reason='too few, "quoted" = odd',
        method="rules-1",
    )


def test_every_value_arrives_as_the_store_has_it(server: Influx, database: str, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(0, 300, doubt=Doubt.GAP | Doubt.CLIPPED), stride(300, 600, pod_id=RIGHT_POD)])
        store.put_symmetry("s1", [point(10.0), point(20.0, None)])
        store.put_gaps("s1", [Loss(pod_id=LEFT_POD, boot_id=BOOT, first_index=9, missing=34, cause=LossCause.HOST)])
        follower = walk(store, server, database)
        assert follower.health.refused == 0
        left, right = rows(server, database)
        stored = store.strides("s1")[0]
        assert (left["side"], left["session"], left["runner"], left["pod"]) == ("left", "s1", "anna", LEFT_POD)
        assert (left["doubt"], left["clean"], right["clean"]) == ("gap|clipped", False, True)
        assert left["stance_ms"] == 1e3 * stored.stride.stance_s
        assert left["stride_id"] == stored.stride_id
        assert right["time"] - left["time"] == round(1e9 * 300 / 416)
        measured, refused = rows(server, database, "symmetry")
        assert (measured["si_percent"], measured["balance_percent"], measured["known"]) == (5.0, 51.25, True)
        assert measured["reason"] == 'too few, "quoted" = odd'
        assert (refused["known"], refused["verdict"]) == (False, "not measurable")
        missing = {row["pod"]: row["missing_host"] for row in rows(server, database, "gap")}
        assert missing == {LEFT_POD: 34, RIGHT_POD: 0}
        (session,) = rows(server, database, "session")
        assert (session["strides"], session["clean"], session["running"]) == (2, 1, True)


def test_updates_retirements_and_corrections_overwrite(server: Influx, database: str, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(0, 300), stride(300, 600), stride(600, 900)])
        walk(store, server, database)
        better = replace(stride(2, 302), toe_off_s=0.26, method="rules-2")
        store.replace_strides("s1", LEFT_POD, BOOT, [better, replace(stride(600, 900), method="rules-2")])
        walk(store, server, database)
        found = rows(server, database)
        assert [row["method"] for row in found] == ["rules-2", "rules-2"]
        assert found[0]["time"] == min(row["time"] for row in server.query('SELECT * FROM "stride"', database))
        store.put_assignment(assignment(LEFT_POD, Side.LEFT, runner_id="ben"))
        store.put_assignment(assignment(RIGHT_POD, Side.RIGHT, runner_id="ben"))
        walk(store, server, database)
        assert {row["runner"] for row in rows(server, database)} == {"ben"}
        assert [row["runner"] for row in rows(server, database, "session")] == ["ben"]
        assert {row["runner"] for row in rows(server, database, "gap")} <= {"ben"}
        store.delete_session("s1")
        walk(store, server, database)
        for measurement in ("stride", "session", "gap", "symmetry"):
            assert rows(server, database, measurement) == []


def test_an_outage_loses_nothing_and_doubles_nothing(server: Influx, database: str, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(50)])
        walk(store, server, database)
        server.stop()

        async def unreachable() -> None:
            async with InfluxWriter(target(server, database)) as writer:
                with pytest.raises(SinkError, match="cannot be reached"):
                    await writer.write(["x y=1 1"])

        asyncio.run(unreachable())
        store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(50, 120)])
        server.start()
        walk(store, server, database)
        store.put_sink_cursor("influx", 20)  # a crash before the cursor was saved
        walk(store, server, database)
        assert len(rows(server, database)) == len(store.strides("s1")) == 120
        assert len(server.query('SELECT * FROM "stride"', database)) == 120


def test_a_refused_point_is_parked_and_holds_up_no_other(server: Influx, database: str, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(20)])
        conflict = f'stride,session=s0,runner=x,pod=y stance_ms="text" {epoch_ns(START)}'
        httpx.post(f"{server.url}/write", params={"db": database}, content=conflict, trust_env=False)

        async def one(lines: Sequence[str]) -> int:
            async with InfluxWriter(target(server, database)) as writer:
                return len(await writer.write(lines))

        fine = [line_of(point) for point in session_points(store, "s1")]
        bad = "stride,session=s1 no equals sign"
        assert asyncio.run(one([*fine[:3], bad, *fine[3:]])) == 1 + 20  # a type conflict concerns every stride
        assert len(rows(server, database, "session")) == 1
        follower = walk(store, server, database)
        assert follower.health.refused == 20
        assert "conflict" in store.parked("influx")[0].reason


def test_verify_finds_what_is_missing_surplus_or_different(server: Influx, database: str, tmp_path: Path) -> None:
    async def verified(store: Store) -> Verification:
        async with InfluxReader(target(server, database)) as reader:
            return await verify_session(store, reader, "s1")

    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(5)])
        store.put_symmetry("s1", [point(10.0), point(20.0, None)])
        assert asyncio.run(verified(store)).missing == 10
        walk(store, server, database)
        found = asyncio.run(verified(store))
        assert (found.holds, found.equal) == (True, 10), found.examples
        (third,) = [p for p in session_points(store, "s1") if p.values[1] == 3]
        values = list(third.values)
        values[4] = 999.0

        async def spoil() -> None:
            async with InfluxWriter(target(server, database)) as writer:
                await writer.deliver([third._replace(values=tuple(values)), third._replace(time_ns=third.time_ns + 1)])

        asyncio.run(spoil())
        found = asyncio.run(verified(store))
        assert (found.different, found.surplus, found.missing, found.equal) == (1, 1, 0, 9)
        assert any("stance_ms is 999" in example for example in found.examples)


def test_a_long_session_is_filled_and_compared_page_by_page(server: Influx, database: str, tmp_path: Path) -> None:
    pages = 0

    def page_done() -> None:
        nonlocal pages
        pages += 1

    async def scenario(store: Store) -> Verification:
        async with InfluxWriter(target(server, database)) as writer:
            written: list[int] = []
            batches = (page.points[at : at + 7] for page in session_pages(store, "s1") for at in (0, 7, 14))
            assert await writer.deliver_many(batches, written=written.append) == []
            assert sum(written) == len(session_points(store, "s1"))
        async with InfluxReader(target(server, database)) as reader:
            return await verify_session(store, reader, "s1", page_done=page_done)

    with Store.open(tmp_path) as store:
        begin(store)
        every = 180 * 416  # strides at 0, 180, ... 5400 s: three of them on the edge of a page
        store.apply_strides("s1", [stride(n * every, n * every + 300) for n in range(31)])
        store.put_symmetry("s1", [point(10.0 * n) for n in (1, 179, 180, 181, 900)])
        assert page_count(store, "s1") == 4
        found = asyncio.run(scenario(store))
        assert (found.holds, found.equal, pages) == (True, 31 + 5 + 2 + 1, 4), found.examples
        assert len(rows(server, database)) == 31
        early = session_points(store, "s1")[0]
        for off_ns in (-(10**9), 10**13):  # before the first page, behind the last one
            stray = line_of(early._replace(time_ns=early.time_ns + off_ns))
            httpx.post(f"{server.url}/write", params={"db": database}, content=stray, trust_env=False)
        assert asyncio.run(scenario(store)).surplus == 2


def test_of_many_batches_the_first_failure_is_the_one_that_is_told(server: Influx) -> None:
    async def scenario() -> None:
        async with InfluxWriter(InfluxTarget(url=server.url, version=Version.V1, bucket="nowhere")) as writer:
            good = Point("gap", ("s", "r", "p"), (False, 1, 0, 3), 1)
            with pytest.raises(SinkError, match="no database 'nowhere'"):
                await writer.deliver_many([[good]] * 5)

    asyncio.run(scenario())


def test_a_missing_database_is_said_in_words(server: Influx) -> None:
    async def scenario() -> None:
        async with InfluxWriter(InfluxTarget(url=server.url, version=Version.V1, bucket="nowhere")) as writer:
            with pytest.raises(SinkError, match="no database 'nowhere'") as error:
                await writer.write(["x y=1 1"])
            assert error.value.retry_after_s == 30.0

    asyncio.run(scenario())


_NAMES = st.text(min_size=0, max_size=20)


@given(_NAMES, _NAMES)
def test_odd_names_stay_one_line(session: str, doubt: str) -> None:
    by_kind: dict[Kind, Any] = {Kind.FLOAT: 1.5, Kind.INTEGER: 3, Kind.BOOLEAN: True, Kind.TEXT: doubt}
    values = [by_kind[field.kind] for field in STRIDE.fields]
    line = line_of(Point("stride", (session, "r", "p"), tuple(values), 7))
    assert "\n" not in line
    assert line.endswith(" 7")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=10, max_size=10))
def test_floats_are_written_to_the_last_bit(numbers: list[float]) -> None:
    given_floats = iter(numbers)
    others: dict[Kind, Any] = {Kind.INTEGER: 3, Kind.BOOLEAN: True, Kind.TEXT: "x"}
    values = [next(given_floats) if f.kind is Kind.FLOAT else others[f.kind] for f in STRIDE.fields]
    line = line_of(Point("stride", ("s", "r", "p"), tuple(values), 7))
    written = dict(pair.split("=") for pair in line.split(" ")[1].split(","))
    for field, value in zip(STRIDE.fields, values, strict=True):
        if field.kind is Kind.FLOAT:
            assert float(written[field.name]).hex() == float(value).hex()


def test_odd_names_come_back_from_the_server(server: Influx, database: str) -> None:
    names = ["a b", "a,b", "a=b", 'say "hi"', "Zoë 🏃", "line\nbreak", "back\\slash", "end\\", ""]
    lines: list[str] = []
    for n, name in enumerate(names):
        values = [
            {Kind.FLOAT: 1.5, Kind.INTEGER: n, Kind.BOOLEAN: False, Kind.TEXT: name}[field.kind]
            for field in STRIDE.fields
        ]
        lines.append(line_of(Point("stride", (name, "r", "p"), tuple(values), n + 1)))

    async def scenario() -> None:
        async with InfluxWriter(target(server, database)) as writer:
            assert await writer.write(lines) == []

    asyncio.run(scenario())
    found = rows(server, database)
    assert [row["stride_id"] for row in found] == list(range(len(names)))
    assert [row["doubt"] for row in found] == [name.replace("\n", " ") for name in names]
    assert [row["session"] for row in found][:5] == names[:5]


def test_a_number_that_is_none_is_refused_before_it_spoils_a_batch() -> None:
    values: list[Any] = [
        {Kind.FLOAT: 1.5, Kind.INTEGER: 3, Kind.BOOLEAN: True, Kind.TEXT: "=nan"}[f.kind] for f in STRIDE.fields
    ]
    line_of(Point("stride", ("s", "r", "p"), tuple(values), 1))
    values[4] = float("nan")
    with pytest.raises(ValueError, match="stance_ms = nan"):
        line_of(Point("stride", ("s", "r", "p"), tuple(values), 1))


@pytest.mark.parametrize("measurement", MEASUREMENTS, ids=lambda m: m.name)
def test_the_schema_is_sound(measurement: Measurement) -> None:
    names = [tag.name for tag in measurement.tags] + [field.name for field in measurement.fields]
    assert len(set(names)) == len(names)
    assert "time" not in names
    for field in measurement.fields:
        assert field.meaning
        if field.known_by:
            assert measurement.field(field.known_by).kind is Kind.BOOLEAN
