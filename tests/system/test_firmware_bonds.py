"""Bonds of the firmware's application: made, kept over a power cut, lost on either side, refused. Real time."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bleak.exc import BleakError
from bumble.device import Connection
from bumble.pairing import PairingConfig, PairingDelegate
from support.host_pods import POD_ID, AirWorld, Host, air_world

from evenstride_gateway import air
from evenstride_gateway.virtual.backend import make_backends
from evenstride_gateway.virtual.central import Central

START = air.Start(mode=air.Mode.RAW)


def pairing(*, secure: bool, bonding: bool) -> Callable[[Connection], PairingConfig]:
    """What a host brings to a pairing without display and keys."""

    def config(_connection: Connection) -> PairingConfig:
        delegate = PairingDelegate(PairingDelegate.NO_OUTPUT_NO_INPUT)
        return PairingConfig(sc=secure, mitm=False, bonding=bonding, delegate=delegate)

    return config


async def status_of(host: Host, command: air.Command) -> air.Status:
    return (await host.ask(command)).status


async def bonded_once(world: AirWorld) -> None:
    async with world.connected() as host:
        await host.client.pair()
        assert await status_of(host, air.EraseLog()) is air.Status.OK


async def another_host(world: AirWorld, number: int) -> AirWorld:
    """The same air with a host of its own identity."""
    central = await Central.power_on(world.link, name=f"host {number}", address=f"C0:00:00:00:FE:{number:02X}")
    central.device.irk = bytes([number + 1]) * 16
    return replace(world, central=central, backends=make_backends(central))


def test_erasing_needs_a_bond_which_outlives_the_power(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await world.pod()
            async with world.connected() as host:
                assert await status_of(host, air.EraseLog()) is air.Status.NEEDS_BOND
                assert await status_of(host, air.ClearBonds()) is air.Status.NEEDS_BOND
                await host.client.pair()
                assert await status_of(host, air.EraseLog()) is air.Status.OK
                (left,) = await host.ranges()
                assert left.first_index > 0  # what was taken before is gone
            await pod.kill()
            await pod.start()
            async with world.connected() as host:
                assert await status_of(host, air.EraseLog()) is air.Status.NEEDS_BOND  # not encrypted yet
                await host.client.pair()  # with the keys that both kept
                assert await status_of(host, air.EraseLog()) is air.Status.OK

    asyncio.run(scenario())


@pytest.mark.parametrize("how", ["cleared by command", "flash lost"])
def test_a_pod_that_lost_its_bond_refuses_until_the_host_forgets_it_too(tmp_path: Path, how: str) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await world.pod()
            if how == "flash lost":
                await bonded_once(world)
                await pod.kill()
                pod.flash.unlink()
                await pod.start()
            else:
                async with world.connected() as host:
                    await host.client.pair()
                    assert await status_of(host, air.ClearBonds()) is air.Status.OK
            async with world.connected() as host:
                with pytest.raises(BleakError):
                    await host.client.pair()
                await host.client.unpair()
            await bonded_once(world)

    asyncio.run(scenario())


def test_a_host_that_lost_its_bond_pairs_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod()
            await bonded_once(world)
            assert world.central.device.keystore is not None
            await world.central.device.keystore.delete_all()
            await bonded_once(world)

    asyncio.run(scenario())


def test_a_host_without_secure_connections_is_refused_and_an_open_pod_stays_open(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod()
            world.central.device.pairing_config_factory = pairing(secure=False, bonding=True)
            async with world.connected() as host:
                with pytest.raises(BleakError):
                    await host.client.pair()
            async with world.connected() as host:
                assert await status_of(host, air.EraseLog()) is air.Status.NEEDS_BOND
                await host.ok(START)
                await host.frames_of(3)

    asyncio.run(scenario())


def test_encryption_without_a_bond_does_not_open_what_needs_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod()
            world.central.device.pairing_config_factory = pairing(secure=True, bonding=False)
            async with world.connected() as host:
                await host.client.pair()
                assert await status_of(host, air.EraseLog()) is air.Status.NEEDS_BOND
                assert await status_of(host, air.UpdateCommit(signature=bytes(64))) is air.Status.NEEDS_BOND

    asyncio.run(scenario())


def test_a_bonded_only_pod_streams_over_encrypted_links_only(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            await world.pod(POD_ID, "--bonded-only")
            async with world.connected() as host:
                assert air.Feature.BONDED_ONLY in (await host.info()).features
                assert await status_of(host, START) is air.Status.NEEDS_BOND
                await host.client.pair()
                await host.ok(START)
                await host.frames_of(3)

    asyncio.run(scenario())


def test_a_pod_keeps_eight_bonds_and_only_a_ninth_costs_the_oldest(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with air_world(tmp_path) as world:
            pod = await world.pod()
            hosts = [await another_host(world, number) for number in range(9)]
            for host in hosts[:8]:
                await bonded_once(host)
            await pod.kill()
            await pod.start()
            for host in (hosts[0], hosts[7]):
                await bonded_once(host)  # with the keys that both kept
            await bonded_once(hosts[8])
            await bonded_once(hosts[1])
            async with hosts[0].connected() as gone:
                with pytest.raises(BleakError):
                    await gone.client.pair()

    asyncio.run(scenario())
