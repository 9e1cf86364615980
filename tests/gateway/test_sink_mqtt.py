"""Results on a real mosquitto: topics, payloads by their schema, retained state, last will, a broker that goes."""

import asyncio
import gc
import json
import random
import re
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import aiomqtt
import pytest
from jsonschema import Draft202012Validator
from support.certificates import make_certificates
from support.servers import Broker, mosquitto
from support.store_data import RIGHT_POD, START, assignment, begin, stride

from evenstride_analysis.model import Side
from evenstride_gateway.errors import ConfigError, SinkError
from evenstride_gateway.sinks.collect import collect
from evenstride_gateway.sinks.follower import Follower
from evenstride_gateway.sinks.messages import json_schema
from evenstride_gateway.sinks.mqtt import IN_FLIGHT, MqttPublisher
from evenstride_gateway.sinks.points import epoch_ns
from evenstride_gateway.sinks.schema import STRIDE, Kind, Point
from evenstride_gateway.sinks.targets import MqttTarget
from evenstride_gateway.store import Store


@pytest.fixture
def broker(tmp_path: Path) -> Any:
    with mosquitto(tmp_path / "broker") as running:
        yield running


def target(broker: Broker, **other: Any) -> MqttTarget:
    values: dict[str, Any] = {"host": "127.0.0.1", "port": broker.port, "user": "gait", "password": "secret"}
    return MqttTarget(**(values | other))


def listener(broker: Broker) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", broker.port, username="gait", password="secret")


def follower(store: Store, publisher: MqttPublisher) -> Follower:
    async def write(work: Callable[[Store], object]) -> object:
        return work(store)

    return Follower(
        name="mqtt", store=store, write=write, collect=collect, deliver=publisher.deliver, rng=random.Random(1)
    )


async def heard(messages: Any, n: int) -> list[tuple[str, dict[str, Any], bool]]:
    found: list[tuple[str, dict[str, Any], bool]] = []
    async with asyncio.timeout(20):
        while len(found) < n:
            message = await anext(messages)
            found.append((str(message.topic), json.loads(message.payload), message.retain))
    return found


def check(topic: str, payload: dict[str, Any]) -> None:
    schema = json_schema()
    Draft202012Validator(schema | {"$ref": f"#/$defs/{topic.rsplit('/', 1)[1]}"}).validate(payload)


def test_strides_and_state_arrive_by_their_schema(broker: Broker, tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        async with listener(broker) as client, MqttPublisher(target(broker)) as publisher:
            await client.subscribe("evenstride/anna/#", qos=1)
            store.apply_strides("s1", [stride(0, 300), stride(300, 600, pod_id=RIGHT_POD, impact_mps2=None)])
            await follower(store, publisher).drain()
            found = await heard(client.messages, 3)
            for topic, payload, _ in found:
                check(topic, payload)
            left, right = (payload for topic, payload, _ in found if topic.endswith("/stride"))
            assert (left["side"], right["side"], right["impact_g"]) == ("left", "right", None)
            assert left["time_ns"] == epoch_ns(START)
        async with listener(broker) as late:
            await late.subscribe("evenstride/+/state", qos=1)
            ((topic, state, retained),) = await heard(late.messages, 1)
            assert (topic, state["running"], retained) == ("evenstride/anna/state", True, True)

    with Store.open(tmp_path / "data") as store:
        begin(store)
        asyncio.run(scenario(store))


def test_a_broker_that_forgot_gets_the_last_state_again(broker: Broker, tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        async with MqttPublisher(target(broker)) as publisher:
            walk = follower(store, publisher)
            store.apply_strides("s1", [stride(0, 300)])
            await walk.drain()
            broker.stop()  # it keeps nothing
            broker.start()
            store.apply_strides("s1", [stride(300, 600)])
            await walk.drain()
        async with listener(broker) as late:
            await late.subscribe("evenstride/+/state", qos=1)
            ((topic, state, retained),) = await heard(late.messages, 1)
            assert (topic, state["session"], retained) == ("evenstride/anna/state", "s1", True)

    with Store.open(tmp_path / "data") as store:
        begin(store)
        asyncio.run(scenario(store))


def test_no_more_than_twenty_are_under_way(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, most = 0, 0
    publish = aiomqtt.Client.publish

    async def counted(client: aiomqtt.Client, *arguments: Any, **options: Any) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await publish(client, *arguments, **options)
        now -= 1

    async def scenario(store: Store) -> None:
        async with MqttPublisher(target(broker)) as publisher:
            store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(90)])
            await follower(store, publisher).drain()

    monkeypatch.setattr(aiomqtt.Client, "publish", counted)
    with Store.open(tmp_path / "data") as store:
        begin(store)
        asyncio.run(scenario(store))
    assert most == IN_FLIGHT == 20


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_certificates(tmp_path: Path) -> None:
    ours, others = make_certificates(tmp_path / "ours"), make_certificates(tmp_path / "others")
    extra = f"cafile {ours.authority}\ncertfile {ours.certificate}\nkeyfile {ours.key}\n"

    async def scenario(ca_file: Path | str) -> None:
        async with MqttPublisher(target(broker, tls=True, ca_file=str(ca_file))) as publisher:
            assert await publisher.deliver([]) == []

    def said(ca_file: Path | str) -> tuple[str, float | None]:
        with pytest.raises(SinkError) as error:
            asyncio.run(scenario(ca_file))
        (words,) = re.findall("shows .* here", str(error.value))
        return words, error.value.retry_after_s

    with mosquitto(tmp_path / "broker", extra=extra) as broker:
        asyncio.run(scenario(ours.authority))
        for wrong in (others.authority, ""):
            assert said(wrong) == ("shows a certificate that is not trusted here", 60.0)
        with pytest.raises(ConfigError, match=r"mqtt\.ca_file.*PEM"):
            asyncio.run(scenario(tmp_path / "nowhere.pem"))
    gc.collect()  # paho leaves the socket of a failed handshake to the collector


@pytest.mark.parametrize("host", ["no such host", "a..b"])
def test_a_host_that_is_none_is_said_in_words(host: str) -> None:
    async def scenario() -> None:
        async with MqttPublisher(MqttTarget(host=host)) as publisher:
            with pytest.raises(SinkError, match="cannot be reached"):
                await publisher.deliver([])

    asyncio.run(scenario())


def test_odd_names_travel_as_one_level_of_a_topic_and_as_they_are_inside(broker: Broker) -> None:
    names = ["a b", "a,b", 'say "hi"', "Zoë 🏃", "line\nbreak", "a/b", "+", "#", "100 %", "back\\slash", ""]
    by_kind: dict[Kind, Any] = {Kind.FLOAT: 1.5, Kind.INTEGER: 3, Kind.BOOLEAN: True}

    def point(n: int, name: str) -> Point:
        return Point("stride", ("s", name, "p"), tuple(by_kind.get(f.kind, name) for f in STRIDE.fields), n)

    async def scenario() -> None:
        async with listener(broker) as client, MqttPublisher(target(broker)) as publisher:
            await client.subscribe("evenstride/+/stride", qos=1)
            assert await publisher.deliver([point(n, name) for n, name in enumerate(names)]) == []
            found = await heard(client.messages, len(names))
            for topic, payload, _ in found:
                check(topic, payload)
            assert [(p["time_ns"], p["runner"], p["doubt"]) for _, p, _ in found] == [
                (n, name, name) for n, name in enumerate(names)
            ]
            levels = [unquote(topic.split("/")[1]) for topic, _, _ in found]
            assert levels == [name or "none" for name in names]

    asyncio.run(scenario())


def test_a_number_that_is_none_is_refused_and_the_others_go_on(broker: Broker) -> None:
    async def scenario() -> None:
        async with MqttPublisher(target(broker)) as publisher:
            good = Point("session", ("s", "anna"), (False, True, 0.0, 0, 3, 3), 1)
            bad = good._replace(values=(False, True, float("inf"), 0, 3, 3))
            (refused,) = await publisher.deliver([bad, good])
            assert "inf" in refused.content

    asyncio.run(scenario())


def test_a_broker_that_goes_loses_nothing(broker: Broker, tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        async with MqttPublisher(target(broker)) as publisher:
            walk = follower(store, publisher)
            store.apply_strides("s1", [stride(0, 300)])
            await walk.drain()
            broker.stop()
            store.apply_strides("s1", [stride(n * 300, n * 300 + 300) for n in range(1, 30)])
            walking = asyncio.create_task(walk.drain(), name="walk")
            async with asyncio.timeout(20):
                while not walk.health.trouble:  # noqa: ASYNC110 - health is read, as a person reads it
                    await asyncio.sleep(0.01)
            assert "cannot be reached" in walk.health.trouble
            broker.start()
            async with listener(broker) as client:
                await client.subscribe("evenstride/anna/stride", qos=1)
                found = await heard(client.messages, 29)
                await walking
            numbers = [payload["stride_id"] for _, payload, _ in found]
            assert sorted(set(numbers)) == list(range(2, 31))

    with Store.open(tmp_path / "data") as store:
        begin(store)
        asyncio.run(scenario(store))


def test_a_wrong_password_is_said_in_words(broker: Broker) -> None:
    async def scenario() -> None:
        async with MqttPublisher(target(broker, password="wrong")) as publisher:
            with pytest.raises(SinkError, match="refuses user and password"):
                await publisher.deliver([])

    asyncio.run(scenario())


def test_a_gateway_says_that_it_is_there_and_that_it_goes(broker: Broker) -> None:
    async def scenario() -> None:
        async with listener(broker) as client:
            await client.subscribe("evenstride/_gateway/track", qos=1)
            async with MqttPublisher(target(broker, gateway_id="track")) as publisher:
                presence = asyncio.create_task(publisher.show_presence(), name="presence")
                assert [said for _, said, _ in await heard(client.messages, 2)] == [{"online": True}] * 2
                presence.cancel()
            assert (await heard(client.messages, 1))[0][1] == {"online": False}

    asyncio.run(scenario())


def test_the_last_will_of_a_gateway_that_is_cut_off_and_what_it_says_when_it_is_back(broker: Broker) -> None:
    wires: list[asyncio.StreamWriter] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while data := await reader.read(4096):
                writer.write(data)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", broker.port)
        wires.extend((writer, to_broker))
        with suppress(ConnectionError):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(carry(reader, to_broker), name="to the broker")
                tasks.create_task(carry(from_broker, writer), name="from the broker")

    async def scenario() -> None:
        relay = await asyncio.start_server(connected, "127.0.0.1", 0)
        port = relay.sockets[0].getsockname()[1]
        async with relay, listener(broker) as client:
            await client.subscribe("evenstride/_gateway/track", qos=1)
            async with MqttPublisher(target(broker, port=port, gateway_id="track")) as publisher:
                await publisher.deliver([])
                assert (await heard(client.messages, 1))[0][1] == {"online": True}
                for wire in wires:
                    wire.transport.abort()
                assert (await heard(client.messages, 1))[0][1] == {"online": False}
                point = Point("session", ("s", "anna"), (False, True, 0.0, 0, 3, 3), 1)
                with pytest.raises(SinkError, match="cannot be reached"):
                    await publisher.deliver([point])
                assert await publisher.deliver([point]) == []
                assert (await heard(client.messages, 1))[0][1] == {"online": True}
            for wire in wires:
                await wire.wait_closed()

    asyncio.run(scenario())


def test_a_corrected_runner_is_told_on_both_topics(broker: Broker, tmp_path: Path) -> None:
    async def scenario(store: Store) -> None:
        async with listener(broker) as client, MqttPublisher(target(broker)) as publisher:
            walk = follower(store, publisher)
            store.apply_strides("s1", [stride(0, 300)])
            await walk.drain()
            await client.subscribe("evenstride/+/stride", qos=1)
            pods = [a.pod_id for a in store.assignments("s1")]
            sides = (Side.LEFT, Side.RIGHT)
            store.put_assignment(
                *(assignment(pod, side, runner_id="ben") for pod, side in zip(pods, sides, strict=True))
            )
            await walk.drain()
            found = {topic: payload["retired"] for topic, payload, _ in await heard(client.messages, 2)}
            assert found == {"evenstride/anna/stride": True, "evenstride/ben/stride": False}

    with Store.open(tmp_path / "data") as store:
        begin(store)
        asyncio.run(scenario(store))
