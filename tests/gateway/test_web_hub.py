"""The hub: encoded once, bounded per viewer, a snapshot after every loss, never silent."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from evenstride_gateway.web.hub import Hub, Viewer, encode


def counting_hub(capacity: int = 4) -> tuple[Hub, list[int]]:
    state = [0]

    def delta() -> dict[str, Any]:
        state[0] += 1
        return {"n": state[0]}

    return Hub(snapshot=lambda: {"all": state[0]}, delta=delta, capacity=capacity, viewers_max=3), state


def events(piece: bytes | None) -> list[tuple[int, str, dict[str, Any]]]:
    assert piece is not None
    out: list[tuple[int, str, dict[str, Any]]] = []
    for block in piece.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        out.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return out


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(10):
            await scenario()

    asyncio.run(limited())


def test_a_new_viewer_gets_a_snapshot_then_what_changes() -> None:
    async def scenario() -> None:
        hub, _ = counting_hub()
        hub.publish()
        with hub.join() as viewer:
            assert events(await viewer.next()) == [(1, "snapshot", {"all": 1})]
            hub.publish()
            hub.publish()
            assert events(await viewer.next()) == [(2, "board", {"n": 2}), (3, "board", {"n": 3})]
        assert hub.viewers == 0

    run(scenario)


def test_a_slow_viewer_loses_frames_counted_and_gets_a_snapshot() -> None:
    async def scenario() -> None:
        hub, _ = counting_hub(capacity=4)
        with hub.join() as slow, hub.join() as quick:
            for viewer in (slow, quick):
                await viewer.next()
            for _ in range(6):
                hub.publish()
                await quick.next()
            assert (slow.dropped, quick.dropped, hub.dropped) == (2, 0, 2)
            assert events(await slow.next()) == [(6, "snapshot", {"all": 6})]
            hub.publish()
            assert events(await slow.next()) == events(await quick.next()) == [(7, "board", {"n": 7})]

    run(scenario)


def test_all_viewers_get_the_very_same_bytes() -> None:
    async def scenario() -> None:
        hub, _ = counting_hub()
        with hub.join() as one, hub.join() as other:
            await one.next()
            await other.next()
            hub.publish()
            assert await one.next() == await other.next()

    run(scenario)


def test_the_hub_speaks_when_nothing_happens() -> None:
    async def scenario() -> None:
        hub, _ = counting_hub()
        beating = asyncio.create_task(hub.run(heartbeat_s=0.01), name="heartbeat")
        with hub.join() as viewer:
            await viewer.next()
            seen = [event for _ in range(3) for event in events(await viewer.next())]
        assert [kind for _, kind, _ in seen] == ["board"] * len(seen)
        assert [n for n, _, _ in seen] == list(range(seen[0][0], seen[0][0] + len(seen)))
        beating.cancel()

    run(scenario)


def test_disconnect_ends_waiting_viewers() -> None:
    async def scenario() -> None:
        hub, _ = counting_hub()
        with hub.join() as viewer:
            await viewer.next()
            waiting = asyncio.create_task(viewer.next(), name="waiting")
            hub.disconnect_all()
            assert await waiting is None

    run(scenario)


def test_full_is_said() -> None:
    hub, _ = counting_hub()
    with hub.join(), hub.join():
        assert not hub.full
        with hub.join():
            assert hub.full


def test_not_a_number_never_travels() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode("board", 1, {"x": float("nan")})


def test_a_viewer_keeps_the_newest() -> None:
    viewer = Viewer(2, lambda: b"snapshot")
    assert [viewer.offer(bytes([n])) for n in range(4)] == [0, 0, 1, 1]
