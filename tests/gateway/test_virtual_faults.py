"""The faults of a real radio, each through bleak's public API, in virtual time."""

import asyncio
import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from bleak import BleakClient
from bleak.exc import BleakError
from bumble import hci
from fakes.small_pod import CONTROL, SmallPod
from fakes.small_world import Inbox, small_world, until

from evenstride_gateway.virtual.loop import run_virtual
from evenstride_gateway.virtual.radio import RadioLink

TIMEOUT = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR


def test_out_of_range_for_less_than_the_supervision_timeout_loses_nothing() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(supervision_s=1.0), Inbox()
        pod = world.pods[0]
        lost: list[str] = []
        client = world.client(await world.find("pod-1"), lost=lambda: lost.append("lost"))
        await client.connect()
        await inbox.subscribe(client)
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, world.link.set_away, pod.controller)
        loop.call_later(1.1, world.link.set_away, pod.controller, False)
        for n in range(50):  # unbounded: nothing is refused
            await pod.notify(b"".join([n.to_bytes(4, "little"), bytes(236)]))
            await asyncio.sleep(0.04)
        await until(lambda: len(inbox.frames) == 50)
        assert inbox.numbers == list(range(50))
        assert 0.58 < inbox.longest_silence_s < 0.66
        assert lost == []

    run_virtual(scenario())


def test_out_of_range_for_longer_ends_both_sides_by_timeout_and_the_other_pod_feels_nothing() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(2), Inbox()
        pod, other = world.pods
        lost_s: list[float] = []
        loop = asyncio.get_running_loop()
        client = world.client(await world.find("pod-1"), lost=lambda: lost_s.append(loop.time()))
        await client.connect()
        bystander = await world.connect("pod-2")
        await inbox.subscribe(bystander)
        streaming = asyncio.create_task(other.stream(25, 100))
        away_s = loop.time()
        world.link.set_away(pod.controller)
        await until(lambda: lost_s)
        assert lost_s[0] - away_s == pytest.approx(2.0, abs=0.01)
        assert pod.disconnect_reasons == [TIMEOUT]
        assert not client.is_connected
        assert world.link.stats.timeouts == 2
        world.link.set_away(pod.controller, False)
        again = await world.connect("pod-1")
        assert again.is_connected
        await streaming
        assert inbox.numbers == list(range(100))

    run_virtual(scenario())


def test_a_power_cut_is_a_supervision_timeout_and_the_rebooted_pod_is_found_again() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(supervision_s=1.0), Inbox()
        lost: list[str] = []
        client = world.client(await world.find("pod-1"), lost=lambda: lost.append("lost"))
        await client.connect()
        world.pods[0].cut_power()
        reborn = await SmallPod.on(world.link, 1)  # same address
        assert await until(lambda: lost) == pytest.approx(1.0, abs=0.02)
        again = await world.connect("pod-1")
        await inbox.subscribe(again)
        await reborn.stream(25, 10)
        assert inbox.numbers == list(range(10))

    run_virtual(scenario())


def test_a_polite_disconnect_is_seen_at_once() -> None:
    async def scenario() -> None:
        world = await small_world()
        lost: list[str] = []
        client = world.client(await world.find("pod-1"), lost=lambda: lost.append("lost"))
        await client.connect()
        connection = world.pods[0].connection
        assert connection is not None
        await connection.disconnect()
        assert await until(lambda: lost) < 0.03
        assert world.link.stats.timeouts == 0
        assert (await world.connect("pod-1")).is_connected

    run_virtual(scenario())


@pytest.mark.parametrize("operation", ["read", "write", "subscribe"])
def test_an_operation_pending_when_the_link_dies_is_a_bleak_error(operation: str) -> None:
    async def scenario() -> float:
        world = await small_world(supervision_s=1.0)
        client = await world.connect("pod-1")
        world.link.set_away(world.pods[0].controller)
        start_s = asyncio.get_running_loop().time()
        operations = {
            "read": lambda: client.read_gatt_char(CONTROL),
            "write": lambda: client.write_gatt_char(CONTROL, b"x", response=True),
            "subscribe": lambda: Inbox().subscribe(client),
        }
        with pytest.raises(BleakError, match="lost during"):
            await operations[operation]()
        return asyncio.get_running_loop().time() - start_s

    assert run_virtual(scenario()) == pytest.approx(1.0, abs=0.01)


def test_cancelling_our_own_operation_is_still_a_cancellation() -> None:
    async def scenario() -> None:
        world = await small_world()
        client = await world.connect("pod-1")
        reading = asyncio.create_task(client.read_gatt_char(CONTROL))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert bytes(await client.read_gatt_char(CONTROL)) == b"ok"

    run_virtual(scenario())


def test_our_disconnect_of_a_pod_that_is_away_returns_and_the_pod_frees_itself() -> None:
    async def scenario() -> None:
        world = await small_world(supervision_s=1.0)
        pod = world.pods[0]
        client = await world.connect("pod-1")
        world.link.set_away(pod.controller)
        start_s = asyncio.get_running_loop().time()
        await client.disconnect()
        assert asyncio.get_running_loop().time() - start_s < 0.01
        assert not client.is_connected
        assert pod.connection is not None  # half-open: the pod does not know
        assert await until(lambda: pod.connection is None) == pytest.approx(1.0, abs=0.02)
        assert pod.disconnect_reasons == [TIMEOUT]

    run_virtual(scenario())


def test_a_polite_word_arrives_when_the_pod_comes_back_in_time() -> None:
    async def scenario() -> None:
        world = await small_world()
        pod = world.pods[0]
        client = await world.connect("pod-1")
        world.link.set_away(pod.controller)
        await client.disconnect()
        asyncio.get_running_loop().call_later(1.0, world.link.set_away, pod.controller, False)
        assert await until(lambda: pod.connection is None) == pytest.approx(1.0, abs=0.03)
        assert pod.disconnect_reasons == [hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR]

    run_virtual(scenario())


def test_connecting_to_an_absent_pod_times_out_and_the_next_connect_works() -> None:
    async def scenario() -> None:
        world = await small_world()
        device = await world.find("pod-1")
        world.link.set_away(world.pods[0].controller)
        with pytest.raises(TimeoutError):
            await world.client(device, timeout=0.7).connect()
        world.link.set_away(world.pods[0].controller, False)
        async with world.client(device) as client:
            assert client.mtu_size == 247

    run_virtual(scenario())


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.05, 0.12, 0.2])
def test_a_connect_cancelled_at_any_moment_leaves_the_adapter_usable(after_s: float) -> None:
    async def scenario() -> None:
        world = await small_world()
        device = await world.find("pod-1")
        attempt = asyncio.create_task(world.client(device).connect())
        await asyncio.sleep(after_s)
        attempt.cancel()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        async with world.client(device) as client:
            assert client.is_connected

    run_virtual(scenario())


def test_a_pod_that_vanishes_as_we_connect_fails_after_six_intervals() -> None:
    async def scenario() -> None:
        world = await small_world()
        device = await world.find("pod-1")
        client = world.client(device)
        attempt = asyncio.create_task(client.connect())
        await until(lambda: world.link.connections)
        world.link.set_away(world.pods[0].controller)
        with pytest.raises(BleakError):
            await attempt
        assert not client.is_connected

    run_virtual(scenario())


@pytest.mark.parametrize("mtu", [23, 100])
def test_a_short_mtu_is_visible_and_cuts_what_the_pod_does_not_fit(mtu: int) -> None:
    async def scenario() -> None:
        world = await small_world(0)
        pod, inbox = await SmallPod.on(world.link, 1, mtu=mtu), Inbox()
        client = await world.connect("pod-1")
        assert client.mtu_size == mtu
        characteristic = client.services.get_characteristic(CONTROL)
        assert characteristic is not None
        assert characteristic.max_write_without_response_size == mtu - 3
        await inbox.subscribe(client)
        await pod.notify(bytes(240))
        await until(lambda: inbox.frames)
        assert inbox.frames[0][3] == mtu - 3

    run_virtual(scenario())


def test_back_pressure_drops_in_the_pod_and_never_on_the_air() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(link=RadioLink(pdus_per_event=1)), Inbox()
        pod = world.pods[0]
        client = await world.connect("pod-1")
        await inbox.subscribe(client)
        world.link.event_loss = 0.3
        await pod.stream(100, 400)
        world.link.event_loss = 0.0
        await until(lambda: len(inbox.frames) == pod.sent)
        assert pod.offered == 400 == pod.sent + pod.refused
        assert 150 < pod.refused < 260  # the air carries 47 frames a second of 100 offered
        assert pod.confirmed == pod.sent
        assert inbox.numbers == sorted(inbox.numbers)
        assert inbox.worst_latency_s < 0.6

    run_virtual(scenario())


def test_what_was_confirmed_has_arrived_and_the_rest_is_known_at_link_loss() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(link=RadioLink(pdus_per_event=1)), Inbox()
        pod = world.pods[0]
        client = await world.connect("pod-1")
        await inbox.subscribe(client)
        asyncio.get_running_loop().call_later(0.5, world.link.set_away, pod.controller)
        await pod.stream(25, 60)
        await until(lambda: pod.connection is None)
        assert len(inbox.frames) == pod.confirmed
        assert pod.sent == pod.confirmed + len(pod.unconfirmed)
        assert pod.unconfirmed == list(range(pod.confirmed, pod.sent))
        assert len(pod.unconfirmed) == 8

    run_virtual(scenario())


def test_frames_lost_and_doubled_by_the_host_are_visible_in_their_numbers() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(), Inbox()
        weather = random.Random(5)

        def fault(_address: str, _uuid: str, value: bytes) -> tuple[bytes, ...]:
            luck = weather.random()
            return () if luck < 0.05 else (value, value) if luck < 0.1 else (value,)

        client = await world.connect("pod-1")
        await inbox.subscribe(client)
        world.central.rx_fault = fault
        await world.pods[0].stream(50, 200)
        await asyncio.sleep(0.1)
        lost = 200 - len(set(inbox.numbers))
        doubled = len(inbox.numbers) - len(set(inbox.numbers))
        assert 0 < lost < 25
        assert 0 < doubled < 25
        assert world.pods[0].confirmed == 200  # the link layer lost nothing

    run_virtual(scenario())


def test_a_stall_is_one_silence_and_then_everything() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(), Inbox()
        client: BleakClient = await world.connect("pod-1")
        await inbox.subscribe(client)
        asyncio.get_running_loop().call_later(0.5, world.link.stall, world.pods[0].controller, 0.25)
        await world.pods[0].stream(25, 50)
        await asyncio.sleep(0.1)
        assert inbox.numbers == list(range(50))
        assert 0.2 < inbox.longest_silence_s < 0.3

    run_virtual(scenario())


def test_total_loss_ends_the_link_like_distance() -> None:
    async def scenario() -> None:
        world, inbox = await small_world(), Inbox()
        client = await world.connect("pod-1")
        await inbox.subscribe(client)
        world.link.event_loss = 1.0
        await world.pods[0].stream(25, 100)
        assert not client.is_connected
        assert world.pods[0].disconnect_reasons == [TIMEOUT]

    run_virtual(scenario())


def _faulty_run(seed: int) -> bytes:
    """Frames, numbers and arrival times of two pods on bad air, as bytes."""

    async def scenario() -> bytes:
        world, inbox = await small_world(2, link=RadioLink(event_loss=0.2, jitter_s=1e-3, seed=seed)), Inbox()
        for name in ("pod-1", "pod-2"):
            await inbox.subscribe(await world.connect(name))
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, world.link.set_away, world.pods[0].controller)
        loop.call_later(2.5, world.link.set_away, world.pods[0].controller, False)
        async with asyncio.TaskGroup() as tasks:
            for pod in world.pods:
                tasks.create_task(pod.stream(50, 200), name=pod.name)
        return repr((inbox.frames, world.link.stats)).encode()

    return run_virtual(scenario())


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    assert _faulty_run(3) == _faulty_run(3)
    assert _faulty_run(3) != _faulty_run(4)


def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]);"
        "from gateway.test_virtual_faults import _faulty_run; print(hashlib.sha256(_faulty_run(3)).hexdigest())"
    )
    tests = Path(__file__).parents[1]

    def run(hash_seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(tests)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    assert run("1") == run("2") == hashlib.sha256(_faulty_run(3)).hexdigest()
