"""A recording behind the same Protocol as the radio."""

import asyncio

import pytest

from evenstride_gateway.errors import LinkError
from evenstride_gateway.link.recording import RecordingSource
from evenstride_gateway.link.source import Chunk, LinkChange, LinkState, Source
from evenstride_gateway.virtual.loop import run_virtual

CHUNKS = [("a", b"1", 100.0), ("b", b"2", 100.5), ("a", b"3", 107.25)]


async def play(source: Source) -> list[Chunk | LinkChange]:
    async with source as playing:
        return [item async for item in playing]


def test_as_fast_as_possible_keeps_the_recorded_arrivals() -> None:
    async def scenario() -> None:
        start_s = asyncio.get_running_loop().time()
        items = await play(RecordingSource(CHUNKS, infos={"a": b"info"}))
        assert asyncio.get_running_loop().time() == start_s
        chunks = [item for item in items if isinstance(item, Chunk)]
        assert [(chunk.pod_id, chunk.data, chunk.arrival_s) for chunk in chunks] == CHUNKS
        changes = [(item.pod_id, item.state, item.info) for item in items if isinstance(item, LinkChange)]
        assert changes == [
            ("a", LinkState.STREAMING, b"info"),
            ("b", LinkState.STREAMING, b""),
            ("a", LinkState.LOST, b""),
            ("b", LinkState.LOST, b""),
        ]
        assert isinstance(items[0], LinkChange)

    run_virtual(scenario())


def test_paced_keeps_the_distances_on_the_loops_clock() -> None:
    async def scenario() -> None:
        start_s = asyncio.get_running_loop().time()
        items = await play(RecordingSource(CHUNKS, paced=True))
        arrivals = [item.arrival_s - start_s for item in items if isinstance(item, Chunk)]
        assert arrivals == pytest.approx([0.0, 0.5, 7.25])
        assert asyncio.get_running_loop().time() - start_s == pytest.approx(7.25)

    run_virtual(scenario())


def test_close_ends_a_paced_play_at_once() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        source = RecordingSource(CHUNKS, paced=True)
        async with source, asyncio.TaskGroup() as tasks:
            playing = tasks.create_task(play(source), name="player")
            await asyncio.sleep(2)
            await source.close()
        assert [item.data for item in playing.result() if isinstance(item, Chunk)] == [b"1", b"2"]
        assert loop.time() - start_s == pytest.approx(2)

    run_virtual(scenario())


def test_a_recording_takes_no_orders() -> None:
    async def scenario() -> None:
        source = RecordingSource(CHUNKS)
        assert [item async for item in source]
        assert dict(source.problems) == {}
        assert (source.pods["a"].chunks, source.pods["a"].last_arrival_s) == (2, 107.25)
        with pytest.raises(LinkError, match="no commands"):
            await source.command("a", b"\x41\x00")
        with pytest.raises(LinkError, match="no pings"):
            await source.ping("a", b"")

    run_virtual(scenario())
