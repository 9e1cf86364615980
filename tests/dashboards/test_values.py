"""Every query of every panel on a real InfluxDB 1.6 returns what the store holds."""

import asyncio
import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.cli import evenstride
from support.panel_values import Row, Window, answer, ns, pod_rows, sink_rows, store_rows
from support.seasons import add_session
from support.servers import Influx, influxd
from support.store_data import BOOT, LEFT_POD, RIGHT_POD, START, assignment, stride

from evenstride_analysis.context import Placed
from evenstride_analysis.model import Doubt, Gait, LossCause, Side, Surface
from evenstride_analysis.symmetry import system_of
from evenstride_dashboards.alerts import rules
from evenstride_dashboards.build import BOARDS, DASHBOARDS, GENERATED, SESSIONS, build
from evenstride_dashboards.queries import InfluxTarget, Query
from evenstride_gateway.closing import regrid
from evenstride_gateway.health import PodHealth, SinkHealth
from evenstride_gateway.ledger import Loss
from evenstride_gateway.normals import baseline_points, collect_with_normals, season_points
from evenstride_gateway.runs import keep_run
from evenstride_gateway.sinks.influx import InfluxWriter
from evenstride_gateway.sinks.pods import pod_point, sink_point
from evenstride_gateway.sinks.schema import Point
from evenstride_gateway.sinks.targets import InfluxTarget as Where
from evenstride_gateway.sinks.targets import Version
from evenstride_gateway.store import Store

SYSTEM = system_of()
INDICES = (0.010, 0.016, 0.004, 0.012, 0.020, 0.008)
LAST, LAST_DAY = "d20", 20
STRIDES = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A served season, what the store and the pods said of it, and two time ranges."""

    server: Influx
    rows: dict[str, list[Row]]
    windows: tuple[Window, ...]


def fill(store: Store) -> None:
    """Anna's sessions, the last one off her normal; one that turned out to be Ben's; one that was deleted."""
    for day, index in enumerate(INDICES):
        add_session(store, day, index=index, settings={"pace": "easy", "shoes": "blue"})
    add_session(store, 9, index=0.03)
    add_session(store, 10, strides=20)
    add_session(store, LAST_DAY, index=0.09, strides=STRIDES)
    odd = [
        stride(416 + 291 * (STRIDES + n), 416 + 291 * (STRIDES + n + 1), doubt=flag)
        for n, flag in enumerate([*Doubt, Doubt.GAP | Doubt.CLIPPED])
    ]
    odd.append(stride(416 + 291 * 170, 416 + 291 * 171, impact_mps2=None, impact_axial_mps2=None))
    odd.append(stride(416 + 291 * 171, 416 + 291 * 172, gait=Gait.WALK))
    store.apply_strides(LAST, odd)
    store.put_gaps(
        LAST,
        [
            Loss(pod_id=LEFT_POD, boot_id=BOOT, first_index=100, missing=17, cause=LossCause.HOST),
            Loss(pod_id=LEFT_POD, boot_id=BOOT, first_index=900, missing=5, cause=LossCause.POD),
        ],
    )
    for session in store.sessions():
        regrid(store, session.session_id, SYSTEM)


def correct(store: Store) -> None:
    """What happens after points were delivered once: another runner, another method, a deletion, other symmetry."""
    for pod, side in ((LEFT_POD, Side.LEFT), (RIGHT_POD, Side.RIGHT)):
        store.put_assignment(assignment(pod, side, session_id="d09", runner_id="ben"))
    store.delete_session("d10")
    first = store.strides(LAST)[0].stride
    store.replace_strides(
        LAST, LEFT_POD, BOOT, [replace(first, toe_off_s=first.toe_off_s + 0.02)], index_range=(0, first.end_index)
    )
    regrid(store, LAST, SYSTEM)
    place(store)
    for name in (LAST, "d09"):
        keep_run(store, name, SYSTEM)


def place(store: Store) -> None:
    """Two laps and a half round a track, the second one the other way, and a few strides that nobody can place."""
    places: dict[tuple[str, int, int], Placed] = {}
    for one in store.strides(LAST)[:-9]:
        s, halves = one.stride, int(one.published_t_s / 11.0)
        bend = Placed(surface=Surface.BEND, direction=-1 if halves // 4 == 1 else 1, lap=halves // 4 + 1)
        straight = Placed(surface=Surface.STRAIGHT, lap=halves // 4 + 1)
        places[s.pod_id, s.boot_id, s.strike_index] = bend if halves % 2 else straight
    store.put_places(LAST, places)


def states(start: datetime) -> list[tuple[datetime, float, PodHealth]]:
    """Two pods every 10 s: one that tells everything and one that tells nothing."""
    found: list[tuple[datetime, float, PodHealth]] = []
    for n in range(9):
        told = PodHealth(
            pod_id=LEFT_POD,
            side="left",
            state="streaming" if n < 7 else "lost",
            rssi_dbm=-60 - n,
            battery_fraction=0.9 - 0.1 * n,
            clock_bound_s=0.001 * n,
            last_arrival_s=10.0 * n - 0.5,
            missing={"pod": n, "host": 2 * n},
            backfilled=3 * n,
        )
        found += [(start + timedelta(seconds=10 * n), 10.0 * n, row) for row in (told, PodHealth(pod_id=RIGHT_POD))]
    return [(at, now_s, replace(row, state=row.state or "unknown")) for at, now_s, row in found]


def behind(start: datetime) -> list[tuple[datetime, str, SinkHealth]]:
    """Two gateways, one of them with a broker that takes nothing for a while."""
    return [
        (start + timedelta(seconds=10 * n), gateway, SinkHealth(name=name, behind=n * size, refused=n // 4))
        for n in range(9)
        for gateway, name, size in (("north", "influx", 1), ("south", "influx", 2), ("south", "mqtt", 700))
    ]


def deliver(store: Store, server: Influx, extra: list[Point]) -> None:
    async def scenario() -> None:
        collect = collect_with_normals(SYSTEM)
        async with InfluxWriter(Where(url=server.url, version=Version.V1, bucket="evenstride")) as writer:
            after = store.sink_cursor("influx") or 0
            while (step := collect(store, after, 1000)).upto != after:
                assert await writer.deliver(step.points) == []
                after = step.upto
            store.put_sink_cursor("influx", after)
            assert await writer.deliver(extra) == []

    asyncio.run(scenario())


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Generator[Season]:
    folder = tmp_path_factory.mktemp("season")
    start = START + timedelta(days=LAST_DAY)
    pods, sinks = states(start), behind(start)
    beside = [pod_point(row, now_s=now_s, at=at) for at, now_s, row in pods]
    beside += [sink_point(row, gateway_id=gateway, at=at) for at, gateway, row in sinks]
    with influxd(folder / "influx") as server, Store.open(folder / "data") as store:
        fill(store)
        deliver(store, server, beside)
        correct(store)
        ended = [one.session_id for one in store.sessions() if one.stopped_at is not None]
        deliver(store, server, [point for points in season_points(store, ended, SYSTEM) for point in points])
        rows = store_rows(store, SYSTEM) | {"pod": pod_rows(pods), "sink": sink_rows(sinks)}
        newest_ms = max(row["time"] for row in rows["stride"]) // 10**6
        one = Window(
            from_ms=ns(start) // 10**6,
            to_ms=newest_ms + 1500,
            now_ms=newest_ms + 1000,
            interval_s=10,
            chosen={"runner": ["anna"], "session": [LAST], "pod": [LEFT_POD]},
        )
        whole = replace(
            one,
            from_ms=ns(START) // 10**6 - 1,
            interval_s=3600,
            chosen={
                "runner": ["anna", "ben"],
                "session": [one["session"] for one in rows["session"]],
                "pod": [LEFT_POD, RIGHT_POD],
            },
        )
        yield Season(server=server, rows=rows, windows=(one, whole))


def board_queries() -> Iterator[tuple[str, Query]]:
    for board in BOARDS:
        for panel in build(board).panels or ():
            for target in getattr(panel, "targets", None) or ():
                assert isinstance(target, InfluxTarget)
                yield f"{board.uid}: {panel.title}: {target.ref_id}", target.query
        yield f"{board.uid}: annotations", SESSIONS
    for rule in rules():
        model = rule.data[0].model
        assert isinstance(model, InfluxTarget)
        yield f"alert: {rule.title}", model.query


QUERIES = list(board_queries())


def test_the_generated_files_hold_these_queries_and_no_others() -> None:
    held: set[str] = set()
    for path in GENERATED.rglob("*.json"):
        page: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        held |= {target["query"] for panel in page.get("panels", ()) for target in panel.get("targets", ())}
        held |= {rule["data"][0]["model"]["query"] for group in page.get("groups", ()) for rule in group["rules"]}
        held |= {one["query"] for one in page.get("annotations", {}).get("list", ())}
    assert held == {query.text for _, query in QUERIES}


def close(shown: Any, wanted: Any) -> bool:
    if isinstance(wanted, float):
        return shown == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    return shown == wanted


def in_order(rows: list[Row], query: Query, timed: bool) -> list[Row]:
    """Both sides in one order: by tags, then by time where the answer has a time of its own."""
    return sorted(rows, key=lambda row: [*(row[tag] for tag in query.by), row["time"] if timed else 0])


@pytest.mark.parametrize(("where", "query"), QUERIES, ids=[where for where, _ in QUERIES])
def test_a_query_returns_what_the_store_holds(season: Season, where: str, query: Query) -> None:
    told = 0
    for window in season.windows:
        wanted = answer(query, season.rows[query.measurement.name], window)
        shown = season.server.query(window.filled(query.text), "evenstride")
        assert len(shown) == len(wanted), where
        timed = bool(wanted) and "time" in wanted[0]
        for got, want in zip(in_order(shown, query, timed), in_order(wanted, query, timed), strict=True):
            for name, value in want.items():
                assert close(got[name], value), f"{where}: {name} = {got[name]}, the store holds {value}"
        told += len(wanted)
    assert told, f"{where}: nothing was compared"


def test_the_variables_offer_what_there_is(season: Season) -> None:
    offered: dict[str, set[str]] = {}
    for board in BOARDS:
        page: dict[str, Any] = json.loads((DASHBOARDS / f"{board.uid}.json").read_text(encoding="utf-8"))
        for variable in page["templating"]["list"][1:]:
            answers = season.server.query(season.windows[1].filled(variable["query"]), "evenstride")
            offered.setdefault(variable["name"], set()).update(row["distinct"] for row in answers)
    assert offered["runner"] == {"anna", "ben"}
    assert offered["session"] == {row["session"] for row in season.rows["session"]}
    assert "d10" not in offered["session"]  # deleted
    assert offered["pod"] == {LEFT_POD, RIGHT_POD}


def test_a_runner_can_be_chosen_long_after_the_start(season: Season) -> None:
    late = replace(season.windows[0], from_ms=season.windows[0].to_ms - 60_000)
    for uid in ("evenstride-live", "evenstride-squad"):
        page: dict[str, Any] = json.loads((DASHBOARDS / f"{uid}.json").read_text(encoding="utf-8"))
        (variable,) = [one for one in page["templating"]["list"] if one["name"] == "runner"]
        answers = season.server.query(late.filled(variable["query"]), "evenstride")
        assert [row["distinct"] for row in answers] == ["anna"]


def test_the_season_that_is_served_has_something_to_tell(season: Season) -> None:
    verdicts = {row["verdict"] for row in season.rows["baseline"] if row["measure"] == "stance_symmetry"}
    assert verdicts == {"changed", "not changed", "not comparable"}
    assert {row["runner"] for row in season.rows["session"]} == {"anna", "ben"}
    assert {row["known"] for row in season.rows["symmetry"]} == {True, False}
    assert {row["lap"] for row in season.rows["stride"]} == {0, 1, 2, 3}
    assert {row["surface"] for row in season.rows["stride"]} == {
        "straight",
        "bend to the left",
        "bend to the right",
        "unknown",
    }


def test_a_season_is_judged_as_its_sessions_one_by_one(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for day, index in enumerate(INDICES):
            add_session(store, day, index=index)
        names = [session.session_id for session in store.sessions()]
        assert list(season_points(store, names, SYSTEM)) == []  # nothing was kept: nothing is computed for it
        for name in names:
            regrid(store, name, SYSTEM)
        wanted = [baseline_points(store, name, SYSTEM) for name in sorted(names)]
        assert list(season_points(store, names, SYSTEM)) == wanted
        assert list(season_points(store, names[:1], SYSTEM)) == wanted[-1:]


def test_a_season_that_is_filled_in_has_its_bands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(tmp_path / "data") as store:
        for day, index in enumerate(INDICES):
            regrid(store, add_session(store, day, index=index), SYSTEM)
        wanted = store_rows(store, SYSTEM)["baseline"]
    with influxd(tmp_path / "influx") as server:
        monkeypatch.setenv("EVENSTRIDE_INFLUX_URL", server.url)
        monkeypatch.setenv("EVENSTRIDE_INFLUX_VERSION", "1")
        assert evenstride("stack", "backfill", "--data", tmp_path / "data").code == 0
        held = server.query("SELECT * FROM baseline", "evenstride")
    assert {(row["session"], row["measure"], row["runs"]) for row in held} == {
        (row["session"], row["measure"], row["runs"]) for row in wanted
    }


def test_only_the_latest_session_is_judged_as_the_feed_goes_by(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for day, index in enumerate(INDICES):
            add_session(store, day, index=index)
        step = collect_with_normals(SYSTEM)(store, 0, 100_000)
        judged = [point for point in step.points if point.measurement == "baseline"]
        assert {point.tags[0] for point in judged} == {"d05"}
        assert len(judged) == 6
        for pod, side in ((LEFT_POD, Side.LEFT), (RIGHT_POD, Side.RIGHT)):
            store.put_assignment(assignment(pod, side, session_id="d05", runner_id="ben"))
        step = collect_with_normals(SYSTEM)(store, step.upto, 100_000)
        judged = [point for point in step.points if point.measurement == "baseline"]
        withdrawn = {point.tags[1] for point in judged if point.values[0]}
        assert withdrawn == {"anna"}
        assert {point.tags[1] for point in judged if not point.values[0]} == {"ben"}
        store.delete_session("d05")
        step = collect_with_normals(SYSTEM)(store, step.upto, 100_000)
        assert all(point.values[0] for point in step.points if point.measurement == "baseline")


def test_a_session_whose_strides_change_afterwards_is_judged_again(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for day, index in enumerate(INDICES):
            regrid(store, add_session(store, day, index=index), SYSTEM)

        def symmetry(after: int) -> tuple[int, list[float]]:
            step = collect_with_normals(SYSTEM)(store, after, 100_000)
            found = [p.values[5] for p in step.points if (p.measurement, p.tags[-1]) == ("baseline", "stance_symmetry")]
            return step.upto, [float(value) for value in found]

        upto, before = symmetry(0)
        store.put_assignment(
            assignment(LEFT_POD, Side.RIGHT, session_id="d05"), assignment(RIGHT_POD, Side.LEFT, session_id="d05")
        )
        regrid(store, "d05", SYSTEM)
        upto, after = symmetry(upto)
        assert after == [pytest.approx(-before[0], abs=0.05)]  # other strides answer each other
        assert symmetry(upto)[1] == []
