"""Results on a real mosquitto: topics, payloads by their schema, retained state, last will, a broker that goes."""

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from jsonschema import Draft202012Validator
from support.servers import Broker, mosquitto
from support.store_data import RIGHT_POD, START, assignment, begin, stride

from evenstride_analysis.model import Side
from evenstride_gateway.errors import SinkError
from evenstride_gateway.sinks.collect import collect
from evenstride_gateway.sinks.follower import Follower
from evenstride_gateway.sinks.messages import json_schema
from evenstride_gateway.sinks.mqtt import MqttPublisher
from evenstride_gateway.sinks.points import epoch_ns
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


def test_the_last_will_says_that_the_gateway_is_gone(broker: Broker) -> None:
    async def scenario() -> None:
        async with listener(broker) as client:
            await client.subscribe("evenstride/_gateway/track", qos=1)
            async with MqttPublisher(target(broker, gateway_id="track")) as publisher:
                presence = asyncio.create_task(publisher.show_presence(), name="presence")
                assert (await heard(client.messages, 1))[0][1] == {"online": True}
                presence.cancel()
            assert (await heard(client.messages, 1))[0][1] == {"online": False}

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
