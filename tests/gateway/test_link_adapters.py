"""Adapters: several at once, one that fails and comes back, and a pod that changes its address."""

import asyncio
from typing import Any

import pytest
from bleak.exc import BleakError
from fakes.link_world import World, pod_id, run, world

from evenstride_gateway.link.backend import LinkBackend, LinkConfig
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.scheduler import RETRY_S, AdapterScheduler, ScanNeed
from evenstride_gateway.link.source import LinkState
from evenstride_gateway.virtual.backend import VirtualClient, VirtualScanner
from evenstride_gateway.virtual.central import Central
from evenstride_gateway.virtual.pod_plan import PodPlan


def two_adapters(here: World, second: Central) -> LinkBackend:
    """bleak classes that obey `bluez={"adapter": ...}`, as BlueZ does."""
    centrals = {"hci0": here.central, "hci1": second}

    class Scanner(VirtualScanner):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.central = centrals[kwargs["bluez"]["adapter"]]

    class Client(VirtualClient):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.central = centrals[kwargs["bluez"]["adapter"]]

    return LinkBackend(scanner=Scanner, client=Client)


def test_two_adapters_share_the_pods_by_their_slots() -> None:
    async def scenario() -> None:
        async with world(4, start=False) as here:
            second = await Central.power_on(here.radio, name="second", address="C0:00:00:00:FF:02")
            config = LinkConfig(slots_per_adapter=2, expected=4)
            source = BleSource(two_adapters(here, second), adapters=["hci0", "hci1"], config=config)
            async with source:
                here.source = source
                await here.streaming()
                assert [adapter.used for adapter in source.adapters] == [2, 2]
                assert not any(link.losses for link in source.pods.values())
                assert source.problems == {}

    run(scenario())


def test_an_adapter_that_fails_says_so_and_is_tried_again() -> None:
    async def scenario() -> None:
        async with world(1, start=False, hidden=True) as here:
            broken = False

            class Scanner(VirtualScanner):
                central = here.central

                async def start(self) -> None:
                    if broken:
                        raise BleakError("the adapter was pulled out")
                    await super().start()

            source = BleSource(LinkBackend(scanner=Scanner, client=here.backend.client))
            here.source = source
            async with source:
                await here.until(lambda: source.adapters[0].scanning)
                broken = True
                async with source.adapters[0].connecting():
                    pass  # a connect interrupts the scan, and the next scan fails
                await here.until(lambda: source.problems != {})
                assert source.problems == {"": "the Bluetooth adapter cannot scan: the adapter was pulled out"}
                broken = False
                here.away(0, away=False)
                await here.streaming(within_s=RETRY_S + 5)
                assert source.problems == {}

    run(scenario())


def test_a_pod_that_comes_back_under_another_address_is_the_same_pod() -> None:
    async def scenario() -> None:
        plans = {n: PodPlan(pod_id=pod_id(7)) for n in (0, 1)}
        async with world(2, plans=plans, hidden=True) as here:
            here.away(0, away=False)
            await here.streaming(7)
            first = here.source.pods[pod_id(7)].address
            here.pods[0].power_cut()
            here.away(1, away=False)
            await here.until(lambda: here.source.pods[pod_id(7)].address != first)
            await here.streaming(7)
            link = here.source.pods[pod_id(7)]
            reasons = [change.reason for change in here.heard.changes(LinkState.LOST)]
            assert any(reason.startswith("C0:DE:00:00:00:01 says it is pod") for reason in reasons)
            assert link.losses == {"link lost": 1}
            assert list(here.source.pods) == [pod_id(7)]
            await here.source.command(pod_id(7), b"\x44\x00")

    run(scenario())


def test_the_scan_stands_still_during_a_connect_and_ends_when_nobody_is_missing() -> None:
    async def scenario() -> None:
        need = ScanNeed.MISSING
        async with world(1, start=False) as here, asyncio.TaskGroup() as tasks:
            adapter = AdapterScheduler(
                "", here.backend, slots=1, seen=lambda adapter, device, heard: None, need=lambda: need
            )
            scan = tasks.create_task(adapter.run(), name="scan")
            await here.until(lambda: adapter.scanning)
            async with adapter.connecting():
                assert not adapter.scanning
            await here.until(lambda: adapter.scanning)
            need = ScanNeed.NONE
            adapter.wake()
            await here.until(lambda: not adapter.scanning)
            need = ScanNeed.CURIOUS
            scans, start_s = adapter.scans, here.now()
            adapter.wake()
            await here.until(lambda: here.now() > start_s + 30, within_s=31)
            assert adapter.scans - scans == pytest.approx(3, abs=1)
            scan.cancel()

    run(scenario())


def test_a_bad_state_of_one_pod_never_touches_another() -> None:
    async def scenario() -> None:
        async with world(2) as here:
            await here.streaming()
            for _ in range(3):
                here.away(0)
                await here.lost(0)
                here.away(0, away=False)
                await here.streaming()
            assert here.source.pods[pod_id(1)].losses == {}
            assert here.heard.states(pod_id(1)) == [LinkState.STREAMING]
        seqs = [frame.seq for frame in here.heard.frames(pod_id(1))]
        assert seqs == list(range(len(seqs)))

    run(scenario())
