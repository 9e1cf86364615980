"""What the firmware does not put up with: hosts that do not listen, do not confirm or ask too much. Under real bleak.

Where a pod has to lose patience its time passes faster than life.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakGATTProtocolError
from bumble.gatt_client import Client
from support.host_pods import POD_ID, AirWorld, Host, air_world, number

from evenstride_gateway import air
from evenstride_gateway.air.uuids import CONTROL_UUID, TICK_HZ, TIME_UUID, pod_name

PATIENCE_TICKS = 30 * TICK_HZ
SPEED = ("--speed", "10", "--repeat")


@asynccontextmanager
async def unsubscribed(world: AirWorld) -> AsyncGenerator[BleakClient, None]:
    """A host that is connected and has subscribed to nothing."""
    found = await BleakScanner.find_device_by_name(pod_name(POD_ID), timeout=10, backend=world.backends.scanner)
    assert found is not None
    async with BleakClient(found, timeout=5, backend=world.backends.client) as client:
        yield client


class PodClock:
    """The pod's counter, asked over Time, which needs no Control."""

    def __init__(self, client: BleakClient) -> None:
        self._client = client
        self._pongs = asyncio.Queue[bytes]()

    async def start(self) -> None:
        await self._client.start_notify(TIME_UUID, lambda _, data: self._pongs.put_nowait(bytes(data)))

    async def tick(self) -> int:
        await self._client.write_gatt_char(TIME_UUID, bytes(air.TimePing(ping_id=1)), response=False)
        return air.TimePong.from_bytes(await asyncio.wait_for(self._pongs.get(), 2)).tick

    async def pass_by(self, ticks: int) -> None:
        """Until the pod has lived so much longer."""
        end = await self.tick() + ticks
        while await self.tick() < end:  # noqa: ASYNC110 - a pod's time is asked for
            await asyncio.sleep(0.05)


async def gone(client: BleakClient) -> None:
    async with asyncio.timeout(20):
        while client.is_connected:  # noqa: ASYNC110 - bleak has no event that can be awaited
            await asyncio.sleep(0.05)


@contextmanager
def unconfirmed(monkeypatch: pytest.MonkeyPatch) -> Generator[list[Callable[[], None]]]:
    """Indications wait for their confirmation until what this gives is called."""
    waiting = list[Callable[[], None]]()
    confirm = Client.send_confirmation

    def wait(client: Client, confirmation: Any) -> None:
        waiting.append(lambda: confirm(client, confirmation))

    with monkeypatch.context() as patch:
        patch.setattr(Client, "send_confirmation", wait)
        yield waiting


def test_a_host_that_does_not_subscribe_to_control_goes_and_another_stays(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod(POD_ID, *SPEED)
            async with unsubscribed(world) as deaf:
                await gone(deaf)
            async with world.connected() as host:
                clock = PodClock(host.client)
                await clock.start()
                await clock.pass_by(PATIENCE_TICKS + 3 * TICK_HZ)
                await host.ok(air.GetStatus())

    asyncio.run(scenario())


def test_a_host_that_does_not_confirm_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod(POD_ID, *SPEED)
            async with world.connected() as host:
                with unconfirmed(monkeypatch) as waiting:
                    await host.ok(air.GetStatus())
                    assert len(waiting) == 1
                    await gone(host.client)
            async with world.connected() as host:
                await host.ok(air.GetStatus())

    asyncio.run(scenario())


def test_a_ninth_command_is_refused_and_the_eight_are_answered_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(host: Host, token: int) -> None:
        await host.client.write_gatt_char(CONTROL_UUID, bytes(air.Identify(token=token, duration_s=0)), response=True)

    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod()
            async with unsubscribed(world) as client:
                replies = asyncio.Queue[air.CommandReply]()
                await client.start_notify(
                    CONTROL_UUID, lambda _, data: replies.put_nowait(air.CommandReply.from_bytes(bytes(data)))
                )
                host = Host(client)
                with unconfirmed(monkeypatch) as waiting:
                    for token in range(8):
                        await write(host, token)
                    with pytest.raises(BleakGATTProtocolError) as refused:
                        await write(host, 8)
                    assert refused.value.code == 0x11
                    answered = [await asyncio.wait_for(replies.get(), 2)]
                    assert replies.empty()
                waiting.pop()()
                answered += [await asyncio.wait_for(replies.get(), 2) for _ in range(7)]
                assert [(reply.token, reply.status) for reply in answered] == [(k, air.Status.OK) for k in range(8)]
                await write(host, 9)
                assert (await asyncio.wait_for(replies.get(), 2)).token == 9

    asyncio.run(scenario())


def test_a_command_without_indications_is_refused_and_not_obeyed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod()
            async with unsubscribed(world) as client:
                with pytest.raises(BleakGATTProtocolError) as refused:
                    await client.write_gatt_char(CONTROL_UUID, bytes(air.Anchor(utc_ns=7)), response=True)
                assert refused.value.code == 0xFD
            async with world.connected() as host:
                anchors = air.UtcAnchors.from_bytes(await host.ok(air.AnchorList(first=0)))
                assert anchors.total == 0

    asyncio.run(scenario())


def test_a_transfer_that_stands_still_for_30_s_is_forgotten(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod(POD_ID, *SPEED)
            async with world.connected() as host:
                clock = PodClock(host.client)
                await clock.start()
                begin = air.TableBegin(table=air.TableKind.ROTATION, version=7, length=36, crc32=0)
                await host.ok(begin)
                await host.ok(air.TableChunk(offset=0, data=bytes(18)))
                await clock.pass_by(PATIENCE_TICKS + TICK_HZ)
                late = await host.ask(air.TableChunk(offset=18, data=bytes(18)))
                assert late.status is air.Status.BAD_STATE

    asyncio.run(scenario())


def test_another_rate_is_another_boot_whose_samples_are_every_second_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod()
            async with world.connected() as host:
                before = await host.info()
                await host.ok(air.Start(mode=air.Mode.RAW))
                assert (await host.ask(air.SetRate(rate_mhz=208_000))).status is air.Status.BAD_STATE
                await host.frames_of(10)
                await host.ok(air.Stop())
                position = air.StreamPosition.from_bytes(await host.ok(air.SetRate(rate_mhz=208_000)))
                assert (position.boot_id, position.next_index, position.next_seq) == (before.boot_id + 1, 0, 0)
                after = await host.info()
                assert (after.boot_id, after.rate_hz) == (position.boot_id, 208.0)
                status = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert status.reset_reason is air.ResetReason.RATE_CHANGED
                host.heard.clear()
                await host.ok(air.Start(mode=air.Mode.RAW))
                frames = await host.frames_of(20)
                assert {frame.boot_id for frame in frames} == {position.boot_id}
                numbers = [number(counts) for frame in frames for counts in frame.counts]
                assert set(np.diff(numbers)) == {2}
                ticks = np.diff([frame.tick for frame in frames]) / 18 * 208 / TICK_HZ
                assert np.abs(ticks - 1).max() < 0.001

    asyncio.run(scenario())
