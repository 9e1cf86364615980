"""The firmware asleep: silent, woken by motion or the button, its counter going on, so that every boot has its date.

Under real bleak. Time passes 40 times as fast as life, for pod and calendar alike.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from support.host_pods import AirWorld, Host, HostPod, air_world, host_pod
from support.powered import lying, nudged, powered, until_led

from evenstride_analysis.model import CountArray
from evenstride_gateway import air
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.importing.dating import BootDate, date_of
from evenstride_gateway.store import KeptAnchor

SPEED = 40.0
BEGAN_S = 1_760_000_000.0  # when sample 0 of the recording was taken
RATE_HZ = 52  # slow, so that the log holds more than one night's sleep
FAST = ("--rate", str(RATE_HZ), "--speed", str(SPEED), "--say-led", "--skew-ppm", "35", "--first-tick", "5000000")


def marked(*parts: CountArray) -> CountArray:
    """One recording; each sample's last two columns say which it is."""
    counts = np.concatenate(parts)
    index = np.arange(len(counts))
    counts[:, 4], counts[:, 5] = index % 30_000, index // 30_000
    return counts


def seconds(kind: Callable[[int], CountArray], duration_s: float) -> CountArray:
    return kind(round(duration_s * RATE_HZ))


@dataclass
class Calendar:
    """UTC that runs as fast as the pods do."""

    start_unix_s: float

    def utc_s(self) -> float:
        return BEGAN_S + (time.time() - self.start_unix_s) * SPEED

    async def say(self, host: Host, travelled_ns: dict[int, int]) -> None:
        """As a gateway does after connecting; by the pod's tick, how long it may have travelled."""
        sent_ns = round(self.utc_s() * 1e9)
        reply = air.UtcAnchors.from_bytes(await host.ok(air.Anchor(utc_ns=sent_ns)))
        travelled_ns[reply.anchors[0].tick] = round(self.utc_s() * 1e9) - sent_ns


async def until_advertising(world: AirWorld, wanted: bool) -> None:
    async with asyncio.timeout(30):
        while any(radio.le_legacy_advertiser.enabled for radio in world.radios) is not wanted:  # noqa: ASYNC110 - another program's
            await asyncio.sleep(0.02)


async def switched_on(world: AirWorld, counts: CountArray, *options: str) -> tuple[HostPod, Calendar]:
    host_pod()  # building it must not cost the beginning of the recording
    calendar = Calendar(time.time())
    return await powered(world, counts, *FAST, "--start", repr(calendar.start_unix_s), *options), calendar


async def dates_of(host: Host, travelled_ns: dict[int, int]) -> list[tuple[air.LogRange, BootDate, int]]:
    """The boots in the log, oldest first, the date of the first sample, the number of anchors. The date of every sample
    is right within its stated error.
    """
    anchors = air.UtcAnchors.from_bytes(await host.ok(air.AnchorList(first=0))).anchors
    found: list[tuple[air.LogRange, BootDate, int]] = []
    for entry in await host.ranges():
        kept = [
            KeptAnchor(pod_id="a1", boot_id=a.boot_id, tick=a.tick, utc_ns=a.utc_ns, error_ns=travelled_ns[a.tick])
            for a in anchors
            if a.boot_id == entry.boot_id
        ]
        frames = await host.backfill(entry)
        dates = [date_of(kept, frame.tick / TICK_HZ, TICK_HZ) for frame in frames]
        for frame, date in zip(frames, dates, strict=True):
            assert date is not None, entry
            low, high = frame.counts[0, 4:]
            true_s = BEGAN_S + (int(low) + 30_000 * int(high)) / RATE_HZ
            assert abs(date.utc_s(frame.tick / TICK_HZ) - true_s) <= date.error_s + 1e-3
            assert date.error_s < 60.0  # seconds of life, and less than it slept
        assert dates[0] is not None
        found.append((entry, dates[0], len(kept)))
    return found


def test_a_run_before_any_gateway_has_its_date_although_the_pod_slept(tmp_path: Path) -> None:
    """It ran, lay down, slept for minutes, was shaken, and only then met somebody who knew the time."""

    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            counts = marked(seconds(nudged, 10), seconds(lying, 450), seconds(nudged, 900))
            pod, calendar = await switched_on(world, counts, "--watchdog", "2")
            await until_advertising(world, True)
            await until_led(pod, "Asleep")
            await until_advertising(world, False)
            await until_led(pod, "Advertising")
            async with world.connected() as host:
                status = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert (status.reset_reason, air.PodFlag.CLOCK_UNSET in status.flags) == (air.ResetReason.WAKE, True)
                travelled_ns: dict[int, int] = {}
                await calendar.say(host, travelled_ns)
                (before, date, anchors), (now, _, _) = await dates_of(host, travelled_ns)
                assert (now.boot_id, before.boot_id) == (status.boot_id, status.boot_id - 1)
                assert anchors == 1
                assert date.away_s > 100.0  # from the end of that boot to the gateway, at the least
                status = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert air.PodFlag.CLOCK_UNSET not in status.flags

    asyncio.run(scenario())


def test_every_boot_between_two_meetings_has_its_date(tmp_path: Path) -> None:
    """It met a gateway, slept, ran, slept, and met a gateway again."""

    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            lies, runs = seconds(lying, 420), seconds(nudged, 20)
            pod, calendar = await switched_on(world, marked(lies, runs, lies, seconds(nudged, 900)))
            travelled_ns: dict[int, int] = {}
            async with world.connected() as host:
                await calendar.say(host, travelled_ns)
            for _ in range(2):
                await until_led(pod, "Asleep")
                await until_led(pod, "Advertising")
            async with world.connected() as host:
                await calendar.say(host, travelled_ns)
                dates = await dates_of(host, travelled_ns)
            boots = [entry.boot_id for entry, _, _ in dates]
            assert boots == [boots[0], boots[0] + 1, boots[0] + 2]
            assert [anchors for _, _, anchors in dates] == [1, 1, 2]

    asyncio.run(scenario())


def test_the_button_wakes_it_and_a_dead_battery_ends_the_counter(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod, calendar = await switched_on(world, marked(seconds(lying, 10)), "--button", "330:340")
            await until_led(pod, "Asleep")
            await until_led(pod, "Advertising")
            travelled_ns: dict[int, int] = {}
            async with world.connected() as host:
                status = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert status.reset_reason is air.ResetReason.BUTTON
                await calendar.say(host, travelled_ns)
                anchors = air.UtcAnchors.from_bytes(await host.ok(air.AnchorList(first=0))).anchors
                assert [anchor.boot_id for anchor in anchors] == [status.boot_id - 1, status.boot_id]
            await pod.kill()
            await pod.start()
            async with world.connected() as host:
                now = air.PodStatus.from_bytes(await host.ok(air.GetStatus()))
                assert (now.boot_id, air.PodFlag.CLOCK_UNSET in now.flags) == (status.boot_id + 1, True)
                anchors = air.UtcAnchors.from_bytes(await host.ok(air.AnchorList(first=0))).anchors
                assert now.boot_id not in [anchor.boot_id for anchor in anchors]

    asyncio.run(scenario())
