"""The link on the virtual radio: every way a connection begins, ends and begins again."""

from itertools import pairwise

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from fakes.link_world import pod_id, run, world

from evenstride_gateway.air import CommandReply, GetStatus, Identify, PodStatus, Status, TimePing, TimePong
from evenstride_gateway.decode import decode, decode_info
from evenstride_gateway.errors import LinkError
from evenstride_gateway.link.backend import LinkBackend, LinkConfig
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.scan import scan_pods
from evenstride_gateway.link.source import Chunk, LinkState
from evenstride_gateway.virtual.backend import VirtualScanner


def test_a_pod_is_found_connected_and_streams() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.streaming()
            link = here.source.pods[pod_id(0)]
            await here.until(lambda: link.chunks > 100)
            assert (link.connections, link.mtu, link.inbox_dropped, link.refused) == (1, 247, 0, "")
            assert link.rssi_dbm is not None
            assert list(here.source.pods) == [pod_id(0)]
        assert here.heard.states(pod_id(0)) == [LinkState.STREAMING, LinkState.LOST]
        assert here.heard.states(link.address) == [LinkState.SEEN, LinkState.CONNECTING, LinkState.CHECKING]
        started = here.heard.changes(LinkState.STREAMING)[0]
        assert decode_info(started.info)[0].pod_id == pod_id(0)
        frames = here.heard.frames(pod_id(0))
        assert [frame.seq for frame in frames] == list(range(len(frames)))
        assert here.heard.changes(LinkState.LOST)[0].reason == "stopped"

    run(scenario())


def test_the_start_precedes_the_first_frame() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.streaming()
            await here.until(lambda: len(here.heard.frames(pod_id(0))) > 5)
        items = [item for item in here.heard.items if item.pod_id == pod_id(0)]
        assert getattr(items[0], "state", None) is LinkState.STREAMING
        reply = items[1]
        assert isinstance(reply, Chunk)
        assert isinstance(decode(reply.data), CommandReply)
        arrivals = [item.arrival_s for item in items]
        assert arrivals == sorted(arrivals)

    run(scenario())


def test_eight_pods_connect_one_at_a_time_and_the_scan_ends() -> None:
    async def scenario() -> float:
        config = LinkConfig(slots_per_adapter=8, expected=8, max_pods=8)
        async with world(8, config=config) as here:
            took_s = await here.streaming()
            await here.until(lambda: not here.source.adapters[0].scanning)
            assert here.source.adapters[0].used == 8
            changes = here.heard.changes(LinkState.CONNECTING)
            connected = here.heard.changes(LinkState.CHECKING)
            for before, after in pairwise(range(8)):
                assert connected[before].arrival_s <= changes[after].arrival_s
        assert here.source.adapters[0].used == 0
        return took_s

    assert run(scenario()) < 8


def test_a_full_adapter_says_so() -> None:
    async def scenario() -> None:
        async with world(2, config=LinkConfig(slots_per_adapter=1)) as here:
            await here.until(lambda: len(here.source.pods) == 2)
            await here.until(lambda: any(p.state is LinkState.STREAMING for p in here.source.pods.values()))
            await here.until(lambda: any("holds 1 pods already" in p.refused for p in here.source.pods.values()))
            assert here.source.adapters[0].used == 1

    run(scenario())


def test_a_polite_disconnect_is_answered_by_a_new_connection() -> None:
    async def scenario() -> None:
        async with world(2) as here:
            await here.streaming()
            await here.pods[0].disconnect()
            assert await here.lost(0) < 0.1
            assert await here.streaming() < 1.5
            link, other = (here.source.pods[pod_id(n)] for n in (0, 1))
            assert (link.connections, link.losses) == (2, {"link lost": 1})
            assert (other.connections, other.losses) == (1, {})

    run(scenario())


def test_a_short_absence_is_no_loss() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.streaming()
            await here.until(lambda: len(here.heard.frames(pod_id(0))) > 20)
            here.away(0)
            start_s = here.now()
            await here.until(lambda: here.now() > start_s + 1.0)
            here.away(0, away=False)
            seen = len(here.heard.frames(pod_id(0)))
            await here.until(lambda: len(here.heard.frames(pod_id(0))) > seen + 40)
            assert here.source.pods[pod_id(0)].losses == {}
        seqs = [frame.seq for frame in here.heard.frames(pod_id(0))]
        assert seqs == list(range(len(seqs)))

    run(scenario())


def test_out_of_range_and_back() -> None:
    async def scenario() -> tuple[float, float]:
        async with world(2) as here:
            await here.streaming()
            here.away(0)
            lost_s = await here.lost(0)
            start_s = here.now()
            await here.until(lambda: here.now() > start_s + 20, within_s=21)
            here.away(0, away=False)
            back_s = await here.streaming()
            link = here.source.pods[pod_id(0)]
            assert link.connections == 2
            assert here.source.pods[pod_id(1)].losses == {}
            return lost_s, back_s

    lost_s, back_s = run(scenario())
    assert 1.9 < lost_s < 2.2  # the supervision timeout that the pod asked for
    assert back_s < 3.0


def test_a_reboot_keeps_the_history_of_the_pod() -> None:
    async def scenario() -> float:
        async with world() as here:
            await here.streaming()
            await here.until(lambda: here.source.pods[pod_id(0)].chunks > 30)
            here.pods[0].power_cut()
            start_s = here.now()
            await here.until(lambda: here.now() > start_s + 0.5)
            await here.pods[0].reboot()
            await here.lost(0)
            await here.streaming()
            assert here.source.pods[pod_id(0)].connections == 2
            up_s = here.now() - start_s
            known = len(here.heard.frames(pod_id(0)))
            await here.until(lambda: len(here.heard.frames(pod_id(0))) > known)
        boots = list(dict.fromkeys(frame.boot_id for frame in here.heard.frames(pod_id(0))))
        assert len(boots) == 2
        return up_s

    assert run(scenario()) < 4.0


def test_a_read_that_is_pending_when_the_link_dies_ends_in_a_loss() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.until(lambda: bool(here.heard.changes(LinkState.CHECKING)))
            here.away(0)
            lost = await here.until(lambda: bool(here.heard.changes(LinkState.LOST)))
            assert lost < 6
            here.away(0, away=False)
            await here.streaming()

    run(scenario())


def test_a_pod_that_vanishes_before_the_connect_is_tried_again() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.until(lambda: bool(here.heard.changes(LinkState.CONNECTING)))
            here.away(0)
            await here.until(lambda: bool(here.heard.changes(LinkState.LOST)))
            link = next(iter(here.source.pods.values()))
            assert link.losses == {"connect timed out": 1}
            here.away(0, away=False)
            assert await here.streaming() < 5

    run(scenario())


def test_a_silent_pod_is_dropped_by_the_watchdog_and_taken_up_again() -> None:
    async def scenario() -> float:
        async with world() as here:
            await here.streaming()
            here.central.rx_fault = lambda address, uuid, value: ()
            silent_s = await here.lost(0)
            here.central.rx_fault = None
            await here.streaming()
            assert here.source.pods[pod_id(0)].losses == {"no data for 3 s": 1}
            return silent_s

    assert run(scenario()) == pytest.approx(3.0, abs=0.2)


def test_commands_are_answered_in_turn_with_the_callers_token() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.streaming()
            data = await here.source.command(pod_id(0), bytes(GetStatus(token=77)))
            reply = CommandReply.from_bytes(data)
            assert (reply.status, reply.token, reply.command) == (Status.OK, 77, GetStatus.opcode)
            assert PodStatus.from_bytes(reply.payload).battery_v > 3
            data = await here.source.command(pod_id(0), b"\x7e\x01")
            assert CommandReply.from_bytes(data).status is Status.UNKNOWN_COMMAND

    run(scenario())


def test_commands_to_a_pod_that_is_away_fail_in_words() -> None:
    async def scenario() -> None:
        async with world() as here:
            with pytest.raises(LinkError, match="not connected"):
                await here.source.command(pod_id(0), bytes(Identify()))
            await here.streaming()
            here.away(0)
            with pytest.raises(LinkError, match=r"no reply to command 0x42 within 0\.5 s"):
                await here.source.command(pod_id(0), bytes(Identify()), timeout_s=0.5)
            with pytest.raises(LinkError, match="lost"):
                await here.source.command(pod_id(0), bytes(Identify()), timeout_s=10)
            with pytest.raises(LinkError):
                await here.source.ping(pod_id(0), bytes(TimePing(ping_id=1)))
            with pytest.raises(LinkError, match="not connected"):
                await here.source.command("0" * 16, bytes(Identify()))
            here.away(0, away=False)
            await here.streaming()
            with pytest.raises(LinkError, match="2 to 244 bytes"):
                await here.source.command(pod_id(0), b"\x42")

    run(scenario())


def test_a_ping_comes_back_as_a_chunk() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.streaming()
            sent_s = here.now()
            await here.source.ping(pod_id(0), bytes(TimePing(ping_id=9, marker=5)))
            await here.until(lambda: here.heard.kinds()["TimePong"] > 0)
            chunk = next(c for c in here.heard.items if isinstance(c, Chunk) and isinstance(decode(c.data), TimePong))
            pong = decode(chunk.data)
            assert isinstance(pong, TimePong)
            assert (pong.ping_id, pong.marker, pong.interval_s) == (9, 5, 0.015)
            assert pong.interval_s <= chunk.arrival_s - sent_s + 1e-6 <= 3 * pong.interval_s

    run(scenario())


def test_no_adapter_is_one_clear_error() -> None:
    class Nothing(VirtualScanner):
        async def start(self) -> None:
            raise BleakBluetoothNotAvailableError("No Bluetooth adapters found.", NO_BLUETOOTH)

    async def scenario() -> None:
        backend = LinkBackend(scanner=Nothing)
        with pytest.raises(LinkError, match=r"adapter hci7 is not available \(No Bluetooth adapters found\): plug one"):
            async with BleSource(backend, adapters=["hci7"]):
                pass
        with pytest.raises(LinkError, match="the Bluetooth adapter is not available"):
            await scan_pods(backend, 1.0)

    run(scenario())


NO_BLUETOOTH = BleakBluetoothNotAvailableReason.NO_BLUETOOTH


def test_a_look_around_names_the_pods() -> None:
    async def scenario() -> None:
        async with world(2, start=False) as here:
            found = await scan_pods(here.backend, 2.0)
            assert sorted(pod.pod_id or "" for pod in found) == [pod_id(0), pod_id(1)]
            assert all(pod.advertisement is not None and pod.name.startswith("evenstride ") for pod in found)

    run(scenario())
