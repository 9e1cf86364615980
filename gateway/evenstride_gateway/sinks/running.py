"""The sinks that the settings ask for, as tasks beside the gateway: supervised, never in its way."""

import asyncio
import random
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from evenstride_gateway.config import Config, MqttConfig
from evenstride_gateway.errors import ConfigError
from evenstride_gateway.health import Health
from evenstride_gateway.sinks.collect import collect
from evenstride_gateway.sinks.follower import Collect, Follower
from evenstride_gateway.sinks.pods import PodReporter
from evenstride_gateway.sinks.targets import influx_target, mqtt_target
from evenstride_gateway.writing import StoreQueue

LAST_WORDS_S = 5.0  # what a server may still get when the gateway stops; the rest waits for the next start


@asynccontextmanager
async def sinks_running(
    config: Config,
    queue: StoreQueue,
    health: Health,
    rng: random.Random,
    tasks: asyncio.TaskGroup,
    *,
    collecting: Collect = collect,
) -> AsyncGenerator[None, None]:
    """Follow the store into every configured sink; at the end each one has 5 s to catch up.

    `collecting` says what InfluxDB gets; MQTT gets what its topics carry.

    Raises ConfigError when a sink is asked for and its library or its secret is not there.
    """
    async with AsyncExitStack() as stack:
        followers: list[Follower] = []
        chores: list[asyncio.Task[None]] = []
        if config.influx.url:
            follower, reporting = await _influx(config, queue, health, rng, stack, collecting)
            followers.append(follower)
            chores.append(tasks.create_task(reporting, name="sink: pods to influx"))
        if config.mqtt.host:
            follower, showing = await _mqtt(config.mqtt, queue, rng, stack)
            followers.append(follower)
            chores.append(tasks.create_task(showing, name="sink: presence on mqtt"))
        walks = [tasks.create_task(f.run(), name=f"sink: {f.health.name}") for f in followers]
        for follower in followers:
            health.sinks[follower.health.name] = follower.health
        yield
        for task in chores + walks:
            task.cancel()
        if walks:
            await asyncio.wait(walks)
        for follower in followers:
            with suppress(TimeoutError):  # the cursor says where to go on
                async with asyncio.timeout(LAST_WORDS_S):
                    await follower.drain()


async def _influx(
    config: Config,
    queue: StoreQueue,
    health: Health,
    rng: random.Random,
    stack: AsyncExitStack,
    collecting: Collect,
) -> tuple[Follower, Coroutine[None, None, None]]:
    try:
        from evenstride_gateway.sinks.influx import InfluxWriter  # noqa: PLC0415 - an extra, wanted only here
    except ImportError as error:
        raise ConfigError(f"[influx] needs `pip install evenstride[influx]`: {error}") from error
    target = influx_target(config.influx)
    writer = await stack.enter_async_context(InfluxWriter(target))
    of_pods = await stack.enter_async_context(InfluxWriter(target))
    follower = Follower(
        name="influx", store=queue.store, write=queue.call, collect=collecting, deliver=writer.deliver, rng=rng
    )
    writer.health = follower.health
    reporter = PodReporter(health, of_pods.deliver, gateway_id=config.mqtt.gateway_id, sink=follower.health)
    return follower, reporter.run()


async def _mqtt(
    config: MqttConfig, queue: StoreQueue, rng: random.Random, stack: AsyncExitStack
) -> tuple[Follower, Coroutine[None, None, None]]:
    try:
        from evenstride_gateway.sinks.mqtt import MqttPublisher  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(f"[mqtt] needs `pip install evenstride[mqtt]`: {error}") from error
    publisher = await stack.enter_async_context(MqttPublisher(mqtt_target(config)))
    follower = Follower(
        name="mqtt",
        store=queue.store,
        write=queue.call,
        collect=collect,
        deliver=publisher.deliver,
        rng=rng,
        history=False,
    )
    publisher.health = follower.health
    return follower, publisher.show_presence()
