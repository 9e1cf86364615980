"""The firmware's application, as a Linux program, under real bleak: the link, the stream, the log, faults.

Real time. Sample j of the recording knows its number, so every comparison is bit for bit.
"""

import asyncio
import time
from pathlib import Path

import numpy as np
from support.host_pods import POD_ID, AirWorld, Host, air_world, number, numbered, samples_of

from evenstride_gateway import air
from evenstride_gateway.air.uuids import TICK_HZ, TIME_UUID

START = air.Start(mode=air.Mode.RAW)
RECORDING = numbered(30_000)


def as_recorded(frames: list[air.RawFrame]) -> int:
    """Every sample as the recording has it; returns the recording's number of the boot's index 0."""
    samples = samples_of(frames)
    (offset,) = {number(counts) - index for index, counts in samples.items()}
    for index, counts in samples.items():
        assert np.array_equal(counts, RECORDING[offset + index])
    return offset


async def until_gone(host: Host) -> None:
    async with asyncio.timeout(10):
        while host.client.is_connected:  # noqa: ASYNC110 - bleak has no event that can be awaited
            await asyncio.sleep(0.05)


async def streaming(host: Host, frames: int) -> air.StreamPosition:
    position = air.StreamPosition.from_bytes(await host.ok(START))
    await host.frames_of(frames)
    return position


def test_found_connected_and_streamed_in_order(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod()
            async with world.connected() as host:
                assert host.client.mtu_size == 247
                info = await host.info()
                assert (info.pod_id, info.rate_hz, info.min_mtu) == (POD_ID, 416.0, 100)
                serial = await host.client.read_gatt_char("00002a25-0000-1000-8000-00805f9b34fb")
                assert bytes(serial).decode() == POD_ID
                status = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert (status.boot_id, status.mode) == (info.boot_id, air.Mode.IDLE)
                assert host.heard == []  # nothing before START
                position = await streaming(host, 30)
                end = air.StreamPosition.from_bytes(await host.ok(air.Stop()))
                assert isinstance(host.heard[0], air.PodStatus)
                frames = await host.frames_of(end.next_seq)
                assert [frame.seq for frame in frames] == list(range(end.next_seq))
                assert (frames[0].first_index, frames[0].tick) == (position.next_index, position.tick)
                assert {len(frame.counts) for frame in frames} == {18}
                as_recorded(frames)
                ticks = np.diff([frame.tick for frame in frames]) / 18 * 416 / TICK_HZ
                assert np.abs(ticks - 1).max() < 0.001

    asyncio.run(scenario())


def test_the_pod_asks_for_its_link_and_answers_pings(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path, interval_s=0.03) as world:
            await world.pod()
            async with world.connected() as host:
                pongs = asyncio.Queue[bytes]()
                await host.client.start_notify(TIME_UUID, lambda _, data: pongs.put_nowait(bytes(data)))
                heard = list[air.TimePong]()
                for ping_id in range(5):
                    ping = air.TimePing(ping_id=ping_id, marker=7 * ping_id)
                    await host.client.write_gatt_char(TIME_UUID, bytes(ping), response=False)
                    pong = air.TimePong.from_bytes(await asyncio.wait_for(pongs.get(), 2))
                    assert (pong.ping_id, pong.marker) == (ping_id, 7 * ping_id)
                    assert pong.boot_id == (await host.info()).boot_id
                    heard.append(pong)
                    await asyncio.sleep(0.15)
                assert heard == sorted(heard, key=lambda pong: pong.tick)
                (link,) = world.link.connections
                assert [heard[-1].interval_s, link.parameters.interval_s] == [
                    0.015,
                    0.015,
                ]  # the central had taken 30 ms

    asyncio.run(scenario())


def test_kill_9_is_a_new_boot_and_the_log_is_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await world.pod()
            async with world.connected() as host:
                before = await host.info()
                await streaming(host, 30)
                await pod.kill()
                await until_gone(host)
                live = host.frames
            await pod.start()
            async with world.connected() as host:
                after = await host.info()
                assert after.boot_id > before.boot_id
                old, new = await host.ranges()
                assert (old.boot_id, old.first_index, new.boot_id) == (before.boot_id, 0, after.boot_id)
                staged = live[-1].first_index + len(live[-1].counts) - old.end_index
                assert staged < 416 / 2  # at most half a second died
                frames = await host.backfill(old)
                assert len(samples_of(frames)) == old.end_index
                assert as_recorded(frames) == as_recorded(live)

    asyncio.run(scenario())


def test_what_was_missed_out_of_range_is_backfilled_with_the_ticks_it_had(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod()
            async with world.connected() as host:
                await streaming(host, 20)
                (radio,) = world.radios
                world.link.set_away(radio)
                await until_gone(host)
                heard = host.frames
            world.link.set_away(radio, False)
            async with world.connected() as host:
                position = await streaming(host, 10)
                late = host.frames[0]
                assert late.seq == position.next_seq <= heard[-1].seq + 1  # numbers were taken back
                end = heard[-1].first_index + len(heard[-1].counts)
                assert position.next_index - end > 416
                hole = air.LogRange(boot_id=position.boot_id, first_index=end, end_index=position.next_index)
                filled = await host.backfill(hole)
                assert sorted(samples_of(filled)) == list(range(end, position.next_index))
                line = np.array([(frame.first_index, frame.tick) for frame in [*heard, *filled, *host.frames]])
                fit = np.polyfit(line[:, 0], line[:, 1], 1)
                assert np.abs(line[:, 1] - np.polyval(fit, line[:, 0])).max() < 2
                as_recorded([*heard, *filled, *host.frames])
                status = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert status.dropped >= position.next_index - end

    asyncio.run(scenario())


def test_a_run_without_a_gateway_is_read_afterwards_with_its_date(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await world.pod()
            async with world.connected() as host:
                utc_ns = time.time_ns()
                await host.ok(air.Anchor(utc_ns=utc_ns))
                first = await host.info()
            await asyncio.sleep(1.5)  # the run
            await pod.kill()
            await pod.start()
            await asyncio.sleep(0.5)
            async with world.connected() as host:
                anchors = air.UtcAnchors.from_bytes(await host.ok(air.AnchorList(first=0))).anchors
                assert [(a.boot_id, a.utc_ns) for a in anchors] == [(first.boot_id, utc_ns)]  # the second has no date
                run, _undated = await host.ranges()
                frames = await host.backfill(run)
                as_recorded(frames)
                dated_s = [(f.tick - anchors[0].tick) / TICK_HZ + utc_ns * 1e-9 for f in frames]
                assert abs(dated_s[-1] - time.time()) < 10
                assert dated_s[-1] - dated_s[0] > 1.5
                await host.ok(air.AckLog(boot_id=run.boot_id, up_to_index=run.end_index))
                assert [entry.boot_id for entry in await host.ranges()] == [first.boot_id + 1]

    asyncio.run(scenario())


def test_a_small_mtu_makes_small_frames_and_a_smaller_one_none(tmp_path: Path) -> None:
    async def scenario(mtu: int) -> None:
        async with air_world(tmp_path, mtu=mtu) as world:
            await world.pod()
            async with world.connected() as host:
                assert host.client.mtu_size == mtu
                if mtu < 100:
                    assert (await host.ask(START)).status is air.Status.MTU_TOO_SMALL
                    return
                await streaming(host, 60)
                assert {len(frame.counts) for frame in host.frames} == {5}
                assert set(np.diff([frame.first_index for frame in host.frames])) == {5}
                as_recorded(host.frames)

    asyncio.run(scenario(100))
    asyncio.run(scenario(99))


def test_two_pods_at_once(tmp_path: Path) -> None:
    async def one(world: AirWorld, pod_id: str) -> None:
        async with world.connected(pod_id) as host:
            await streaming(host, 60)
            assert (await host.info()).pod_id == pod_id
            assert [frame.seq for frame in host.frames] == list(range(len(host.frames)))
            as_recorded(host.frames)

    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pods = [POD_ID, "e5e50000000000b2"]
            for pod_id in pods:
                await world.pod(pod_id)
            async with asyncio.TaskGroup() as group:
                for pod_id in pods:
                    group.create_task(one(world, pod_id), name=pod_id)

    asyncio.run(scenario())


def test_a_power_cut_in_the_middle_of_a_write_costs_that_write_only(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await world.pod(POD_ID, "--cut-after", "20001")
            assert pod.process is not None
            async with asyncio.timeout(20):
                await pod.process.wait()
            await pod.kill()
            pod.options = ()
            await pod.start()
            async with world.connected() as host:
                old = (await host.ranges())[0]
                frames = await host.backfill(old)
                assert len(samples_of(frames)) == old.end_index > 20_001 / 12 - 200
                as_recorded(frames)

    asyncio.run(scenario())


def test_a_flash_that_refuses_is_said_and_the_stream_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod(POD_ID, "--fail-after", "9000")
            async with world.connected() as host:
                await streaming(host, 60)
                status = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert air.PodFlag.FLASH_FAULT in status.flags
                assert (await host.ask(air.Anchor(utc_ns=1))).status is air.Status.STORAGE_ERROR
                as_recorded(host.frames)

    asyncio.run(scenario())
