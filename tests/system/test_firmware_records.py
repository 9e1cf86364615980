"""Strides that the firmware computes while it runs: sent live, logged before, the same as the gateway's. Real time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.host_pods import POD_ID, HostPod, air_world

from evenstride_analysis.model import Doubt, Gait, SampleBlock, Side, Stride
from evenstride_analysis.simulate import uneven
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_gateway import air
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.link.backend import LinkBackend
from evenstride_gateway.link.scan import scan_pods
from evenstride_gateway.virtual.pod_signal import ACCEL_RANGE_MPS2, GYRO_RANGE_RADPS, NOMINAL_RATE_HZ, Sensor

SPEED = 4  # times as fast as life
RUN_S = 34.0
OWN_AXES = 0x8000


def recording(folder: Path) -> Path:
    runner = uneven(0.12, duration_s=RUN_S + 5).runner(1)
    counts = Sensor().counts(*runner.signals(Side.LEFT, 0, round(RUN_S * NOMINAL_RATE_HZ)))
    path = folder / "runner.bin"
    path.write_bytes(counts.astype("<i2").tobytes())
    return path


def on_gateway(frames: list[air.RawFrame], info: air.Info) -> list[Stride]:
    detector = StrideDetector(
        pod_id=POD_ID,
        rate_hz=info.rate_hz,
        accel_range_mps2=ACCEL_RANGE_MPS2,
        gyro_range_radps=GYRO_RANGE_RADPS,
    )
    scales = np.array([channel.scale for channel in info.channels])
    strides: list[Stride] = []
    for frame in frames:
        values = frame.counts.astype(np.float64) * scales
        block = SampleBlock(
            pod_id=POD_ID,
            boot_id=frame.boot_id,
            first_index=frame.first_index,
            stamp_index=np.array([frame.first_index]),
            stamp_s=np.array([frame.tick / TICK_HZ]),
            accel_mps2=values[:, :3],
            gyro_radps=values[:, 3:],
        )
        strides += detector.push(block)
    return strides


def numbered(messages: Sequence[air.StrideRecords], *, aligned: bool) -> dict[int, air.StrideRecord]:
    """Records by their number: those in the sensor's axes, or in the axes that the pod found itself."""
    return {
        message.first_record + k: record
        for message in messages
        if (message.rotation_version >= OWN_AXES) is aligned
        for k, record in enumerate(message.records)
    }


def check_summary(said: air.Advertisement | None, logged: Sequence[air.StrideRecords]) -> None:
    """What everybody hears, against the records: at most 30 strides of a runner who runs evenly."""
    running = [r for message in logged for r in message.records if r.gait is Gait.RUN and r.doubt == Doubt(0)]
    assert said is not None
    assert said.flags == air.AdvertFlag.RUNNING | air.AdvertFlag.LOG_WAITING
    assert said.strides >= sum(len(message.records) for message in logged)
    assert said.battery_fraction == pytest.approx(0.9, abs=0.05)
    assert said.stance_s == pytest.approx(np.mean([r.toe_off_ticks for r in running]) / TICK_HZ, abs=0.004)
    assert said.strides_per_min == pytest.approx(60 * TICK_HZ / np.mean([r.stride_ticks for r in running]), abs=2)


def test_records_come_live_and_from_the_log_and_are_the_gateways_strides(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            options = ("--speed", str(SPEED), "--repeat")  # whoever stands still does not advertise RUNNING
            pod = HostPod(world.server.port, POD_ID, recording(tmp_path), tmp_path / "flash", options)
            world.pods.append(await pod.start())
            async with world.connected() as host:
                info = await host.info()
                assert air.Feature.RECORDS in info.features
                status = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert air.PodFlag.UNALIGNED in status.flags
                await host.ok(air.Start(mode=air.Mode.STRIDES))
                live = await host.until_records(lambda found: len(numbered(found, aligned=True)) >= 3)
                assert host.frames == []
                await host.ok(air.Stop())
                status = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert air.PodFlag.UNALIGNED not in status.flags
                assert (await host.info()).rotation_version == live[-1].rotation_version
                (raw, logged) = await host.ranges(air.LogKind.RAW, air.LogKind.RECORDS)
                assert logged.what is air.LogKind.RECORDS
                frames = await host.backfill(raw)
                again = await host.records(logged)
            (sight,) = await scan_pods(LinkBackend(*world.backends), 1.5)
            assert sight.pod_id == POD_ID
            check_summary(sight.advertisement, again)
            assert {message.rules for message in [*live, *again]} == {2}
            for aligned in (False, True):
                sent, kept = numbered(live, aligned=aligned), numbered(again, aligned=aligned)
                assert sent.items() <= kept.items()
            records = [record for _, record in sorted(numbered(again, aligned=False).items())]
            strides = on_gateway(frames, info)
            assert len(strides) > len(records) >= 10
            for record, stride in zip(records, strides, strict=False):
                assert record.strike_tick / TICK_HZ == pytest.approx(stride.strike_s, abs=0.002)
                assert record.toe_off_ticks / TICK_HZ == pytest.approx(stride.stance_s, abs=0.002)
                assert (record.gait, record.doubt & ~Doubt.ON_POD) == (stride.gait, stride.doubt)

    asyncio.run(scenario())


def test_kill_9_loses_no_record_that_was_heard(tmp_path: Path) -> None:
    def by_number(messages: Sequence[air.StrideRecords]) -> dict[int, air.StrideRecord]:
        return {message.first_record + k: record for message in messages for k, record in enumerate(message.records)}

    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = HostPod(world.server.port, POD_ID, recording(tmp_path), tmp_path / "flash", ("--speed", str(SPEED)))
            world.pods.append(await pod.start())
            async with world.connected() as host:
                before = await host.info()
                await host.ok(air.Start(mode=air.Mode.STRIDES))
                heard = by_number(await host.until_records(lambda found: len(by_number(found)) >= 8))
                await pod.kill()
            await pod.start()
            async with world.connected() as host:
                kept = (await host.ranges(air.LogKind.RECORDS))[0]
                assert (kept.boot_id, kept.first_index) == (before.boot_id, 0)
                logged = by_number(await host.records(kept))
                assert heard.items() <= logged.items()  # each is in flash before it is sent
                assert len(logged) == kept.end_index

    asyncio.run(scenario())
