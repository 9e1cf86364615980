"""A virtual runner with two pods, an adapter and the air between them: what `demo` and the tests connect to."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from evenstride_analysis.model import Side, Stride
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.link.backend import LinkBackend
from evenstride_gateway.virtual.backend import make_backends
from evenstride_gateway.virtual.central import Central
from evenstride_gateway.virtual.device import static_address
from evenstride_gateway.virtual.flash_log import Flash
from evenstride_gateway.virtual.pod import AirRadio, Bends, VirtualPod
from evenstride_gateway.virtual.pod_core import PodCore
from evenstride_gateway.virtual.pod_plan import PodPlan
from evenstride_gateway.virtual.pod_signal import Sensor, SignalSource
from evenstride_gateway.virtual.radio import RadioLink

POD_IDS = {Side.LEFT: "e5e50000000000a1", Side.RIGHT: "e5e50000000000b2"}
SKEW_PPM = {Side.LEFT: 18.0, Side.RIGHT: -12.0}  # two ordinary crystals
FIRST_TICK = {Side.LEFT: 5_000_000, Side.RIGHT: 91_000_000}  # the pods were switched on long before


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that is virtual; `backend` is what a BleSource is given."""

    link: RadioLink
    central: Central
    backend: LinkBackend
    pods: dict[Side, VirtualPod] = field(default_factory=dict[Side, VirtualPod])
    start_s: float  # loop time at which sample 0 of both signals was taken

    @property
    def sides(self) -> dict[str, Side]:
        return {pod.pod_id: side for side, pod in self.pods.items()}

    def runner_s(self, side: Side, pod_s: float) -> float:
        """Runner seconds (from the signal's sample 0) at a pod time of the present boot: no real gateway knows it."""
        core = self.pods[side].core
        index = (pod_s * TICK_HZ - core.clock.first_tick) / core.clock.ticks_per_sample
        first_s, second_s = core.sample_s(0), core.sample_s(1)
        return first_s + index * (second_s - first_s) - self.start_s


def detector_factory(pod_id: str, signal: SignalSource, sensor: Sensor) -> StrideDetector:
    """The detector that runs on board a virtual pod: the gateway's own."""
    return StrideDetector(
        pod_id=pod_id,
        rate_hz=signal.nominal_rate_hz,
        accel_range_mps2=sensor.accel_range_mps2,
        gyro_range_radps=sensor.gyro_range_radps,
    )


@asynccontextmanager
async def virtual_world(
    signals: Mapping[Side, SignalSource],
    *,
    link: RadioLink | None = None,
    plans: Mapping[Side, PodPlan] | None = None,
    flash_bytes: int | None = None,
    records: bool = False,
    mtu: Mapping[Side, int] | None = None,
    bends: Mapping[Side, Bends] | None = None,
    interval_s: float = 0.015,
) -> AsyncGenerator[World, None]:
    """A powered adapter and one advertising pod per signal, until the context ends.

    `records`: the pods also compute strides on board. `flash_bytes`: what a pod's raw log holds (None = as usual).
    """
    air = link or RadioLink()
    central = await Central.power_on(air, interval_s=interval_s)
    scanner, client = make_backends(central)
    start_s = asyncio.get_running_loop().time()
    world = World(link=air, central=central, backend=LinkBackend(scanner, client), start_s=start_s)
    async with AsyncExitStack() as stack:
        for number, (side, signal) in enumerate(signals.items(), start=1):
            plan = (plans or {}).get(side) or PodPlan(
                pod_id=POD_IDS[side], skew_ppm=SKEW_PPM[side], first_tick=FIRST_TICK[side]
            )
            core = PodCore(
                plan,
                signal,
                flash=None if flash_bytes is None else Flash.blank(capacity_bytes=flash_bytes),
                detector=(lambda p=plan.pod_id, s=signal: detector_factory(p, s, Sensor())) if records else None,
                signal_start_s=start_s,
            )
            radio = AirRadio(air, name=f"pod-{side.value}", address=static_address(number))
            pod = VirtualPod(core, radio, mtu=(mtu or {}).get(side, 247), bends=(bends or {}).get(side))
            world.pods[side] = await stack.enter_async_context(pod)
        yield world


class RunnerTime(Protocol):
    """A world that knows when its runner did what."""

    def runner_s(self, side: Side, pod_s: float) -> float: ...


def in_runner_time(world: RunnerTime, side: Side, strides: Sequence[Stride]) -> list[Stride]:
    """The strides of one pod with their times turned into runner seconds, to be held against the planted truth."""

    def timed(stride: Stride) -> Stride:
        strike_s, toe_off_s, end_s = (
            world.runner_s(side, pod_s) for pod_s in (stride.strike_s, stride.toe_off_s, stride.end_s)
        )
        return replace(stride, strike_s=strike_s, toe_off_s=toe_off_s, end_s=end_s)

    return [timed(stride) for stride in strides]
