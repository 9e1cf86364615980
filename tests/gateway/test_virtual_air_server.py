"""Pods in other processes, in real time over the loopback port: they join, they stream, kill -9 is power loss."""

import asyncio
import sys
from pathlib import Path

import pytest
from fakes.small_world import Inbox, SmallWorld, until

from evenstride_gateway.air.uuids import INFO_UUID, pod_name
from evenstride_gateway.decode import decode_info
from evenstride_gateway.virtual.air_server import LOOPBACK, AirServer
from evenstride_gateway.virtual.backend import make_backends
from evenstride_gateway.virtual.central import Central
from evenstride_gateway.virtual.radio import RadioLink

POD = Path(__file__).parents[1] / "fakes" / "remote_small_pod.py"


async def _start_pod(port: int, number: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, str(POD), LOOPBACK, str(port), str(number))


def test_a_pod_in_another_process_streams_and_kill_9_is_power_loss() -> None:
    async def scenario() -> None:
        link = RadioLink()
        async with AirServer(link) as air:
            central = await Central.power_on(link, supervision_s=0.5)
            world = SmallWorld(link, central, make_backends(central))
            process = await _start_pod(air.port, 7)
            try:
                inbox = Inbox()
                client = world.client(await world.find("pod-7", within_s=30))
                await client.connect()
                assert client.mtu_size == 247
                await inbox.subscribe(client)
                await until(lambda: len(inbox.frames) >= 25, within_s=30)
                assert inbox.numbers == list(range(inbox.numbers[0], inbox.numbers[0] + len(inbox.numbers)))
                assert {length for *_, length in inbox.frames} == {240}
                assert len(air) == 1
            finally:
                process.kill()
                await process.wait()
            await until(lambda: not client.is_connected, within_s=10)
            assert link.stats.timeouts == 1  # the dead pod's end saw nothing any more
            assert len(air) == 0

    asyncio.run(scenario())


def test_a_pod_of_protocol_v1_comes_in_through_the_same_door() -> None:
    async def scenario() -> None:
        link = RadioLink()
        async with AirServer(link) as air:
            central = await Central.power_on(link)
            world = SmallWorld(link, central, make_backends(central))
            pod_id = "e5e50000000000c3"
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "evenstride_gateway.virtual.remote_pod"),
                *(LOOPBACK, str(air.port), "--side", "right", "--pod-id", pod_id),
            )
            try:
                async with world.client(await world.find(pod_name(pod_id), within_s=40)) as client:
                    pod, _info = decode_info(bytes(await client.read_gatt_char(INFO_UUID)))
                    assert pod.pod_id == pod_id
            finally:
                process.kill()
                await process.wait()

    asyncio.run(scenario())


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\n\r\n", b"\x01\x03\x0c\x05ab", b"\x01\x06\x20\x0f" + bytes(15)])
def test_what_does_not_speak_hci_is_hung_up_and_harms_nobody(noise: bytes) -> None:
    async def scenario() -> None:
        async with AirServer(RadioLink()) as air:
            reader, writer = await asyncio.open_connection(LOOPBACK, air.port)
            writer.write(noise)
            writer.write_eof()
            async with asyncio.timeout(5):
                await _drain(reader)
            writer.close()
            await until(lambda: len(air) == 0)

    asyncio.run(scenario())


def test_a_connection_too_many_is_refused() -> None:
    async def scenario() -> None:
        async with AirServer(RadioLink(), max_pods=1) as air:
            _, first = await asyncio.open_connection(LOOPBACK, air.port)
            await until(lambda: len(air) == 1)
            reader, second = await asyncio.open_connection(LOOPBACK, air.port)
            async with asyncio.timeout(5):
                await _drain(reader)
            assert air.refused == 1
            first.close()
            second.close()

    asyncio.run(scenario())


async def _drain(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(1024):
            pass
    except ConnectionResetError:
        return
