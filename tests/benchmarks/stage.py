"""The stages that load is measured on: a bare bleak subscriber, and the whole gateway with its page, on one radio."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from evenstride_analysis.model import Side
from evenstride_gateway.air.commands import Start
from evenstride_gateway.air.status import Mode
from evenstride_gateway.air.uuids import CONTROL_UUID, DATA_UUID, TIME_UUID
from evenstride_gateway.config import Config, PageConfig
from evenstride_gateway.hosting import Hosted, hosted
from evenstride_gateway.link.source import Source
from evenstride_gateway.store import Store
from evenstride_gateway.virtual.world import World

VIEWER = Path(__file__).with_name("viewer.py")
_POLL_S = 0.05
_READY_S = 60.0


class Subscriber:
    """What is left when the gateway is taken away: bleak, connected and subscribed, and a callback that counts."""

    def __init__(self) -> None:
        self.chunks = 0
        self.size = 0

    def take(self, _: BleakGATTCharacteristic, data: bytearray) -> None:
        self.chunks += 1
        self.size += len(data)


@asynccontextmanager
async def subscribed(world: World) -> AsyncGenerator[Subscriber, None]:
    """Both pods streaming into a bare bleak subscriber, on its own scanner and clients."""
    heard = Subscriber()
    backend = world.backend
    found: dict[str, BLEDevice] = {}

    def seen(device: BLEDevice, _: AdvertisementData) -> None:
        found[device.address] = device

    async with backend.make_scanner("", seen):
        await until(lambda: len(found) == len(world.pods))
    clients = [BleakClient(device, backend=backend.client) for device in found.values()]
    try:
        for client in clients:
            await client.connect()
            for uuid in (CONTROL_UUID, DATA_UUID, TIME_UUID):
                await client.start_notify(uuid, heard.take)
            await client.write_gatt_char(CONTROL_UUID, bytes(Start(mode=Mode.RAW)), response=True)
        yield heard
    finally:
        for client in clients:
            await client.disconnect()


@asynccontextmanager
async def recording(
    source: Source, sides: Mapping[str, Side], store: Store, *, pods: int
) -> AsyncGenerator[tuple[Hosted, str], None]:
    """The gateway on that radio, page served, and the session that it records since all pods stream."""
    config = Config(page=PageConfig(port=0))
    async with (
        source,
        hosted(store=store, source=source, config=config, sides=sides, version="benchmark") as host,
    ):
        async with asyncio.timeout(_READY_S):
            started = await host.gateway.sessions.start_when_streaming("Runner", pods=pods, stop=asyncio.Event())
        yield host, started or ""


@asynccontextmanager
async def viewers(host: Hosted, n: int, log: Path) -> AsyncGenerator[None, None]:
    """`n` open pages in a process of their own; at the end `log` holds what arrived when."""
    process = subprocess.Popen([sys.executable, str(VIEWER), host.url, str(n), str(log)])  # noqa: ASYNC220 - virtual time knows no child processes
    try:
        await until(lambda: host.gateway.hub.viewers == n)
        yield
    finally:
        process.terminate()
        process.wait()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_READY_S):
        while not condition():  # noqa: ASYNC110 - a benchmark looks from outside
            await asyncio.sleep(_POLL_S)
