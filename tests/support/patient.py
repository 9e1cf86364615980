"""Sinks of a gateway in virtual time whose servers are real: while one is asked, virtual time stands still."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager

import aiomqtt
import pytest

from evenstride_gateway.sinks.follower import Refused
from evenstride_gateway.sinks.influx import InfluxWriter
from evenstride_gateway.sinks.mqtt import MqttPublisher
from evenstride_gateway.sinks.schema import Point
from evenstride_gateway.virtual.loop import VirtualLoop


def outside() -> AbstractContextManager[None]:
    """Real time for what another process answers."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.outside()


class PatientWriter(InfluxWriter):
    async def deliver(self, points: Sequence[Point]) -> list[Refused]:
        with outside():
            return await super().deliver(points)


class PatientPublisher(MqttPublisher):
    async def deliver(self, points: Sequence[Point]) -> list[Refused]:
        with outside():
            return await super().deliver(points)

    async def _publish_presence(self, client: aiomqtt.Client, *, here: bool) -> None:
        with outside():
            await super()._publish_presence(client, here=here)

    async def _connected(self) -> aiomqtt.Client:
        with outside():
            return await super()._connected()

    async def _leave(self) -> None:
        with outside():
            await super()._leave()


def patient_sinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every gateway that is wired from now on has them."""
    monkeypatch.setattr("evenstride_gateway.sinks.influx.InfluxWriter", PatientWriter)
    monkeypatch.setattr("evenstride_gateway.sinks.mqtt.MqttPublisher", PatientPublisher)
