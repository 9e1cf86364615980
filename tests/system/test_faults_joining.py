"""A pod that appears while another is being asked for its time does not end the run."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from evenstride_gateway.air import Channel, Info
from evenstride_gateway.app import running, wire
from evenstride_gateway.config import Config
from evenstride_gateway.errors import LinkError
from evenstride_gateway.health import Health
from evenstride_gateway.link.source import Chunk, LinkChange, LinkState, PodLink, Source
from evenstride_gateway.store import Store
from evenstride_gateway.virtual.loop import run_virtual

AXES = ("accel_x", "accel_y", "accel_z", "gyro_x", "gyro_y", "gyro_z")


class SlowPings(Source):
    """Stands for a radio whose writes take 20 ms while a new pod is heard every 10 ms. No radio does so on demand."""

    def __init__(self) -> None:
        self.pinged = 0
        self._closed = asyncio.Event()
        self._links: dict[str, PodLink] = {}

    @property
    def pods(self) -> Mapping[str, PodLink]:
        return self._links

    @property
    def problems(self) -> Mapping[str, str]:
        return {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Chunk | LinkChange]:
        for number in range(200):
            if self._closed.is_set():
                return
            await asyncio.sleep(0.01)
            pod_id = f"{number:016x}"
            channels = tuple(Channel(name=name, scale=0.01, full_scale=160.0) for name in AXES)
            info = Info(pod_id=pod_id, boot_id=1, channels=channels, rate_hz=416.0, firmware="1", hardware="none")
            self._links[pod_id] = PodLink(pod_id=pod_id, address=pod_id)
            now_s = asyncio.get_running_loop().time()
            yield LinkChange(pod_id=pod_id, state=LinkState.STREAMING, arrival_s=now_s, info=bytes(info))
        await self._closed.wait()

    async def command(self, pod_id: str, message: bytes, *, timeout_s: float = 2.0) -> bytes:
        raise LinkError(f"pod {pod_id} takes no commands")

    async def ping(self, pod_id: str, message: bytes) -> None:
        self.pinged += 1
        await asyncio.sleep(0.02)

    async def close(self) -> None:
        self._closed.set()


def test_pods_may_join_while_others_are_pinged(tmp_path: Path) -> None:
    async def scenario(store: Store) -> int:
        async with SlowPings() as source:
            gateway = wire(
                store=store,
                source=source,
                config=Config(),
                sides={},
                version="test",
                health=Health(),
                rng=random.Random(1),
            )
            async with running(gateway):
                await asyncio.sleep(4.0)
            assert len(gateway.recorder.pipelines) == 200
            return source.pinged

    with Store.open(tmp_path) as store:
        assert run_virtual(scenario(store)) > 50
