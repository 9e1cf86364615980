"""Ten runners, two gateways, one InfluxDB 1.6 and one mosquitto, both killed for ten minutes.

A gateway keeps one runner's balance at a time, so a squad of ten is five runners after one another at each of two
gateways that run side by side: two stores, two radios, twenty legs on four pods. Pods, radio and gateways live in
virtual time; the servers are real processes, and while one of them is asked virtual time stands still.
"""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.cli import evenstride
from support.listener import Listener, listening
from support.patient import patient_sinks
from support.servers import Broker, Influx, influxd, mosquitto
from support.store_data import START
from support.whole_gateway import Run, gateway_run, play

from evenstride_analysis.model import Side
from evenstride_analysis.symmetry import system_of
from evenstride_gateway.config import Config, InfluxConfig, MqttConfig
from evenstride_gateway.rerunning import RunAgain, run_session_again
from evenstride_gateway.sinks.collect import present_point
from evenstride_gateway.sinks.messages import json_schema, payload_of, topic_of
from evenstride_gateway.sinks.points import epoch_ns
from evenstride_gateway.store import CalibrationKind, Store
from evenstride_gateway.virtual.loop import EPOCH_S
from evenstride_gateway.virtual.pod_plan import PodPlan
from evenstride_gateway.virtual.quiet import quiet_bumble

GATEWAYS = ("north-bend", "south-bend")
SQUAD = {
    "north-bend": ("Ada", "Ben", "Cleo", "Dan", "Eva"),
    "south-bend": ("Finn", "Gro", "Hal", "Ida", "Jan"),
}
STARTS_S = (5.0, 60.0, 320.0, 640.0, 740.0)  # of the five sessions; each lasts
LASTS_S = 30.0
OUTAGE_S = 600.0
INFLUX_DIES_S, BROKER_DIES_S = 75.0, 85.0  # in the second session; they come back in the fourth and behind it
LOOK_S = 340.0  # in the third session


def virtual_utc() -> datetime:
    return START + timedelta(seconds=asyncio.get_running_loop().time() - EPOCH_S)


async def at(t_s: float) -> None:
    await asyncio.sleep(EPOCH_S + t_s - asyncio.get_running_loop().time())


def settings(server: Influx, broker: Broker, name: str) -> Config:
    return Config(
        influx=InfluxConfig(url=server.url, version="1"),
        mqtt=MqttConfig.model_validate(
            {"host": "127.0.0.1", "port": broker.port, "user": "gait", "password": "secret", "gateway_id": name}
        ),
    )


async def five_runners(run: Run, names: tuple[str, ...]) -> list[str]:
    """One after another on the gateway's two pods, which are out of range in between; returns the sessions."""
    sessions: list[str] = []
    for name, start_s in zip(names, STARTS_S, strict=True):
        await at(start_s)
        for pod in run.world.pods.values():
            run.away(pod, False)
        await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()), within_s=60.0)
        await run.start(name)
        sessions.append(run.session_id)
        await run.play(LASTS_S)
        await run.gateway.sessions.stop()
        for pod in run.world.pods.values():
            run.away(pod)
    return sessions


async def outages(server: Influx, broker: Broker, listener: Listener) -> None:
    """Both servers are killed and started again; data and queues are on their disks."""
    await at(INFLUX_DIES_S)
    server.stop()
    await at(BROKER_DIES_S)
    listener.settle()
    broker.stop()
    await at(INFLUX_DIES_S + OUTAGE_S)
    server.start()
    await at(BROKER_DIES_S + OUTAGE_S)
    broker.start()
    listener.again()


async def seen_in_the_outage(run: Run) -> None:
    """Both troubles are told, each once, where an operator and a coach look; the live path goes on."""
    await at(LOOK_S)
    before = run.store.count_strides(run.session_id)
    warnings = [text for text in run.warnings_now() if "cannot be reached" in text]
    assert sorted(text.split(" at ")[0] for text in warnings) == ["InfluxDB", "the MQTT broker"]
    assert all("changes wait, nothing is lost" in text for text in warnings)
    page = run.page_now()
    assert all(page.count(text.split(" (")[0]) == 1 for text in warnings)
    await run.play(10.0)
    assert run.store.count_strides(run.session_id) > before + 15


async def corrections(north: tuple[Run, str, str], south: tuple[Run, str]) -> RunAgain:
    """A session's legs were exchanged, another one was Kim's, and a third is run again with another method."""
    run, legs, runner = north
    await run.gateway.legs.swap(session_id=legs)

    def was_kim(store: Store) -> None:
        store.put_assignment(*(replace(a, runner_id="kim") for a in store.assignments(runner)))

    await run.gateway.queue.call(was_kim)
    run, session_id = south
    offset = {"ic_offset_s": 0.004, "tc_offset_s": -0.003}
    await run.gateway.queue.call(
        lambda store: store.put_calibration(CalibrationKind.HARDWARE, "virtual-pod", offset, made_at=START)
    )
    return await run.gateway.queue.call(lambda store: run_session_again(store, session_id, system_of()))


async def caught_up(run: Run) -> None:
    sinks = run.health.sinks.values()

    def done() -> bool:
        return all(sink.behind == 0 and sink.state == "nothing new" for sink in sinks)

    await asyncio.sleep(1.0)
    await run.until(done, within_s=120.0)


async def squad(folder: Path, server: Influx, broker: Broker, listener: Listener) -> RunAgain:
    def entered(n: int, name: str) -> Any:
        plans = {side: PodPlan(pod_id=f"e5e5000000000{n}{k:02x}", skew_ppm=9.0 * n) for k, side in enumerate(Side)}
        return gateway_run(folder / name, plans=plans, settings=settings(server, broker, name), utc=virtual_utc)

    async with entered(0, GATEWAYS[0]) as north, entered(1, GATEWAYS[1]) as south, asyncio.TaskGroup() as tasks:
        tasks.create_task(outages(server, broker, listener), name="outages")
        runs: list[Run] = [north, south]
        running = [
            tasks.create_task(five_runners(run, SQUAD[name]), name=name)
            for name, run in zip(GATEWAYS, runs, strict=True)
        ]
        for run in runs:
            tasks.create_task(seen_in_the_outage(run), name="a look in the outage")
        first, second = [await one for one in running]
        assert not set(first) & set(second), "two gateways began in one second"
        again = await corrections((north, first[0], first[1]), (south, second[2]))
        for run in runs:
            await caught_up(run)
            assert [sink.refused for sink in run.health.sinks.values()] == [0, 0]
            assert [text for text in run.warnings_now() if "reached" in text] == []
            told = [event.text for event in run.health.events if "cannot be reached" in event.text]
            assert len(told) == 2, told
    return again


@pytest.mark.slow
def test_ten_runners_five_after_one_another_at_each_of_two_gateways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_sinks(monkeypatch)
    again: list[RunAgain] = []

    async def scenario() -> None:
        again.append(await squad(tmp_path, server, broker, listener))

    with (
        influxd(tmp_path / "influx") as server,
        mosquitto(tmp_path / "broker", durable=True) as broker,
        listening(broker) as listener,
        quiet_bumble(),
    ):
        play(scenario())
        listener.settle()
        assert again[0].before != again[0].after
        monkeypatch.setenv("EVENSTRIDE_INFLUX_URL", server.url)
        monkeypatch.setenv("EVENSTRIDE_INFLUX_VERSION", "1")
        equal = 0
        for name in GATEWAYS:
            shown = evenstride("stack", "verify", "--data", tmp_path / name, "--json")
            assert shown.code == 0, shown
            found = json.loads(shown.out)
            assert len(found) == 5
            equal += sum(one["equal"] for one in found)
        with Store.open(tmp_path / GATEWAYS[0]) as north, Store.open(tmp_path / GATEWAYS[1]) as south:
            stores = [north, south]
            strides = check_database(server, stores)
            assert strides > 10 * 2 * 0.9 * LASTS_S
            assert equal > strides
            check_messages(listener, stores)
        with listening(broker, "evenstride/+/state") as late:
            late.settle()
        states = {heard.topic.split("/")[1]: heard.payload for heard in late.heard if heard.retained}
        runners = {name.casefold() for names in SQUAD.values() for name in names}
        assert states.keys() == runners | {"kim"}
        assert {name for name, state in states.items() if state["retired"]} == {"ben"}
        assert not any(state["running"] for state in states.values())


def check_database(server: Influx, stores: list[Store]) -> int:
    """Counted without any code of ours: every stride in force once, none under a key that it left."""
    found = server.query("SELECT * FROM stride WHERE retired = false", "evenstride")
    theirs = sorted((row["session"], row["stride_id"], row["runner"], row["side"], row["stance_ms"]) for row in found)
    ours = sorted(
        (s.session_id, s.stride_id, s.runner_id, s.side and s.side.value, 1e3 * s.stride.stance_s)
        for store in stores
        for session in store.sessions()
        for s in store.strides(session.session_id)
    )
    assert theirs == ours
    return len(found)


def check_messages(listener: Listener, stores: list[Store]) -> None:
    """Every stride was heard, and the last that was said of it is what its store says; nothing else is in force."""
    schema = json_schema()
    checks = {leaf: Draft202012Validator(schema | {"$ref": f"#/$defs/{leaf}"}) for leaf in schema["$defs"]}
    last: dict[tuple[str, str, int], dict[str, Any]] = {}
    for heard in listener.heard:
        leaf = heard.topic.rsplit("/", 1)[1]
        if leaf in checks:
            checks[leaf].validate(heard.payload)
        if leaf == "stride":
            last[heard.topic, heard.payload["pod"], heard.payload["time_ns"]] = heard.payload
    wanted: dict[tuple[str, str, int], dict[str, Any]] = {}
    for store in stores:
        for session in store.sessions():
            started_ns = epoch_ns(session.started_at)
            for stored in store.strides(session.session_id):
                point = present_point(stored, started_ns)
                key = (topic_of(point) or "", stored.stride.pod_id, point.time_ns)
                wanted[key] = json.loads(payload_of(point))
    assert {key: payload for key, payload in last.items() if not payload["retired"]} == wanted
