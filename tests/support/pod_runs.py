"""Two host pods that run without a gateway, and the command line that imports from them, in one virtual air."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from evenstride_analysis.model import CountArray, SampleBlock, Side, Stride
from evenstride_analysis.simulate import VirtualRunner
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_gateway import air
from evenstride_gateway.air import Mode
from evenstride_gateway.cli import podlogs
from evenstride_gateway.link.backend import LinkBackend, LinkConfig
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.source import Source
from evenstride_gateway.virtual.pod_signal import ACCEL_RANGE_MPS2, GYRO_RANGE_RADPS, NOMINAL_RATE_HZ, Sensor
from evenstride_gateway.virtual.world import FIRST_TICK, POD_IDS, SKEW_PPM
from support.cli import Result, evenstride
from support.host_pods import AirWorld, HostPod, air_world, host_pod

BEGAN = datetime(2026, 5, 1, 16, 30, tzinfo=UTC)  # when sample 0 of the recordings was taken
Before = Callable[[AirWorld, dict[Side, HostPod]], Coroutine[Any, Any, None]]


@dataclass
class PodRuns:
    """Recordings of both legs, pods with flash of their own, and a clock that runs `speed` times as fast as life."""

    folder: Path
    runner: VirtualRunner
    seconds: float
    speed: float = 8.0
    counts: dict[Side, CountArray] = field(default_factory=dict[Side, CountArray])
    start_unix_s: float = 0.0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        host_pod()  # building it must not cost the beginning of the run
        for side in Side:
            counts = Sensor().counts(*self.runner.signals(side, 0, round(self.seconds * NOMINAL_RATE_HZ)))
            self.counts[side] = counts
            (self.folder / f"{side.value}.bin").write_bytes(counts.astype("<i2").tobytes())

    def utc_ns(self) -> int:
        since_s = (time.time() - self.start_unix_s) * self.speed
        return round((BEGAN.timestamp() + since_s) * 1e9)

    def host_pod(self, world: AirWorld, side: Side, *options: str) -> HostPod:
        words = (
            *("--speed", str(self.speed), "--start", str(self.start_unix_s)),
            *("--first-tick", str(FIRST_TICK[side]), "--skew-ppm", str(SKEW_PPM[side])),
            *options,
        )
        recording, flash = self.folder / f"{side.value}.bin", self.folder / f"{side.value}.flash"
        pod = HostPod(world.server.port, POD_IDS[side], recording, flash, words)
        world.pods.append(pod)
        return pod

    async def over(self, world: AirWorld) -> None:
        """Until both pods have taken the whole recording and settled its last stride; nobody tells them the time."""
        enough = (self.seconds + 5.0) * NOMINAL_RATE_HZ
        for side in Side:
            async with world.connected(POD_IDS[side]) as host, asyncio.timeout(120):
                while air.PodStatus.from_bytes(await host.ok(air.GetStatus())).taken < enough:  # noqa: ASYNC110 - a program's
                    await asyncio.sleep(0.2)

    @asynccontextmanager
    async def radio(self, before: Before, wanted: object) -> AsyncGenerator[Source, None]:
        """The air with both pods, in which `before` has happened."""
        async with air_world(self.folder) as world:
            self.start_unix_s = self.start_unix_s or time.time() + 0.5
            pods = {side: await self.host_pod(world, side).start() for side in Side}
            await before(world, pods)
            chosen: Any = wanted
            config = LinkConfig(mode=Mode.SQUAD, watchdog_s=12.0, utc_ns=self.utc_ns)
            async with BleSource(LinkBackend(*world.backends), wanted=set(chosen) or None, config=config) as source:
                yield source

    def evenstride(self, before: Before, *words: object, typed: str = "") -> Result:
        """A command, with these pods in range."""

        def radio(_config: object, _adapter: str, wanted: object) -> AbstractAsyncContextManager[Source]:
            return self.radio(before, wanted)

        with (
            patch.object(podlogs, "radio", radio),
            patch.object(podlogs, "utc_ns", self.utc_ns),
        ):
            return evenstride(*words, "--seconds", 60, "--data", self.folder.parent / "data", typed=typed)

    def truth(self, side: Side) -> list[Stride]:
        """What the gateway finds in the recording, in seconds from its sample 0."""
        detector = StrideDetector(
            pod_id=POD_IDS[side],
            rate_hz=NOMINAL_RATE_HZ,
            accel_range_mps2=ACCEL_RANGE_MPS2,
            gyro_range_radps=GYRO_RANGE_RADPS,
        )
        still = np.repeat(self.counts[side][-1:], round(5.0 * NOMINAL_RATE_HZ), axis=0)  # as the host pod stands then
        scales = np.array([channel.scale for channel in Sensor().channels])
        values = np.concatenate([self.counts[side], still]).astype(np.float64) * scales
        stamps = np.arange(0, len(values), 18)
        block = SampleBlock(
            pod_id=POD_IDS[side],
            boot_id=1,
            first_index=0,
            stamp_index=stamps,
            stamp_s=stamps / NOMINAL_RATE_HZ,
            accel_mps2=values[:, :3],
            gyro_radps=values[:, 3:],
        )
        return [*detector.push(block), *detector.flush()]
