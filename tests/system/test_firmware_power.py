"""The firmware's application and its cell: gauge, low battery, shutdown, sleep, the button, the watchdog.

Under real bleak. Where a pod needs minutes, its time passes faster than life.
"""

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from bumble.hci import HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR
from support.data import data_dir
from support.host_pods import AirWorld, Host, HostPod, air_world, number, numbered, samples_of
from support.powered import COUNTS_PER_G, RATE_HZ, lying, powered, until_led

from evenstride_analysis.model import CountArray, FloatArray
from evenstride_gateway import air
from evenstride_gateway.air.advertisement import COMPANY_ID

BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
EMPTY, WATCHDOG = 11, 12
SLEEP_AFTER_S = 300
FAST = ("--speed", "100", "--say-led")  # five minutes are three seconds
LINKED = ("--speed", "40", "--say-led")  # a host has 30 s of the pod's to subscribe
STANDARD_GRAVITY_MPS2 = 9.80665
MOVES_MPS2 = 0.3  # of the firmware's motion.rs


def walked(name: str) -> tuple[CountArray, float]:
    """A real sensor on a shin that stood, walked, and stood, at the pod's rate; and when it last moved, in seconds."""
    with gzip.open(data_dir("tripod_walk") / f"{name}.csv.gz", "rt") as file:
        table: FloatArray = np.loadtxt(file, delimiter=",", skiprows=1)
    t_s = table[:, 0] - table[0, 0]
    at_s = np.arange(0, t_s[-1], 1 / RATE_HZ)
    turning_dps, accel_g = (
        np.array([np.interp(at_s, t_s, table[:, k]) for k in span]) for span in ((1, 2, 3), (4, 5, 6))
    )
    counts = np.vstack([accel_g * COUNTS_PER_G, turning_dps / 2000 * 32_767]).T
    windows = accel_g[:, : accel_g.shape[1] // 208 * 208].reshape(3, -1, 208)
    spread_mps2 = STANDARD_GRAVITY_MPS2 * np.sqrt(windows.var(axis=2).sum(axis=0))
    return np.rint(counts).astype(np.int16), float(np.flatnonzero(spread_mps2 > MOVES_MPS2)[-1] * 208 / RATE_HZ)


async def until_ended(pod: HostPod) -> int:
    assert pod.process is not None
    return await asyncio.wait_for(pod.process.wait(), 20)


async def until_gone(host: Host) -> None:
    async with asyncio.timeout(10):
        while host.client.is_connected:  # noqa: ASYNC110 - bleak has no event that can be awaited
            await asyncio.sleep(0.02)


async def status_of(host: Host) -> air.PodStatus:
    return air.PodStatus.from_bytes(await host.ok(air.GetStatus()))


async def status_after(host: Host, enough: Callable[[air.PodStatus], bool]) -> air.PodStatus:
    async with asyncio.timeout(20):
        while not enough(status := await status_of(host)):  # noqa: ASYNC110 - a pod has to be asked
            await asyncio.sleep(0.05)
    return status


async def advertised(world: AirWorld, wanted: air.AdvertFlag) -> air.Advertisement:
    """What the pod advertises, as soon as it has this flag."""
    found = asyncio.get_running_loop().create_future()

    def look(_device: BLEDevice, heard: AdvertisementData) -> None:
        payload = heard.manufacturer_data.get(COMPANY_ID)
        if payload is None or found.done():
            return
        seen = air.Advertisement.from_payload(payload)
        if wanted in seen.flags:
            found.set_result(seen)

    async with BleakScanner(look, backend=world.backends.scanner):
        return await asyncio.wait_for(found, 10)


async def boots_of(world: AirWorld, pod: HostPod, *options: str) -> list[air.LogRange]:
    """Another battery: the raw ranges that its log holds of earlier boots."""
    await pod.kill()
    await pod.start(*options)
    async with world.connected() as host:
        boot_id = (await host.info()).boot_id
        return [entry for entry in await host.ranges() if entry.boot_id != boot_id]


def test_the_level_falls_and_low_is_said_everywhere(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await powered(world, lying(9000), "--speed", "40", "--battery", "3790:-60", "--say-led")
            async with world.connected() as host:
                seen = [await status_of(host)]
                async with asyncio.timeout(20):
                    while air.PodFlag.BATTERY_LOW not in seen[-1].flags:
                        seen.append(await status_of(host))
                (level,) = await host.client.read_gatt_char(BATTERY_LEVEL)
                assert 0.10 <= level / 100 < 0.15
            fractions = [status.battery_fraction for status in seen]
            assert fractions == sorted(fractions, reverse=True)
            assert air.PodFlag.BATTERY_LOW not in seen[0].flags
            assert fractions[0] > 0.15 > fractions[-1]
            assert 3.68 < seen[-1].battery_v < seen[0].battery_v < 3.8
            await until_led(pod, "BatteryLow")
            assert (await advertised(world, air.AdvertFlag.BATTERY_LOW)).battery_fraction < 0.2

    asyncio.run(scenario())


def test_a_pod_that_is_charged_says_so_and_goes_on_with_an_empty_cell(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await powered(world, lying(900), *LINKED, "--battery", "3250:250", "--usb")
            async with world.connected() as host:
                status = await status_of(host)
                assert status.flags & (air.PodFlag.CHARGING | air.PodFlag.BATTERY_LOW) == 3
                status = await status_after(host, lambda status: status.battery_fraction > 0.2)
                assert status.flags & (air.PodFlag.CHARGING | air.PodFlag.BATTERY_LOW) == 1

    asyncio.run(scenario())


def test_an_empty_cell_ends_the_link_with_everything_in_flash(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await powered(world, numbered(60_000), "--speed", "10", "--battery", "3330:-240")
            async with world.connected():
                pass  # the end of this link is not what the pod waits for later
            async with world.connected() as host:
                (connection,) = world.central.device.connections.values()
                reasons = list[int]()
                connection.on(connection.EVENT_DISCONNECTION, reasons.append)
                boot_id = (await host.info()).boot_id
                await host.ok(air.Start(mode=air.Mode.RAW))
                await until_gone(host)
                live = host.frames
            assert reasons == [HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR]  # said, not found out
            assert await until_ended(pod) == EMPTY
            (log,) = await boots_of(world, pod)
            assert (log.boot_id, log.first_index) == (boot_id, 0)
            assert log.end_index >= live[-1].first_index + len(live[-1].counts)
            async with world.connected() as host:
                logged = samples_of(await host.backfill(log))
            assert len(logged) == log.end_index
            assert all(np.array_equal(logged[index], counts) for index, counts in samples_of(live).items())
            assert {number(counts) - index for index, counts in logged.items()} == {number(logged[0])}

    asyncio.run(scenario())


def test_it_sleeps_after_five_minutes_and_keeps_everything(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await powered(world, lying(9000), *FAST, "--repeat", "--watchdog", "2")
            await until_led(pod, "Asleep")
            (log,) = await boots_of(world, pod)
            assert SLEEP_AFTER_S - 20 < log.end_index / RATE_HZ < SLEEP_AFTER_S + 30

    asyncio.run(scenario())


def test_the_five_minutes_begin_with_the_end_of_a_link(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await powered(world, lying(900), *LINKED)
            async with world.connected() as host:
                status = await status_after(host, lambda status: status.taken > 90 * RATE_HZ)
            await until_led(pod, "Asleep")
            (log,) = await boots_of(world, pod)
            assert log.end_index > status.taken + (SLEEP_AFTER_S - 5) * RATE_HZ

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["shaken", "PWS+20_Lshank", "PWS_Rshank"])
def test_motion_keeps_it_awake_and_standing_does_not(tmp_path: Path, name: str) -> None:
    counts, moved_s = (numbered(60 * RATE_HZ), 60.0) if name == "shaken" else walked(name)

    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await powered(world, counts, *LINKED)  # a loaded machine keeps pace
            await until_led(pod, "Asleep")
            (log,) = await boots_of(world, pod)
            assert moved_s + SLEEP_AFTER_S - 20 < log.end_index / RATE_HZ < moved_s + SLEEP_AFTER_S + 30

    asyncio.run(scenario())


def test_holding_the_button_clears_every_bond_and_ends_the_link(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await powered(world, lying(9000), "--speed", "20", "--button", "80:92", "--say-led")
            async with world.connected() as host:
                await host.client.pair()
                await host.ok(air.EraseLog())
                await until_led(pod, "BondsCleared")
                await until_gone(host)
            async with world.connected() as host:
                with pytest.raises(BleakError):
                    await host.client.pair()  # the host's key means nothing any more
                await host.client.unpair()
            async with world.connected() as host:
                assert (await host.ask(air.EraseLog())).status is air.Status.NEEDS_BOND
                await host.client.pair()
                await host.ok(air.EraseLog())
            await pod.kill()
            await pod.start()
            async with world.connected() as host:
                await host.client.pair()  # the new bond is in flash, the old one is not
                await host.ok(air.EraseLog())

    asyncio.run(scenario())


def test_a_flash_that_hangs_is_what_the_watchdog_is_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await powered(world, lying(9000), "--hang-after", "8000", "--watchdog", "1")
            assert await until_ended(pod) == WATCHDOG

    asyncio.run(scenario())


def test_a_controller_that_hangs_is_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await powered(world, lying(9000), "--watchdog", "1")
            await advertised(world, air.AdvertFlag.LOG_WAITING)
            (radio,) = world.radios
            radio.on_packet = lambda packet: None
            assert await until_ended(pod) == WATCHDOG

    asyncio.run(scenario())
