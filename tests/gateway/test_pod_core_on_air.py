"""The virtual pod as real bleak sees it, over the virtual radio, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError
from support.pods import POD_ID, CountingSource, frames_of, sample_numbers

from evenstride_gateway import air
from evenstride_gateway.air.uuids import CONTROL_UUID, DATA_UUID, INFO_UUID, SERVICE_UUID, TIME_UUID, pod_id_from_name
from evenstride_gateway.decode import Message, decode, decode_info
from evenstride_gateway.errors import ProtocolError
from evenstride_gateway.virtual.backend import Backends, make_backends
from evenstride_gateway.virtual.central import Central
from evenstride_gateway.virtual.device import static_address
from evenstride_gateway.virtual.flash_log import Ranges
from evenstride_gateway.virtual.loop import VirtualLoop
from evenstride_gateway.virtual.pod import AirRadio, Bends, VirtualPod
from evenstride_gateway.virtual.pod_core import PodCore
from evenstride_gateway.virtual.pod_plan import PodPlan
from evenstride_gateway.virtual.radio import RadioLink


@dataclass
class World:
    link: RadioLink
    pod: VirtualPod
    backends: Backends
    heard: list[Message] = field(default_factory=list[Message])
    refused: list[ProtocolError] = field(default_factory=list[ProtocolError])
    replies: asyncio.Queue[air.CommandReply] = field(default_factory=asyncio.Queue[air.CommandReply])

    def on_data(self, _char: object, data: bytearray) -> None:
        try:
            message = decode(bytes(data))
        except ProtocolError as error:
            self.refused.append(error)
            return
        if isinstance(message, air.CommandReply):
            self.replies.put_nowait(message)
        else:
            self.heard.append(message)

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[BleakClient]:
        found = await BleakScanner.find_device_by_filter(
            lambda _device, advert: SERVICE_UUID in advert.service_uuids and advert.local_name is not None,
            timeout=5,
            backend=self.backends.scanner,
        )
        assert found is not None
        assert pod_id_from_name(found.name) == POD_ID
        async with BleakClient(found, backend=self.backends.client, timeout=5) as client:
            for uuid in (DATA_UUID, TIME_UUID, CONTROL_UUID):
                await client.start_notify(uuid, self.on_data)
            yield client

    async def ask(self, client: BleakClient, command: air.Command) -> air.CommandReply:
        await client.write_gatt_char(CONTROL_UUID, bytes(command), response=True)
        async with asyncio.timeout(2):
            return await self.replies.get()

    async def until(self, condition: Callable[[], bool], *, within_s: float = 20.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - the condition is the pod's state, which has no event
                await asyncio.sleep(0.01)


def play(
    scenario: Callable[[World], Coroutine[Any, Any, None]],
    *,
    mtu: int = 247,
    bends: Bends | None = None,
    queue_samples: int = 832,
) -> None:
    async def run() -> None:
        link = RadioLink()
        core = PodCore(PodPlan(pod_id=POD_ID, skew_ppm=30.0, queue_samples=queue_samples), CountingSource())
        radio = AirRadio(link, name="pod", address=static_address(1))
        async with VirtualPod(core, radio, mtu=mtu, bends=bends) as pod:
            central = await Central.power_on(link)
            await scenario(World(link, pod, make_backends(central)))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())


def whole(frames: list[air.RawFrame]) -> bool:
    return all(sample_numbers(f)[0] - frames[0].first_index == f.first_index - frames[0].first_index for f in frames)


def test_info_start_stream_ping_backfill_stop() -> None:
    async def scenario(world: World) -> None:
        async with world.connected() as client:
            info, _ = decode_info(bytes(await client.read_gatt_char(INFO_UUID)))
            assert (info.pod_id, info.rate_hz) == (POD_ID, 416.0)
            assert bytes(await client.read_gatt_char("2a25")) == POD_ID.encode()
            assert bytes(await client.read_gatt_char("2a19")) == b"\x5a"
            await asyncio.sleep(1)
            assert world.heard == []  # nothing before START
            assert (await world.ask(client, air.Start())).status is air.Status.OK
            await world.until(lambda: len(frames_of(world.heard)) >= 50)
            await client.write_gatt_char(TIME_UUID, bytes(air.TimePing(ping_id=5, marker=6)), response=False)
            await world.until(lambda: any(isinstance(m, air.TimePong) for m in world.heard))
            (pong,) = [m for m in world.heard if isinstance(m, air.TimePong)]
            assert (pong.ping_id, pong.marker, pong.interval_s) == (5, 6, pytest.approx(0.015))
            first = frames_of(world.heard)[0].first_index
            await world.ask(client, air.Backfill(boot_id=1, first_index=0, count=first))
            await world.until(lambda: any(isinstance(m, air.BackfillDone) for m in world.heard))
            assert sum(len(f.counts) for f in frames_of(world.heard, backfill=True)) == first
            end = air.StreamPosition.from_bytes((await world.ask(client, air.Stop())).payload)
            frames = frames_of(world.heard)
            assert [f.seq for f in frames] == list(range(end.next_seq))
            assert all(len(f.counts) == 18 for f in frames)
            assert whole(frames)

    play(scenario)


def test_a_small_mtu_makes_short_frames_and_a_tiny_one_is_refused() -> None:
    async def short(world: World) -> None:
        async with world.connected() as client:
            await world.ask(client, air.Start())
            await world.until(lambda: len(frames_of(world.heard)) >= 20)
            assert {len(f.counts) for f in frames_of(world.heard)} == {5}
            assert world.pod.connection is not None
            assert world.pod.connection.att_mtu == 100

    async def tiny(world: World) -> None:
        async with world.connected() as client:
            assert (await world.ask(client, air.Start())).status is air.Status.MTU_TOO_SMALL
            assert world.heard == []

    play(short, mtu=100)
    play(tiny, mtu=23)


def test_radio_away_and_back_every_sample_is_confirmed_or_dropped() -> None:
    async def scenario(world: World) -> None:
        core, radio = world.pod.core, world.pod.radio
        assert isinstance(radio, AirRadio)
        async with world.connected() as client:
            await world.ask(client, air.Start())
            await world.until(lambda: len(frames_of(world.heard)) >= 30)
            world.link.set_away(radio.controller)
            await world.until(lambda: not client.is_connected)
        await asyncio.sleep(1)
        world.link.set_away(radio.controller, False)
        async with world.connected() as client:
            await world.ask(client, air.Start())
            await world.until(lambda: len(frames_of(world.heard)) >= 60)
        await asyncio.sleep(0.1)
        frames = frames_of(world.heard)
        assert whole(frames)
        assert sorted({f.seq for f in frames}) == list(range(frames[-1].seq + 1))
        heard = Ranges((f.first_index, f.end_index) for f in frames)
        truth = core.now_truth
        assert len(heard.minus(truth.confirmed)) <= 8 * 18  # delivered, and the confirmation lost with the link
        assert len(truth.confirmed.minus(heard)) == 0

    play(scenario)


def test_a_power_cut_makes_a_new_boot_and_keeps_the_log() -> None:
    async def scenario(world: World) -> None:
        async with world.connected() as client:
            await world.ask(client, air.Start())
            await world.until(lambda: len(frames_of(world.heard)) >= 40)
            world.pod.power_cut()
            await world.until(lambda: not client.is_connected)
        taken = world.pod.core.truth[1].taken
        await world.pod.reboot()
        async with world.connected() as client:
            info, _ = decode_info(bytes(await client.read_gatt_char(INFO_UUID)))
            assert info.pod_id == POD_ID
            ranges = air.LogRanges.from_bytes((await world.ask(client, air.LogStatus())).payload).ranges
            assert [r.boot_id for r in ranges][:1] == [1]
            assert 0 <= taken - ranges[0].end_index < 208
            await world.ask(client, air.Start())
            await world.until(lambda: frames_of(world.heard)[-1].boot_id == 2)

    play(scenario)


def test_a_slow_radio_fills_the_queue_and_the_pod_counts_what_it_drops() -> None:
    async def scenario(world: World) -> None:
        async with world.connected() as client:
            await world.ask(client, air.Start())
            await world.until(lambda: len(frames_of(world.heard)) >= 10)
            assert isinstance(world.pod.radio, AirRadio)
            world.link.stall(world.pod.radio.controller, 1.5)
            await asyncio.sleep(3)
            assert client.is_connected
            await world.ask(client, air.Stop())
        frames = frames_of(world.heard)
        assert [f.seq for f in frames] == list(range(len(frames)))
        jumps = sum(b.first_index - a.end_index for a, b in pairwise(frames))
        assert jumps == len(world.pod.core.now_truth.dropped) > 100

    play(scenario, queue_samples=180)


def test_a_polite_disconnection_and_a_second_connection() -> None:
    async def scenario(world: World) -> None:
        for _ in range(2):
            async with world.connected() as client:
                await world.ask(client, air.Start())
                seen = len(frames_of(world.heard))
                await world.until(lambda seen=seen: len(frames_of(world.heard)) >= seen + 10)
                await world.pod.disconnect()
                await world.until(lambda client=client: not client.is_connected)
        assert world.pod.disconnections == 2
        assert sorted({f.seq for f in frames_of(world.heard)}) == list(range(frames_of(world.heard)[-1].seq + 1))

    play(scenario)


def test_control_without_subscription_is_an_att_error() -> None:
    async def scenario(world: World) -> None:
        async with world.connected() as client:
            await client.stop_notify(CONTROL_UUID)
            with pytest.raises(BleakError):
                await client.write_gatt_char(CONTROL_UUID, bytes(air.Start()), response=True)

    play(scenario)


def test_bends_break_the_protocol_as_told() -> None:
    async def bent(world: World) -> None:
        async with world.connected() as client:
            await world.ask(client, air.Start())
            await world.until(lambda: len(frames_of(world.heard)) >= 40)
        seqs = [f.seq for f in frames_of(world.heard)]
        assert len(seqs) > len(set(seqs))
        assert seqs != sorted(seqs)

    async def cut(world: World) -> None:
        async with world.connected() as client:
            with pytest.raises(air.ProtocolVersionError):
                decode_info(bytes(await client.read_gatt_char(INFO_UUID)))
            await world.ask(client, air.Start())
            await world.until(lambda: len(world.refused) >= 5)

    play(bent, bends=Bends(duplicate_every=5, swap_every=7))
    play(cut, bends=Bends(major=2, cut_to=40))


def test_an_error_of_the_caller_passes_unwrapped() -> None:
    async def scenario(world: World) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        play(scenario)
