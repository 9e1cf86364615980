"""Results on MQTT, QoS 1: strides, symmetry, the state of the runner, and whether this gateway is there."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

import aiomqtt

from evenstride_gateway.errors import SinkError
from evenstride_gateway.health import SinkHealth
from evenstride_gateway.sinks.follower import Refused
from evenstride_gateway.sinks.messages import PRESENCE, payload_of, topic_of
from evenstride_gateway.sinks.schema import SESSION, Point
from evenstride_gateway.sinks.targets import MqttTarget, tls_context

IN_FLIGHT = 20
TIMEOUT_S = 10.0
PRESENCE_S = 15.0
MOST_STATES = 1000  # runners whose last state is said again to a broker that may have forgotten it


class MqttPublisher:
    """`async with MqttPublisher(target) as publisher`: connects when first needed, and again after a loss.

    Raises ConfigError when the certificates of `ca_file` cannot be read.
    """

    def __init__(self, target: MqttTarget) -> None:
        self.health: SinkHealth | None = None  # where a broker that is away is told although there are no results
        self._target = target
        self._tls = tls_context(target.ca_file, "mqtt.ca_file") if target.tls else None
        self._states: dict[str, bytes] = {}
        self._client: aiomqtt.Client | None = None
        self._stack = AsyncExitStack()
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            with suppress(SinkError):  # a broker that is gone publishes the last will, which says the same
                await self._publish_presence(self._client, here=False)
        await self._leave()

    async def deliver(self, points: Sequence[Point]) -> list[Refused]:
        """Publish in order of the points, at most 20 unacknowledged. Raises SinkError when the broker is away.

        A message counts as delivered when the broker has acknowledged it.
        """
        client = await self._connected()
        messages: list[tuple[str, bytes, bool]] = []
        refused: list[Refused] = []
        for point in points:
            topic = topic_of(point)
            if topic is not None:
                try:
                    messages.append((topic, payload_of(point), point.measurement == SESSION.name))
                except ValueError as error:  # a number that is none
                    refused.append(Refused(content=str(point), reason=str(error)))
        await self._publish(client, messages)
        return refused

    async def _publish(self, client: aiomqtt.Client, messages: Sequence[tuple[str, bytes, bool]]) -> None:
        for start in range(0, len(messages), IN_FLIGHT):
            lost: BaseException | None = None
            try:
                async with asyncio.TaskGroup() as tasks:
                    for topic, payload, retain in messages[start : start + IN_FLIGHT]:
                        publishing = client.publish(topic, payload, qos=1, retain=retain, timeout=TIMEOUT_S)
                        tasks.create_task(publishing, name=f"mqtt: {topic}")
            except* aiomqtt.MqttError as errors:
                lost = errors.exceptions[0]
            if lost is not None:
                await self._leave()
                raise self._away(lost)
        for topic, payload, retain in messages:
            if retain:
                self._states.pop(topic, None)
                self._states[topic] = payload
        while len(self._states) > MOST_STATES:
            del self._states[next(iter(self._states))]

    async def show_presence(self) -> None:
        """For ever: be connected, and say so every 15 s, so that a broker that was restarted knows too."""
        while True:
            try:
                await self._publish_presence(await self._connected(), here=True)
            except SinkError as error:
                self._tell(str(error))
                await self._leave()
            else:
                self._tell("")
            await asyncio.sleep(PRESENCE_S)

    def _tell(self, trouble: str) -> None:
        if self.health is not None:
            self.health.beside = trouble

    async def _publish_presence(self, client: aiomqtt.Client, *, here: bool) -> None:
        try:
            await client.publish(self._presence_topic, _presence(here=here), qos=1, retain=True, timeout=TIMEOUT_S)
        except aiomqtt.MqttError as error:
            raise self._away(error) from error

    @property
    def _presence_topic(self) -> str:
        return f"{PRESENCE}/{self._target.gateway_id}"

    async def _connected(self) -> aiomqtt.Client:
        async with self._connecting:
            if self._client is None:
                target = self._target
                client = aiomqtt.Client(
                    target.host,
                    target.port,
                    username=target.user or None,
                    password=target.password or None,
                    identifier=f"evenstride-{target.gateway_id}",
                    will=aiomqtt.Will(self._presence_topic, _presence(here=False), qos=1, retain=True),
                    timeout=TIMEOUT_S,
                    max_inflight_messages=IN_FLIGHT,
                    max_queued_outgoing_messages=2 * IN_FLIGHT,
                    tls_context=self._tls,
                )
                client.pending_calls_threshold = IN_FLIGHT  # beyond it the library complains on the terminal
                try:
                    await self._stack.enter_async_context(client)
                    known = {self._presence_topic: _presence(here=True)} | self._states  # else the last will stands
                    for topic, payload in known.items():
                        await client.publish(topic, payload, qos=1, retain=True, timeout=TIMEOUT_S)
                except (aiomqtt.MqttError, ValueError) as error:  # ValueError: a host that is no name
                    raise self._away(error) from error
                self._client = client
            return self._client

    async def _leave(self) -> None:
        async with self._connecting:
            self._client = None
            stack, self._stack = self._stack, AsyncExitStack()
            with suppress(aiomqtt.MqttError):  # it was lost already
                await stack.aclose()

    def _away(self, error: BaseException) -> SinkError:
        where, text = f"the MQTT broker at {self._target.host}:{self._target.port}", str(error)
        if "ot authorized" in text or "ad user name" in text or "ad username" in text:
            return SinkError(f"{where} refuses user and password: check `[mqtt]` and the secret", retry_after_s=60.0)
        if "certificate" in text:
            return SinkError(
                f"{where} shows a certificate that is not trusted here: check the address and `[mqtt] ca_file`"
                f" ({text})",
                retry_after_s=60.0,
            )
        return SinkError(f"{where} cannot be reached ({text}): tried again")


def _presence(*, here: bool) -> bytes:
    return json.dumps({"online": here}).encode()
