"""The virtual controller at its HCI: every repair of Bumble's gaps, one test each."""

import asyncio
from itertools import pairwise

import pytest
from bumble import hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Device
from fakes.small_pod import SmallPod
from fakes.small_world import small_world, until

from evenstride_gateway.virtual.controller import RadioController
from evenstride_gateway.virtual.device import make_controller, make_device, static_address
from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.radio import RadioLink


class RawHost:
    """Writes HCI packets by hand and keeps the answers."""

    def __init__(self, controller: RadioController) -> None:
        self.answers: list[bytes] = []
        self._controller = controller
        controller.host = self

    def on_packet(self, packet: bytes) -> None:
        self.answers.append(packet)

    async def send(self, opcode: int, parameters: bytes = b"") -> bytes:
        before = len(self.answers)
        self._controller.on_packet(b"\x01" + opcode.to_bytes(2, "little") + bytes([len(parameters)]) + parameters)
        await until(lambda: len(self.answers) > before, within_s=1)
        return self.answers[-1]


def test_unknown_commands_get_an_answer_so_the_hosts_credit_returns() -> None:
    async def scenario() -> None:
        host = RawHost(make_controller(RadioLink(), "raw"))
        for opcode in (0x20FF, 0x041D):  # one that Bumble has no name for, one that it does not implement
            answer = await host.send(opcode, bytes(2))
            assert answer[1] in (0x0E, 0x0F), "neither Command Complete nor Command Status"
        vendor = await host.send(0xFC02)
        assert vendor == bytes([0x04, 0x0F, 4, hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR, 1, 0x02, 0xFC])

    run_virtual(scenario())


def test_extended_advertising_is_refused_and_not_silently_ignored() -> None:
    async def scenario() -> None:
        host = RawHost(make_controller(RadioLink(), "raw"))
        answer = await host.send(0x2039, bytes([1, 1, 0, 0, 0, 0]))
        assert answer == bytes([0x04, 0x0E, 4, 1, 0x39, 0x20, hci.HCI_ErrorCode.UNKNOWN_HCI_COMMAND_ERROR])

    run_virtual(scenario())


def test_commands_for_a_link_that_does_not_exist_fail_with_a_status() -> None:
    async def scenario() -> None:
        host = RawHost(make_controller(RadioLink(), "raw"))
        handle = (0x0042).to_bytes(2, "little")
        for opcode, parameters in ((0x0406, handle + b"\x13"), (0x2032, handle + bytes([0, 2, 2, 0, 0]))):
            answer = await host.send(opcode, parameters)
            assert answer[1] == 0x0F
            assert answer[3] == hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR

    run_virtual(scenario())


def test_the_pod_is_told_the_true_connection_parameters() -> None:
    async def scenario() -> None:
        world = await small_world(interval_s=0.03, supervision_s=1.5)
        await world.connect("pod-1")
        connection = world.pods[0].connection
        assert connection is not None
        assert connection.parameters.connection_interval == 30.0
        assert connection.parameters.supervision_timeout == 1500.0

    run_virtual(scenario())


@pytest.mark.parametrize("use_l2cap", [True, False])
def test_the_pods_wish_for_other_parameters_is_honoured(use_l2cap: bool) -> None:
    async def scenario() -> None:
        world = await small_world(interval_s=0.05, supervision_s=0.42)
        await world.connect("pod-1")
        connection = world.pods[0].connection
        assert connection is not None
        await connection.update_parameters(15, 15, 0, 2000, use_l2cap=use_l2cap)
        await until(lambda: connection.parameters.connection_interval == 15.0)
        (other,) = world.central.device.connections.values()
        await until(lambda: other.parameters.connection_interval == 15.0)
        assert other.parameters.supervision_timeout == 2000.0
        (on_air,) = world.link.connections
        assert on_air.parameters.interval_s == pytest.approx(0.015)
        world.link.set_away(world.pods[0].controller)
        assert await until(lambda: not world.central.device.connections) == pytest.approx(2.0, abs=0.02)

    run_virtual(scenario())


def test_set_phy_and_data_length_take_effect_on_both_sides() -> None:
    async def scenario() -> None:
        world = await small_world()
        await world.connect("pod-1")
        connection = world.pods[0].connection
        assert connection is not None
        await connection.set_phy(tx_phys=[hci.Phy.LE_2M], rx_phys=[hci.Phy.LE_2M])
        await connection.set_data_length(251, 2120)
        (other,) = world.central.device.connections.values()
        await until(lambda: other.data_length.max_tx_octets == 251)
        assert (await connection.get_phy()).tx_phy == hci.Phy.LE_2M
        assert (await other.get_phy()).rx_phy == hci.Phy.LE_2M

    run_virtual(scenario())


def test_a_reset_forgets_everything_and_tells_nobody() -> None:
    async def scenario() -> None:
        world = await small_world(supervision_s=1.0)
        client = await world.connect("pod-1")
        controller = world.pods[0].controller
        controller.host = None
        controller.on_packet(bytes([1, 0x03, 0x0C, 0]))  # HCI_Reset
        assert controller.le_connections == {}
        assert controller.random_address == hci.Address("00:00:00:00:00:00")
        assert await until(lambda: not client.is_connected) == pytest.approx(1.0, abs=0.02)

    run_virtual(scenario())


def test_advertising_data_longer_than_a_legacy_packet_is_refused() -> None:
    async def scenario() -> None:
        link = RadioLink()
        device: Device = make_device(make_controller(link, "long"), address=static_address(1))
        await device.power_on()
        with pytest.raises(hci.HCI_Error):
            await device.start_advertising(advertising_data=bytes([31, 0xFF]) + bytes(30))

    run_virtual(scenario())


def test_a_passive_scan_hears_no_scan_response() -> None:
    async def scenario() -> None:
        link = RadioLink()
        await SmallPod.on(link, 1)
        device = make_device(make_controller(link, "ear"), address=static_address(99))
        await device.power_on()
        names: list[object] = []

        def hear(advertisement: Advertisement) -> None:
            names.append(advertisement.data.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME))

        device.on("advertisement", hear)
        await device.start_scanning(active=False)
        await until(lambda: len(names) > 3)
        assert set(names) == {None}

    run_virtual(scenario())


def test_advertising_comes_at_its_interval_with_the_random_delay() -> None:
    async def scenario() -> None:
        link = RadioLink()
        await SmallPod.on(link, 1)
        device = make_device(make_controller(link, "ear"), address=static_address(99))
        await device.power_on()
        times: list[float] = []

        def hear(_advertisement: Advertisement) -> None:
            times.append(asyncio.get_running_loop().time())

        device.on("advertisement", hear)
        await device.start_scanning(active=False)
        await until(lambda: len(times) > 50)
        gaps = [b - a for a, b in pairwise(times)]
        assert 0.099 < min(gaps) < 0.103
        assert 0.107 < max(gaps) < 0.111

    run_virtual(scenario())


def test_the_links_of_a_central_spread_over_the_interval() -> None:
    async def scenario() -> None:
        world = await small_world(6)
        for pod in world.pods:
            await world.connect(pod.name)
        slots = [connection.slot for connection in world.link.connections]
        assert sorted(slots) == [0, 1, 2, 3, 4, 5]

    run_virtual(scenario())
