"""The firmware as ARM code: a Cortex-M4F in QEMU under real bleak, in real time.

`make test-qemu`; not part of the suite, since building the image takes minutes.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from support.firmware import WORKSPACE
from support.host_pods import AirWorld, air_world, number, samples_of

from evenstride_gateway import air
from evenstride_gateway.virtual.air_server import LOOPBACK

POD_ID = "e5e50000000000c3"
IMAGE = WORKSPACE / "target" / "thumbv7em-none-eabihf" / "board" / "board-qemu"
FLASH_BYTES = 0x20_0000


@dataclass
class QemuPod:
    """A pod whose flash is a file; killing QEMU is pulling the battery."""

    world: AirWorld
    folder: Path
    processes: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])

    async def start(self) -> None:
        flash = self.folder / "flash.bin"
        if not flash.exists():
            flash.write_bytes(b"\xff" * FLASH_BYTES)
        process = await asyncio.create_subprocess_exec(
            *("qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none"),
            *("-serial", f"tcp:{LOOPBACK}:{self.world.server.port},nodelay=on"),
            *("-semihosting-config", "enable=on,target=native", "-kernel", str(IMAGE)),
            cwd=self.folder,
        )
        self.processes.append(process)

    async def kill(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


def checked(frames: list[air.RawFrame]) -> int:
    """How many samples; each is its own number."""
    samples = samples_of(frames)
    assert all(number(counts) == index and not np.any(counts[2:]) for index, counts in samples.items())
    return len(samples)


def test_connect_stream_power_cut_and_bond(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = QemuPod(world, tmp_path)
            await pod.start()
            try:
                async with world.connected(POD_ID) as host:
                    before = await host.info()
                    assert (before.pod_id, before.hardware) == (POD_ID, "QEMU mps2-an386")
                    assert host.heard == []
                    await host.ok(air.Start(mode=air.Mode.RAW))
                    frames = await host.frames_of(100)
                    assert [frame.seq for frame in frames] == list(range(len(frames)))
                    assert checked(frames) == 18 * len(frames)
                    assert air.PodStatus.from_bytes(await host.ok(air.GetStatus())).dropped == 0
                    await host.client.pair()
                    await asyncio.sleep(0.5)
                await pod.kill()
                await pod.start()
                async with world.connected(POD_ID) as host:
                    assert (await host.info()).boot_id > before.boot_id
                    old = (await host.ranges())[0]
                    assert (old.boot_id, old.first_index) == (before.boot_id, 0)
                    assert checked(await host.backfill(old)) == old.end_index >= frames[-1].first_index
                    assert (await host.ask(air.EraseLog())).status is air.Status.NEEDS_BOND
                    await host.client.pair()  # with the keys that its flash has kept
                    assert (await host.ask(air.EraseLog())).status is air.Status.OK
            finally:
                await pod.kill()

    asyncio.run(scenario())
