"""Virtual pods, a virtual radio and a BleSource with somebody who reads it: the world of the link tests."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from evenstride_analysis.model import CountArray
from evenstride_gateway.air import Channel, RawFrame
from evenstride_gateway.decode import Unknown, decode
from evenstride_gateway.link.backend import LinkBackend, LinkConfig, Wanted
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.source import Chunk, LinkChange, LinkState
from evenstride_gateway.virtual.backend import make_backends
from evenstride_gateway.virtual.central import Central
from evenstride_gateway.virtual.device import static_address
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.pod import AirRadio, Bends, VirtualPod
from evenstride_gateway.virtual.pod_core import PodCore
from evenstride_gateway.virtual.pod_plan import PodPlan
from evenstride_gateway.virtual.pod_signal import Sensor
from evenstride_gateway.virtual.radio import RadioLink

R = TypeVar("R")
FAST = LinkConfig()


class Still:
    """A sensor at rest: the link does not care what is in a frame."""

    rate_hz = nominal_rate_hz = 416.0

    @property
    def channels(self) -> tuple[Channel, ...]:
        return Sensor().channels

    def counts(self, first_index: int, n: int) -> CountArray:
        return np.zeros((n, 6), dtype=np.int16)


def pod_id(number: int) -> str:
    return f"{0xE0 << 56 | number:016x}"


@dataclass
class Heard:
    """What came out of a source, in order."""

    items: list[Chunk | LinkChange] = field(default_factory=list[Chunk | LinkChange])

    def states(self, pod: str) -> list[LinkState]:
        return [item.state for item in self.items if isinstance(item, LinkChange) and item.pod_id == pod]

    def changes(self, state: LinkState, pod: str | None = None) -> list[LinkChange]:
        return [
            item
            for item in self.items
            if isinstance(item, LinkChange) and item.state is state and pod in (None, item.pod_id)
        ]

    def frames(self, pod: str) -> list[RawFrame]:
        found = [decode(item.data) for item in self.items if isinstance(item, Chunk) and item.pod_id == pod]
        return [message for message in found if isinstance(message, RawFrame)]

    def kinds(self) -> Counter[str]:
        names = Counter[str]()
        for item in self.items:
            if isinstance(item, Chunk):
                message = decode(item.data)
                names["unknown" if isinstance(message, Unknown) else type(message).__name__] += 1
        return names


@dataclass
class World:
    radio: RadioLink
    central: Central
    backend: LinkBackend
    pods: list[VirtualPod]
    source: BleSource
    heard: Heard

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def away(self, number: int, away: bool = True) -> None:
        """Take a pod out of range, or back."""
        radio = self.pods[number].radio
        assert isinstance(radio, AirRadio)
        self.radio.set_away(radio.controller, away)

    async def until(self, condition: Callable[[], bool], *, within_s: float = 20.0) -> float:
        """Wait for a condition; returns how long it took."""
        start_s = self.now()
        while not condition():
            assert self.now() < start_s + within_s, f"not within {within_s} s; {self.source.pods}"
            await asyncio.sleep(0.005)
        return self.now() - start_s

    async def streaming(self, *numbers: int, within_s: float = 20.0) -> float:
        wanted = [pod_id(n) for n in numbers or range(len(self.pods))]
        return await self.until(
            lambda: all(p in self.source.pods and self.source.pods[p].state is LinkState.STREAMING for p in wanted),
            within_s=within_s,
        )

    async def lost(self, number: int, *, within_s: float = 20.0) -> float:
        return await self.until(
            lambda: self.source.pods[pod_id(number)].state is not LinkState.STREAMING, within_s=within_s
        )


@asynccontextmanager
async def world(
    n_pods: int = 1,
    *,
    config: LinkConfig = FAST,
    wanted: Wanted = None,
    mtus: dict[int, int] | None = None,
    bends: dict[int, Bends] | None = None,
    plans: dict[int, PodPlan] | None = None,
    hidden: bool = False,
    start: bool = True,
) -> AsyncGenerator[World]:
    """`n_pods` powered pods and a running source whose items are collected. `hidden`: all pods out of range."""
    radio = RadioLink()
    async with AsyncExitStack() as stack:
        pods = list[VirtualPod]()
        for n in range(n_pods):
            plan = (plans or {}).get(n, PodPlan(pod_id=pod_id(n)))
            core = PodCore(plan, Still())
            air = AirRadio(radio, name=f"pod {n}", address=static_address(n))
            pod = VirtualPod(core, air, mtu=(mtus or {}).get(n, 247), bends=(bends or {}).get(n))
            pods.append(await stack.enter_async_context(pod))
        central = await Central.power_on(radio)
        scanner, client = make_backends(central)
        backend = LinkBackend(scanner=scanner, client=client)
        source = BleSource(backend, wanted=wanted, config=config, rng=random.Random(1))
        here = World(radio, central, backend, pods, source, Heard())
        for n in range(n_pods if hidden else 0):
            here.away(n)
        if not start:
            yield here
            return
        async with asyncio.TaskGroup() as tasks, source:
            tasks.create_task(_collect(here), name="reader")
            yield here


async def _collect(here: World) -> None:
    async for item in here.source:
        here.heard.items.append(item)


def run(scenario: Coroutine[Any, Any, R], *, limit_s: float = 300) -> R:
    return run_virtual(scenario, limit_s=limit_s)
