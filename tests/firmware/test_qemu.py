"""The firmware as ARM code: a Cortex-M4F in QEMU under real bleak, in real time, with generous deadlines."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from support.budget import BUDGET, check
from support.host_pods import air_world, samples_of
from support.images import Qemu, built_for

from evenstride_analysis.model import CountArray, Side
from evenstride_analysis.simulate import uneven
from evenstride_gateway import air
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ, Sensor

POD_ID = "e5e50000000000c3"
FLASH_BYTES = 0x20_0000
RUN_S = 90.0


def running() -> CountArray:
    """What a sensor on a runner's leg says."""
    runner = uneven(0.12, duration_s=RUN_S + 5).runner(1)
    return Sensor().counts(*runner.signals(Side.LEFT, 0, round(RUN_S * NOMINAL_RATE_HZ)))


def checked(frames: list[air.RawFrame], recording: CountArray) -> int:
    """How many samples there are; each is the recording's."""
    samples = samples_of(frames)
    assert max(samples) < len(recording)
    assert all(np.array_equal(counts, recording[index]) for index, counts in samples.items())
    return len(samples)


def records_of(messages: Iterable[air.StrideRecords]) -> list[air.StrideRecord]:
    return [record for message in messages for record in message.records]


@pytest.mark.slow
def test_connect_stream_strides_power_cut_and_bond(tmp_path: Path) -> None:
    recording = running()
    (tmp_path / "recording.bin").write_bytes(recording.astype("<i2").tobytes())
    (tmp_path / "flash.bin").write_bytes(b"\xff" * FLASH_BYTES)

    async def scenario() -> int:
        async with air_world(tmp_path) as world:
            pod = Qemu(built_for("qemu") / "board-qemu", tmp_path, world.server.port)
            await pod.start()
            try:
                async with world.connected(POD_ID) as host:
                    before = await host.info()
                    assert (before.pod_id, before.hardware) == (POD_ID, "QEMU mps2-an386")
                    assert host.heard == []
                    await host.ok(air.Start(mode=air.Mode.RAW))
                    frames = list(await host.frames_of(100))
                    assert [frame.seq for frame in frames] == list(range(len(frames)))
                    assert checked(frames, recording) == 18 * len(frames)
                    assert air.PodStatus.from_bytes(await host.ok(air.GetStatus())).dropped == 0
                    await host.ok(air.Start(mode=air.Mode.STRIDES))
                    live = await host.until_records(lambda found: len(records_of(found)) >= 6)
                    await host.client.pair()
                    assert air.PodStatus.from_bytes(await host.ok(air.GetStatus())).mode is air.Mode.STRIDES
                first = await pod.stack_used()
                await pod.kill()
                await pod.start()
                async with world.connected(POD_ID) as host:
                    assert (await host.info()).boot_id > before.boot_id
                    kept = await host.ranges(air.LogKind.RAW, air.LogKind.RECORDS)
                    raw, strides = (entry for entry in kept if entry.boot_id == before.boot_id)
                    held = await host.backfill(raw)
                    assert raw.first_index == 0
                    assert checked(held, recording) == raw.end_index > frames[-1].first_index
                    assert set(records_of(live)) <= set(records_of(await host.records(strides)))
                    assert (await host.ask(air.EraseLog())).status is air.Status.NEEDS_BOND
                    await host.client.pair()  # with the keys that its flash has kept
                    assert (await host.ask(air.EraseLog())).status is air.Status.OK
                return max(first, await pod.stack_used())
            finally:
                await pod.kill()

    # every boot paints it anew; depth depends a little on when what comes together
    used = asyncio.run(scenario())
    check("stack", used, BUDGET["stack"]["application"], tolerance=0.15)
