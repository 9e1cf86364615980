"""A virtual radio with small pods, a virtual adapter, and bleak on it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice

from evenstride_gateway.virtual.backend import Backends, make_backends
from evenstride_gateway.virtual.central import Central
from evenstride_gateway.virtual.radio import RadioLink
from fakes.small_pod import DATA, FRAME, SmallPod


@dataclass
class SmallWorld:
    link: RadioLink
    central: Central
    backends: Backends
    pods: list[SmallPod] = field(default_factory=list[SmallPod])

    async def find(self, name: str, *, within_s: float = 5) -> BLEDevice:
        found = await BleakScanner.find_device_by_name(name, timeout=within_s, backend=self.backends.scanner)
        assert found is not None, f"{name} was not found"
        return found

    def client(
        self, device: BLEDevice, *, timeout: float = 5, pair: bool = False, lost: Callable[[], None] | None = None
    ) -> BleakClient:
        def on_lost(_client: BleakClient) -> None:
            if lost is not None:
                lost()

        return BleakClient(
            device, disconnected_callback=on_lost, timeout=timeout, pair=pair, backend=self.backends.client
        )

    async def connect(self, name: str) -> BleakClient:
        client = self.client(await self.find(name))
        await client.connect()
        return client


async def small_world(
    pods: int = 1, *, supervision_s: float = 2.0, interval_s: float = 0.015, link: RadioLink | None = None
) -> SmallWorld:
    link = link or RadioLink()
    central = await Central.power_on(link, interval_s=interval_s, supervision_s=supervision_s)
    made = [await SmallPod.on(link, number) for number in range(1, pods + 1)]
    return SmallWorld(link, central, make_backends(central), made)


class Inbox:
    """Frames as they arrive: (number, sent_s, arrival_s, length)."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, float, float, int]] = []

    def put(self, _characteristic: object, value: bytearray) -> None:
        number, sent_s = FRAME.unpack_from(value)
        self.frames.append((number, sent_s, asyncio.get_running_loop().time(), len(value)))

    async def subscribe(self, client: BleakClient, uuid: str = DATA) -> None:
        await client.start_notify(uuid, self.put)

    @property
    def numbers(self) -> list[int]:
        return [frame[0] for frame in self.frames]

    @property
    def worst_latency_s(self) -> float:
        return max(arrival_s - sent_s for _, sent_s, arrival_s, _ in self.frames)

    @property
    def longest_silence_s(self) -> float:
        arrivals = [frame[2] for frame in self.frames]
        return max(b - a for a, b in pairwise(arrivals))


async def until(condition: Callable[[], object], *, within_s: float = 10) -> float:
    """Wait for `condition`, polling in loop time; returns the time waited, s. TimeoutError after `within_s`."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  # conditions are plain attributes of Bumble objects
            await asyncio.sleep(0.005)
    return loop.time() - start_s
