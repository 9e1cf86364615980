"""bleak on the virtual adapter: what its backend interface promises, and how GATT and pairing errors come out."""

import asyncio
import inspect

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode
from bumble.pairing import PairingConfig
from fakes.small_pod import CONTROL, DATA, GUARDED, SECRET, SERVICE
from fakes.small_world import Inbox, small_world, until

from evenstride_gateway.virtual.device import just_works
from evenstride_gateway.virtual.loop import run_virtual


def test_the_backend_interface_of_bleak_is_the_one_we_rely_on() -> None:
    def parameters(function: object) -> list[str]:
        assert callable(function)
        return list(inspect.signature(function).parameters)

    assert parameters(BaseBleakScanner.__init__) == ["self", "detection_callback", "service_uuids"]
    assert parameters(BaseBleakClient.__init__)[:4] == [
        "self",
        "address_or_ble_device",
        "disconnected_callback",
        "timeout",
    ]
    assert BaseBleakScanner.__abstractmethods__ == {"start", "stop"}
    assert BaseBleakClient.__abstractmethods__ == {
        "mtu_size", "connect", "disconnect", "pair", "unpair", "is_connected", "read_gatt_char", "read_gatt_descriptor",
        "write_gatt_char", "write_gatt_descriptor", "start_notify", "stop_notify",
    }  # fmt: skip
    assert parameters(BaseBleakClient.connect) == ["self", "pair", "kwargs"]
    assert parameters(BaseBleakClient.start_notify) == ["self", "characteristic", "callback", "kwargs"]
    assert parameters(BaseBleakClient.write_gatt_char) == ["self", "characteristic", "data", "response"]
    assert AdvertisementData._fields == (
        "local_name", "manufacturer_data", "service_data", "service_uuids", "tx_power", "rssi", "platform_data",
    )  # fmt: skip
    assert "backend" in parameters(BleakClient.__init__)
    assert "backend" in parameters(BleakScanner.__init__)


def test_pods_are_found_by_service_and_by_a_name_that_stands_only_in_the_scan_response() -> None:
    async def scenario() -> None:
        world = await small_world(2)
        world.pods[0].controller.rssi_dbm = -71
        found = await BleakScanner.discover(
            1.0, return_adv=True, backend=world.backends.scanner, service_uuids=[SERVICE]
        )
        assert {a.local_name for _, a in found.values()} == {"pod-1", "pod-2"}
        assert found[world.pods[0].address][1].rssi == -71
        assert found[world.pods[0].address][1].service_uuids == [SERVICE]
        assert (await world.find("pod-2")).address == world.pods[1].address
        other = "00001234-0000-1000-8000-00805f9b34fb"
        assert await BleakScanner.discover(1.0, backend=world.backends.scanner, service_uuids=[other]) == []

    run_virtual(scenario())


def test_scanners_share_one_scan_and_stop_alone() -> None:
    async def scenario() -> None:
        world = await small_world()
        heard: dict[str, int] = {"a": 0, "b": 0}

        def scanner(key: str) -> BleakScanner:
            def count(_device: object, _data: object) -> None:
                heard[key] += 1

            return BleakScanner(detection_callback=count, backend=world.backends.scanner)

        async with scanner("a"):
            async with scanner("b"):
                await asyncio.sleep(0.5)
            only_a = dict(heard)
            await asyncio.sleep(0.5)
            assert heard["a"] > only_a["a"]
            assert heard["b"] == only_a["b"] > 0
            assert world.central.controller.le_scan_enable
        assert not world.central.controller.le_scan_enable

    run_virtual(scenario())


def test_a_connected_pod_does_not_advertise_and_a_free_one_does_again() -> None:
    async def scenario() -> None:
        world = await small_world()
        client = await world.connect("pod-1")
        assert await BleakScanner.discover(1.0, backend=world.backends.scanner) == []
        await client.disconnect()
        assert await world.find("pod-1")

    run_virtual(scenario())


def test_reading_writing_and_long_writing() -> None:
    async def scenario() -> None:
        world = await small_world()
        pod = world.pods[0]
        async with world.client(await world.find("pod-1")) as client:
            assert client.backend_id == "VirtualClient"
            assert client.name == "pod-1"
            assert bytes(await client.read_gatt_char(CONTROL)) == b"ok"
            await client.write_gatt_char(CONTROL, b"x" * 100, response=True)
            await client.write_gatt_char(CONTROL, b"y" * 300, response=True)
            await client.write_gatt_char(CONTROL, b"z", response=False)
            await until(lambda: len(pod.writes) == 3)
            assert [len(w) for w in pod.writes] == [100, 300, 1]
        assert not client.is_connected

    run_virtual(scenario())


def test_notifications_start_stop_and_refuse_a_second_start() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(), Inbox()
        pod = world.pods[0]
        client = await world.connect("pod-1")
        await inbox.subscribe(client)
        with pytest.raises(BleakError, match="already started"):
            await inbox.subscribe(client)
        with pytest.raises(BleakError, match="neither notifies"):
            await client.start_notify(SECRET, inbox.put)
        await pod.stream(25, 5)
        await asyncio.sleep(0.05)
        await client.stop_notify(DATA)
        await pod.stream(25, 5)
        assert inbox.numbers == [0, 1, 2, 3, 4]

    run_virtual(scenario())


def test_an_indication_arrives_and_is_confirmed_to_the_pod() -> None:
    async def scenario() -> None:
        world = await small_world()
        pod = world.pods[0]
        got: list[bytes] = []
        client = await world.connect("pod-1")
        await client.start_notify(CONTROL, lambda _c, value: got.append(bytes(value)))
        assert pod.connection is not None
        await pod.device.gatt_server.indicate_subscriber(
            pod.connection, pod.control, b"reply"
        )  # returns when confirmed
        assert got == [b"reply"]

    run_virtual(scenario())


def test_two_pods_connect_at_once_and_a_stranger_is_not_found() -> None:
    async def scenario() -> None:
        world = await small_world(2)
        devices = [await world.find(p.name) for p in world.pods]
        clients = [world.client(d) for d in devices]
        await asyncio.gather(*(c.connect() for c in clients))
        assert all(c.is_connected for c in clients)
        slots = {connection.slot for connection in world.link.connections}
        assert len(slots) == 2  # their events do not collide
        with pytest.raises(BleakError, match="already connected"):
            await clients[0].connect()

    run_virtual(scenario())


def test_the_disconnected_callback_comes_also_for_our_own_disconnect_and_once() -> None:
    async def scenario() -> None:
        world = await small_world()
        lost: list[str] = []
        client = world.client(await world.find("pod-1"), lost=lambda: lost.append("lost"))
        await client.connect()
        await client.disconnect()
        await client.disconnect()
        await asyncio.sleep(3)
        assert lost == ["lost"]

    run_virtual(scenario())


def test_pairing_opens_what_was_locked_and_the_bond_is_used_again() -> None:
    async def scenario() -> None:
        world = await small_world()
        async with world.client(await world.find("pod-1")) as client:
            with pytest.raises(BleakGATTProtocolError) as refused:
                await client.read_gatt_char(SECRET)
            assert refused.value.code == BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION
            await client.pair()
            assert bytes(await client.read_gatt_char(SECRET)) == b"s3cret"
        async with world.client(await world.find("pod-1"), pair=True) as client:
            assert bytes(await client.read_gatt_char(SECRET)) == b"s3cret"

    run_virtual(scenario())


def test_a_refused_subscription_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(), Inbox()
        pod = world.pods[0]
        client = await world.connect("pod-1")
        with pytest.raises(BleakGATTProtocolError):
            await inbox.subscribe(client, GUARDED)
        await client.pair()
        await inbox.subscribe(client, GUARDED)
        await pod.notify(bytes(20), guarded=True)
        await asyncio.sleep(0.1)
        assert len(inbox.frames) == 1

    run_virtual(scenario())


def test_a_pod_that_lost_its_bond_is_an_error_until_we_forget_it_too() -> None:
    async def scenario() -> None:
        world = await small_world()
        pod = world.pods[0]
        async with world.client(await world.find("pod-1"), pair=True):
            pass
        assert pod.device.keystore is not None
        await pod.device.keystore.delete_all()
        async with world.client(await world.find("pod-1")) as client:
            with pytest.raises(BleakError, match="PIN_OR_KEY_MISSING"):
                await client.pair()
            await client.unpair()
            assert not client.is_connected
        async with world.client(await world.find("pod-1"), pair=True) as client:
            assert bytes(await client.read_gatt_char(SECRET)) == b"s3cret"

    run_virtual(scenario())


def test_a_pod_that_refuses_to_pair_is_a_bleak_error() -> None:
    async def scenario() -> None:
        world = await small_world()

        def refuse(_connection: object) -> PairingConfig:
            return just_works(accept=False)

        world.pods[0].device.pairing_config_factory = refuse
        async with world.client(await world.find("pod-1")) as client:
            with pytest.raises(BleakError):
                await client.pair()

    run_virtual(scenario())


def test_the_link_dying_while_pairing_is_a_bleak_error() -> None:
    async def scenario() -> None:
        world = await small_world()
        client = await world.connect("pod-1")
        world.link.set_away(world.pods[0].controller)
        with pytest.raises(BleakError):
            await client.pair()

    run_virtual(scenario())


def test_operations_without_a_link_are_bleak_errors() -> None:
    async def scenario() -> None:
        world = await small_world()
        client = await world.connect("pod-1")
        await client.disconnect()
        with pytest.raises(BleakError):
            await client.read_gatt_char(CONTROL)
        with pytest.raises(BleakError):
            await client.start_notify(DATA, Inbox().put)
        with pytest.raises(BleakError):
            await client.pair()

    run_virtual(scenario())
