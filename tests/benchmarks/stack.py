"""The sinks: line protocol beside `influxdb-client`, a season backfilled, MQTT from publisher to subscriber."""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point as ClientPoint
from influxdb_client.client.write_api import WriteOptions

from evenstride_analysis.model import Assignment, ClockFit, Measure, Session, Side, Stride, Symmetry, Verdict
from evenstride_gateway.sinks.collect import session_points
from evenstride_gateway.sinks.influx import InfluxWriter
from evenstride_gateway.sinks.mqtt import MqttPublisher
from evenstride_gateway.sinks.schema import MEASUREMENTS, STRIDE, Point
from evenstride_gateway.sinks.targets import InfluxTarget, MqttTarget, Version
from evenstride_gateway.store import Store

from . import detector
from .figures import Figure, Spent, percentile, spending, spread
from .hour import EVENSTRIDE, START
from .material import BOOT, NOMINAL_RATE_HZ, PODS

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `python -m tests.benchmarks` knows the root only
from support.servers import Influx, influxd, mosquitto

BATCH = 1000
SEASON, LASTING_S = 200, 3600
RATE, SHARE, SEASON_S, LATE_MS = 4.0, 8.0, 120.0, 2.0
_TAGS = {m.name: [tag.name for tag in m.tags] for m in MEASUREMENTS}
_FIELDS = {m.name: [field.name for field in m.fields] for m in MEASUREMENTS}
_PROXY, _EAR = (str(Path(__file__).with_name(name)) for name in ("influx_proxy.py", "mqtt_ear.py"))


def fill(store: Store, *, sessions: int, seconds: int, material_s: int = 300) -> None:
    """Sessions as a gateway leaves them, without raw log: detected strides repeated, symmetry on its grid."""
    found = detector.detector().push(detector.whole(material_s)[0])
    period_s = 0.7 * round((found[-1].end_s - found[0].strike_s) / 0.7) + 0.7
    for day in range(sessions):
        session_id, started_at = f"day-{day}", START + timedelta(days=day)
        legs = [Assignment(session_id=session_id, pod_id=p, runner_id="bench", side=s) for s, p in PODS.items()]
        store.create_session(Session(session_id=session_id, runner_id="bench", started_at=started_at), legs)
        for side, pod_id in PODS.items():
            fit = ClockFit(pod_id=pod_id, boot_id=BOOT, offset_s=0.0, skew_ppm=0.0, bound_s=0.001, version=1)
            store.put_clock(session_id, fit)
            shift_s = 0.35 if side is Side.RIGHT else 0.0
            own = [
                _moved(stride, pod_id, shift_s + n * period_s)
                for n in range(max(1, round(seconds / period_s)))
                for stride in found
            ]
            store.apply_strides(session_id, own)
        store.put_symmetry(session_id, [_symmetry(m, 10.0 * n) for m in Measure for n in range(1, seconds // 10)])
        store.end_session(session_id, started_at + timedelta(seconds=seconds))


def _moved(stride: Stride, pod_id: str, by_s: float) -> Stride:
    by = round(by_s * NOMINAL_RATE_HZ)
    return replace(
        stride,
        pod_id=pod_id,
        strike_index=stride.strike_index + by,
        end_index=stride.end_index + by,
        strike_s=stride.strike_s + by_s,
        toe_off_s=stride.toe_off_s + by_s,
        end_s=stride.end_s + by_s,
    )


def _symmetry(measure: Measure, t_s: float) -> Symmetry:
    return Symmetry(
        measure=measure,
        t_s=t_s,
        index=0.04,
        low=0.01,
        high=0.07,
        n_pairs=30,
        verdict=Verdict.POSSIBLE,
        reason="few pairs",
        method="learned-1",
    )


@contextmanager
def proxied(server: Influx) -> Generator[str]:
    """The address of the proxy in front of `server`."""
    with subprocess.Popen([sys.executable, _PROXY, server.url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def ours(url: str, points: list[Point]) -> Spent:
    async def scenario() -> None:
        target = InfluxTarget(url=url, version=Version.V2, bucket="evenstride", org="o", token="t")
        async with InfluxWriter(target) as writer:
            batches = (points[start : start + BATCH] for start in range(0, len(points), BATCH))
            if await writer.deliver_many(batches):
                raise RuntimeError("the server refused points of the benchmark")

    with spending() as spent:
        asyncio.run(scenario())
    return spent


def theirs(url: str, points: list[Point]) -> Spent:
    """As its documentation has it: Points into the batching write API, which sends from a thread."""
    failed: list[str] = []

    def on_error(_batch: object, _data: object, error: Exception) -> None:
        failed.append(str(error))

    with (
        spending() as spent,
        InfluxDBClient(url=url, token="t", org="o") as client,
        client.write_api(WriteOptions(batch_size=BATCH), error_callback=on_error) as api,
    ):
        for point in points:
            record = ClientPoint(point.measurement)
            for name, tag in zip(_TAGS[point.measurement], point.tags, strict=True):
                record.tag(name, tag)
            for name, value in zip(_FIELDS[point.measurement], point.values, strict=True):
                record.field(name, value)
            record.time(point.time_ns)
            api.write(bucket="evenstride", record=record)
    if failed:
        raise RuntimeError(f"influxdb-client could not write: {failed[0]}")
    return spent


def _beside_the_client(folder: Path, *, n: int, rounds: int) -> list[Figure]:
    with Store.open(folder / "store") as store:
        fill(store, sessions=1, seconds=max(60, round(n * 0.35)), material_s=60 if n < BATCH else 300)
        points = session_points(store, "day-0")[:n]
    spent: list[tuple[Spent, Spent]] = []
    with influxd(folder / "influx") as server, proxied(server) as url:
        ours(url, points[:BATCH])
        for _ in range(rounds):
            pair: list[Spent] = []
            for write in (ours, theirs):  # each into an empty database: writing over points costs the server more
                server.query("DROP DATABASE evenstride")
                server.query("CREATE DATABASE evenstride")
                pair.append(write(url, points))
                (count,) = server.query("SELECT count(stride_id) FROM stride", "evenstride")
                if count["count"] != sum(point.measurement == STRIDE.name for point in points):
                    raise RuntimeError("not every point of the benchmark is in the database")
            spent.append((pair[0], pair[1]))
    rates = [b.wall_s / a.wall_s for a, b in spent]
    shares = [b.cpu_s / a.cpu_s for a, b in spent]
    how = (
        f"{len(points):,} points of a session (strides: {len(STRIDE.fields)} fields) in batches of {BATCH:,} through a"
        f" path-rewriting proxy into a real InfluxDB 1.6, emptied before each; {rounds} rounds in turn; proxy and"
        " server are processes of their own on the same cores"
    )
    per_s = [len(points) / median(pair[k].wall_s for pair in spent) for k in (0, 1)]
    per_us = [1e6 * median(pair[k].cpu_s for pair in spent) / len(points) for k in (0, 1)]
    return [
        Figure(
            what="points per second beside influxdb-client, batching",
            goal=f">= {RATE:g} x as many",
            measured=f"{spread(rates, 1, 'x')}; {per_s[0]:,.0f} against {per_s[1]:,.0f} a second",
            holds=median(rates) >= RATE,
            how=how,
        ),
        Figure(
            what="CPU per point beside influxdb-client, batching",
            goal=f"<= 1/{SHARE:g}",
            measured=f"1/{spread(shares, 1, '')}; {per_us[0]:.1f} against {per_us[1]:.1f} us",
            holds=median(shares) >= SHARE,
            how=how + "; CPU time of the writing process, all threads",
        ),
    ]


def _backfill(folder: Path, *, sessions: int, seconds: int, rounds: int) -> Figure:
    with Store.open(folder / "season") as store:
        fill(store, sessions=sessions + 1, seconds=seconds, material_s=min(300, seconds))
        strides = store.count_strides("day-0")
    per_session: list[tuple[float, float, float]] = []  # wall, CPU writing, CPU of the server
    for n in range(rounds):
        one, all_of_them = (_written(folder, f"{n}-{k}", k) for k in (1, sessions + 1))
        per_session.append(
            (
                (all_of_them[0] - one[0]) / sessions,
                (all_of_them[1] - one[1]) / sessions,
                (all_of_them[2] - one[2]) / sessions,
            )
        )
    share = SEASON * LASTING_S / seconds
    walls_s, writing_s, serving_s = ([each[k] * share for each in per_session] for k in range(3))
    return Figure(
        what=f"{SEASON} sessions of an hour backfilled into InfluxDB",
        goal=f"<= {SEASON_S:g} s",
        measured=(
            f"{spread(walls_s, 0, 's')}; CPU {median(writing_s):.0f} s writing, {median(serving_s):.0f} s of the server"
        ),
        holds=median(walls_s) <= SEASON_S,
        how=(
            f"`evenstride stack backfill` of {sessions + 1} sessions of {seconds} s less the same of one, scaled to"
            f" {SEASON} hours ({strides:,} strides a session); store to a real InfluxDB 1.6 on the same cores; wall"
            " time"
        ),
    )


def _written(folder: Path, name: str, sessions: int) -> tuple[float, float, float]:
    """Backfill the first `sessions` of the season: wall seconds, CPU seconds of the command and of the server."""
    begun_s = _children_s()
    with influxd(folder / f"influx-{name}") as server:
        settings = {"EVENSTRIDE_INFLUX_URL": server.url, "EVENSTRIDE_INFLUX_VERSION": "1"}
        started_s = time.perf_counter()
        wanted = [f"day-{day}" for day in range(sessions)]
        subprocess.run(
            [EVENSTRIDE, "stack", "backfill", *wanted, "--data", str(folder / "season")],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | settings,
        )
        wall_s, writing_s = time.perf_counter() - started_s, _children_s() - begun_s
        found = server.query("SELECT count(stride_id) FROM stride GROUP BY session", "evenstride")
        if len(found) != sessions or len({row["count"] for row in found}) != 1:
            raise RuntimeError("not every stride of the season is in the database")
    return wall_s, writing_s, _children_s() - begun_s - writing_s


def _children_s() -> float:
    """CPU of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _published(port: int, points: list[Point], every_s: float) -> dict[int, int]:
    sent_ns: dict[int, int] = {}
    async with MqttPublisher(MqttTarget(host="127.0.0.1", port=port, user="gait", password="secret")) as publisher:
        await publisher.deliver([])
        for point in points:
            sent_ns[point.time_ns] = time.monotonic_ns()
            await publisher.deliver([point])
            await asyncio.sleep(every_s)
    return sent_ns


def _mqtt(folder: Path, *, n: int, every_s: float = 0.02) -> Figure:
    with Store.open(folder / "mqtt") as store:
        fill(store, sessions=1, seconds=max(60, n), material_s=60)
        points = [p for p in session_points(store, "day-0") if p.measurement == STRIDE.name][:n]
    log = folder / "arrivals"
    with mosquitto(folder / "broker") as broker:
        words = [sys.executable, _EAR, str(broker.port), str(log), str(len(points))]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as ear:
            assert ear.stdout is not None
            ear.stdout.readline()
            sent_ns = asyncio.run(_published(broker.port, points, every_s))
            ear.wait(timeout=30.0)
    arrivals = [line.split() for line in log.read_text().splitlines()]
    late_ms = [(int(at_ns) - sent_ns[int(time_ns)]) / 1e6 for time_ns, at_ns in arrivals]
    p99 = percentile(late_ms, 99)
    return Figure(
        what="MQTT from publisher to subscriber, QoS 1, p99",
        goal=f"<= {LATE_MS:g} ms",
        measured=f"{p99:.2f} ms (p50 {percentile(late_ms, 50):.2f}, worst {max(late_ms):.2f})",
        holds=p99 <= LATE_MS,
        how=(
            f"{len(late_ms):,} strides, one every {1000 * every_s:g} ms, from the point handed over to the subscriber's"
            " callback in another process; real mosquitto, loopback, password, no TLS"
        ),
    )


def run(
    *, n: int = 20_000, rounds: int = 5, sessions: int = 6, seconds: int = 3600, messages: int = 2000, fills: int = 3
) -> list[Figure]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        return [
            *_beside_the_client(folder, n=n, rounds=rounds),
            _backfill(folder, sessions=sessions, seconds=seconds, rounds=fills),
            _mqtt(folder, n=messages),
        ]
