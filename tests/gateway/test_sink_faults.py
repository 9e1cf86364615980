"""What may be wrong with a server, on the real ones where they can be made so: told once, in words that help."""

import asyncio
import random
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.certificates import make_certificates
from support.servers import Influx, influxd
from support.standin_influx2 import ORG, TOKEN, stand_in_influx2
from support.store_data import begin, stride
from support.whole_gateway import gateway_run, play

from evenstride_gateway.config import Config, InfluxConfig, MqttConfig, load_config
from evenstride_gateway.errors import ConfigError, SinkError
from evenstride_gateway.health import Health, SinkHealth
from evenstride_gateway.sinks.collect import collect, session_points
from evenstride_gateway.sinks.follower import Follower, Refused
from evenstride_gateway.sinks.influx import InfluxWriter
from evenstride_gateway.sinks.pods import PodReporter
from evenstride_gateway.sinks.schema import Point
from evenstride_gateway.sinks.targets import InfluxTarget, Version
from evenstride_gateway.store import Store
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.quiet import quiet_bumble

LINE = "stride,session=s1,runner=anna,pod=p stance_ms=250 1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with influxd(tmp_path_factory.mktemp("influx")) as running:
        yield running


def said(target: InfluxTarget) -> SinkError:
    """What the writer says of a server that does not take a line."""

    async def scenario() -> SinkError:
        async with InfluxWriter(target) as writer:
            with pytest.raises(SinkError) as error:
                await writer.write([LINE])
            return error.value

    return asyncio.run(scenario())


@contextmanager
def stalled() -> Generator[int]:
    """The port of a server that accepts and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_wrong_password_of_a_1x_server_that_asks(tmp_path: Path) -> None:
    first = "CREATE USER gait WITH PASSWORD 'right' WITH ALL PRIVILEGES"
    with influxd(tmp_path, extra="  auth-enabled = true\n", first=first) as server:
        target = InfluxTarget(url=server.url, version=Version.V1, bucket="evenstride", user="gait", password="wrong")
        error = said(target)
    assert "refuses user and password: check `[influx]`" in str(error)
    assert "wrong" not in str(error)
    assert error.retry_after_s == 60.0


def test_another_version_than_the_settings_say(server: Influx) -> None:
    error = said(InfluxTarget(url=server.url, version=Version.V2, bucket="evenstride", org="o", token="t"))
    assert "is version 1.6" in str(error)
    assert "says 2" in str(error)


def test_a_version_that_nobody_knows_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'1', '2' or '3'"):
        load_config(tmp_path, environment={"EVENSTRIDE_INFLUX_VERSION": "4"})


@pytest.mark.parametrize("other", [{"url": "http://[::1"}, {"token": "emoji 🏃"}, {"token": "two\nlines"}])
def test_a_target_that_is_none_is_a_wrong_setting(other: dict[str, str]) -> None:
    values = {"url": "http://127.0.0.1:1", "bucket": "b", "token": "t"} | other
    with pytest.raises(ConfigError, match=r"\[influx\]") as error:
        InfluxWriter(InfluxTarget(version=Version.V2, **values))
    assert other.get("token", "never") not in str(error.value)


def test_certificates(tmp_path: Path) -> None:
    ours, others = make_certificates(tmp_path / "ours"), make_certificates(tmp_path / "others")
    extra = f'  https-enabled = true\n  https-certificate = "{ours.certificate}"\n  https-private-key = "{ours.key}"\n'

    async def write(target: InfluxTarget) -> list[Refused]:
        async with InfluxWriter(target) as writer:
            return await writer.write([LINE])

    def target(ca_file: Path | str) -> InfluxTarget:
        return InfluxTarget(url=server.url, version=Version.V1, bucket="evenstride", ca_file=str(ca_file))

    with influxd(tmp_path / "influx", extra=extra) as server:
        assert asyncio.run(write(target(ours.authority))) == []
        for wrong in (others.authority, ""):
            error = said(target(wrong))
            assert "shows a certificate that is not trusted here" in str(error)
            assert error.retry_after_s == 60.0
    with pytest.raises(ConfigError, match=r"influx\.ca_file.*PEM"):
        InfluxWriter(target(tmp_path / "nowhere.pem"))
    with pytest.raises(ConfigError, match=r"influx\.ca_file.*PEM"):
        InfluxWriter(target(ours.key))


@pytest.mark.parametrize("answer", [(507, {}, "{}"), (500, {}, '{"message": "write /x: no space left on device"}')])
def test_a_disk_that_is_full_by_a_stand_in(answer: Any) -> None:
    with stand_in_influx2() as server:
        server.buckets["evenstride"] = {"id": "1", "name": "evenstride"}
        server.answers = [answer]
        error = said(InfluxTarget(url=server.url, version=Version.V2, bucket="evenstride", org=ORG, token=TOKEN))
    assert "no disk space left" in str(error)
    assert error.retry_after_s == 60.0


def test_a_server_that_accepts_and_says_nothing_is_given_ten_seconds() -> None:
    async def scenario() -> float:
        started_s = asyncio.get_running_loop().time()
        async with InfluxWriter(InfluxTarget(url=f"http://127.0.0.1:{port}", version=Version.V1, bucket="b")) as writer:
            with pytest.raises(SinkError, match="takes the data and does not answer"):
                await writer.write([LINE])
        return asyncio.get_running_loop().time() - started_s

    with stalled() as port:
        assert run_virtual(scenario()) == pytest.approx(10.0)


def test_a_clock_that_is_hours_off_is_told_and_changes_no_time(server: Influx) -> None:
    health = Health()
    health.sinks["influx"] = SinkHealth(name="influx")

    async def scenario(ours: datetime) -> None:
        target = InfluxTarget(url=server.url, version=Version.V1, bucket="evenstride")
        async with InfluxWriter(target, utc=lambda: ours) as writer:
            writer.health = health.sinks["influx"]
            assert await writer.write([LINE]) == []

    asyncio.run(scenario(datetime.now(UTC) - timedelta(hours=3)))
    for now_s in (1.0, 2.0):
        health.review(now_s)
    (warning,) = health.warnings.values()
    assert "the server's clock is +10" in warning.text
    assert len(health.events) == 1
    assert [row["time"] for row in server.query("SELECT stance_ms FROM stride", "evenstride")] == [1]
    asyncio.run(scenario(datetime.now(UTC)))
    health.review(3.0)
    assert not health.warnings


def test_a_number_that_is_none_is_parked_and_the_others_go_on(server: Influx, tmp_path: Path) -> None:
    def spoilt(store: Store, after: int, limit: int) -> Any:
        step = collect(store, after, limit)
        for n, point in enumerate(step.points):
            if point.measurement == "stride" and point.values[1] == 2:
                points: list[Point] = list(step.points)
                points[n] = point._replace(values=(*point.values[:4], float("nan"), *point.values[5:]))
                return type(step)(upto=step.upto, points=points)
        return step

    async def write(work: Any) -> object:
        return work(store)

    async def scenario() -> Follower:
        target = InfluxTarget(url=server.url, version=Version.V1, bucket="evenstride")
        async with InfluxWriter(target) as writer:
            rng = random.Random(1)
            follower = Follower(
                name="influx", store=store, write=write, collect=spoilt, deliver=writer.deliver, rng=rng
            )
            await follower.drain()
            return follower

    with Store.open(tmp_path) as store:
        begin(store)
        store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(3)])
        follower = asyncio.run(scenario())
        (parked,) = store.parked("influx")
        assert parked.reason == "stride.stance_ms = nan: a finite number was expected"
        assert follower.health.refused == 1
        assert len(server.query("SELECT * FROM stride WHERE stride_id > 0", "evenstride")) == 2
        assert len(session_points(store, "s1")) > 3


def test_what_is_wrong_is_told_before_there_is_any_result() -> None:
    health = Health()
    sink = health.sinks["influx"] = SinkHealth(name="influx")
    health.pod("aa")
    answers: list[SinkError | None] = [SinkError("the token is refused"), SinkError("the token is refused"), None]

    async def deliver(points: Sequence[Point]) -> list[Refused]:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return []

    async def scenario() -> None:
        reporter = PodReporter(health, deliver, gateway_id="gateway", sink=sink)
        for _ in range(2):
            await reporter.report()
            health.review(asyncio.get_running_loop().time())
        assert [w.text for w in health.warnings.values()] == ["the token is refused; nothing is lost"]
        assert len(health.events) == 1
        await reporter.report()
        health.review(asyncio.get_running_loop().time())
        assert not health.warnings

    asyncio.run(scenario())


def test_servers_that_stall_are_told_once_and_hold_up_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = Config(
            influx=InfluxConfig(url=f"http://127.0.0.1:{database}", version="1"),
            mqtt=MqttConfig(host="127.0.0.1", port=broker),
        )
        async with gateway_run(tmp_path, settings=settings) as run:
            await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))
            await run.start()
            await run.play(15.0)
            early = run.store.count_strides(run.session_id)
            told = sorted(text.partition(" at ")[0] for text in run.warnings_now())
            assert told == ["InfluxDB", "the MQTT broker"]
            await run.play(10.0)
            assert run.store.count_strides(run.session_id) > early + 10
            assert run.page_now().count("takes the data and does not answer") == 1
            events = [event.text for event in run.health.events if "InfluxDB" in event.text or "MQTT" in event.text]
            assert len(events) == 2, events

    with stalled() as database, stalled() as broker, quiet_bumble():
        play(scenario())
